import { CarryonError } from '@carryon/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from './context.ts';

interface PackRequest {
  readonly Params: { readonly name: string };
  readonly Querystring: { readonly u?: string; readonly e?: string; readonly s?: string };
}

/** `GET /v1/packs/NAME?…`: an immutable file behind a signed address; ranges resume (RFC 9110 section 14). */
export async function answerPack(context: Context, request: FastifyRequest<PackRequest>, reply: FastifyReply): Promise<unknown> {
  const { name } = request.params;
  const expired = (): CarryonError => new CarryonError('pack.url-expired', 'The address of this pack has expired or was not made for this person.');
  const grant = context.urls.check(name, request.query, context.clock.nowMs());
  if (!grant) throw expired();
  const size = await context.files.size(name);
  if (size === undefined) throw new CarryonError('pack.gone', 'The server no longer keeps this pack.');
  if (!(await context.planner.mayRead(grant))) throw expired();
  const etag = `"${name}"`;
  reply.headers({ etag, 'accept-ranges': 'bytes', 'cache-control': 'private, max-age=31536000, immutable, no-transform', 'content-type': 'application/octet-stream' });
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  const range = readRange(request.headers.range, request.headers['if-range'], etag, size);
  if (range === 'unsatisfiable') return reply.code(416).header('content-range', `bytes */${size}`).send();
  const { start, end } = range ?? { start: 0, end: size - 1 };
  if (range) reply.code(206).header('content-range', `bytes ${start}-${end}/${size}`);
  reply.header('content-length', end - start + 1);
  if (request.method === 'HEAD') return reply.send();
  context.metrics.packBytes.inc(end - start + 1);
  return reply.send(context.files.read(name, start, end));
}

/** One byte range; several, or another unit, are answered with the whole file, as the RFC allows. */
function readRange(header: string | undefined, ifRange: string | string[] | undefined, etag: string, size: number): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/i.exec(header ?? '');
  if (!match || (ifRange !== undefined && ifRange !== etag)) return undefined;
  const [, from = '', to = ''] = match;
  if (from === '' && to === '') return undefined;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(size - 1, Number(to));
  return start > end || start >= size ? 'unsatisfiable' : { start, end };
}
