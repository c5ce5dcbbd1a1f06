import { CarryonError } from '@carryon/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LIMITS } from '../core/limits.ts';
import type { Caller } from './auth.ts';
import type { Context } from './context.ts';

/** `GET /v1/errors`: a person's refused edits, newest first; an admin gets everybody's, or those of `?user=`. */
export async function answerErrors(context: Context, { user, isAdmin }: Caller, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const asked = (request.query as { user?: unknown }).user;
  if (asked !== undefined && typeof asked !== 'string') throw new CarryonError('protocol.bad-request', 'The address names more than one user.');
  if (!isAdmin && asked !== undefined && asked !== user) throw new CarryonError('auth.forbidden', 'Only an admin may see the sync errors of others.');
  const errors = await context.storage.errors(isAdmin ? asked : user, LIMITS.errorsPerAnswer);
  return reply.send({ errors });
}
