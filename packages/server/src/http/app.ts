import { CarryonError, toCarryonError, type ErrorCode } from '@carryon/protocol';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { LIMITS } from '../core/limits.ts';
import type { Context } from './context.ts';
import { answerPack } from './packs.ts';
import { RateLimit } from './rate-limit.ts';
import { answerSync } from './sync.ts';

const STATUS: Partial<Record<ErrorCode, number>> = {
  'auth.missing': 401, 'auth.invalid': 401, 'auth.expired': 401, 'auth.forbidden': 403,
  'protocol.bad-request': 400, 'protocol.version': 400, 'protocol.not-found': 404, 'epoch.changed': 409,
  'pack.url-expired': 403, 'pack.gone': 410, 'server.busy': 429, 'server.preparing': 503, 'server.unavailable': 503, 'source.locked': 503,
};

/** The server's HTTP side. Every refusal is `{error: {code, message}}` with a status that fits. */
export function createApp(context: Context, logger: FastifyBaseLogger): FastifyInstance {
  const app = Fastify({ loggerInstance: logger, bodyLimit: LIMITS.requestBytes, logController: new LogController({ disableRequestLogging: true }), forceCloseConnections: 'idle' });
  const limit = new RateLimit(LIMITS.requestsPerMinute, context.clock);
  app.setErrorHandler((thrown, request, reply) => {
    const error = fromHttp(thrown);
    const status = STATUS[error.code] ?? 500;
    if (status >= 500 && error.code !== 'server.preparing') request.log.error({ err: thrown, code: error.code }, 'a request failed');
    if (error.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(error.retryAfterMs / 1000));
    const message = status === 500 ? 'The server failed; its log says why.' : error.message;
    return reply.code(status).type('application/json').send({ error: { code: status === 500 ? 'server.unavailable' : error.code, message } });
  });
  app.setNotFoundHandler(() => { throw new CarryonError('protocol.not-found', 'There is nothing at this address.'); });
  app.addHook('onResponse', async (request, reply) => {
    context.metrics.requests.inc({ route: request.routeOptions.url ?? 'none', status: reply.statusCode });
  });
  app.post('/v1/sync', async (request, reply) => {
    const user = await context.auth.user(request.headers.authorization);
    limit.take(user);
    return answerSync(context, user, request, reply);
  });
  app.get('/v1/packs/:name', (request, reply) => answerPack(context, request as never, reply));
  app.get('/healthz', async () => health(context));
  app.get('/metrics', async (_request, reply) => {
    const { checkpoint } = await context.storage.read((snapshot) => snapshot.state());
    const usage = process.cpuUsage();
    context.metrics.checkpoint.set(checkpoint);
    context.metrics.packsBuilt.set(context.planner.built.packs);
    context.metrics.cpu.set((usage.user + usage.system) / 1e6);
    context.metrics.memory.set(process.memoryUsage.rss());
    return reply.type(context.metrics.registry.contentType).send(await context.metrics.registry.metrics());
  });
  return app;
}

async function health(context: Context): Promise<object> {
  const { checkpoint, epoch } = await context.storage.read((snapshot) => snapshot.state());
  return { status: checkpoint === 0 ? 'preparing' : 'ok', checkpoint, epoch, nowMs: context.clock.nowMs() };
}

/** Fastify's own refusals (a body that is too large or no JSON) as ours. */
function fromHttp(thrown: unknown): CarryonError {
  const status = (thrown as { statusCode?: number } | null)?.statusCode;
  if (!(thrown instanceof CarryonError) && status !== undefined && status < 500) {
    return new CarryonError('protocol.bad-request', thrown instanceof Error ? thrown.message : 'The request could not be read.', { cause: thrown });
  }
  return toCarryonError(thrown);
}
