import { CarryonError } from '@carryon/protocol';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { LIMITS } from '../core/limits.ts';
import type { Context } from './context.ts';
import { answerErrors } from './errors.ts';
import { answerPack } from './packs.ts';
import { RateLimit } from './rate-limit.ts';
import { refusalOf } from './refusal.ts';
import { answerSync } from './sync.ts';

/** The server's HTTP side. Every refusal is `{error: {code, message}}` with a status that fits. */
export function createApp(context: Context, logger: FastifyBaseLogger): FastifyInstance {
  const app = Fastify({
    loggerInstance: logger, bodyLimit: LIMITS.requestBytes, logController: new LogController({ disableRequestLogging: true }), forceCloseConnections: 'idle',
    frameworkErrors: refuse,
  });
  const limit = new RateLimit(LIMITS.requestsPerMinute, context.clock);
  const checks = new RateLimit(LIMITS.checksPerMinute, context.clock);
  app.setErrorHandler(refuse);
  app.setNotFoundHandler(() => { throw new CarryonError('protocol.not-found', 'There is nothing at this address.'); });
  app.addHook('onResponse', async (request, reply) => {
    context.metrics.requests.inc({ route: request.routeOptions.url ?? 'none', status: reply.statusCode });
  });
  app.post('/v1/sync', async (request, reply) => {
    const caller = await context.auth.caller(request.headers.authorization);
    limit.take(caller.user);
    if ((request.body as { check?: unknown } | null)?.check !== undefined) checks.take(caller.user);
    return answerSync(context, caller, request, reply);
  });
  app.get('/v1/errors', async (request, reply) => {
    const caller = await context.auth.caller(request.headers.authorization);
    limit.take(caller.user);
    return answerErrors(context, caller, request, reply);
  });
  // One route for both: Fastify's own HEAD routes tell an answer without a body to be of length 0.
  app.route({ method: ['GET', 'HEAD'], url: '/v1/packs/:name', handler: (request, reply) => answerPack(context, request as never, reply) });
  app.get('/healthz', async () => health(context));
  app.get('/metrics', async (_request, reply) => {
    const { checkpoint, config } = await context.storage.read((snapshot) => ({ ...snapshot.state(), config: snapshot.config() }));
    const usage = process.cpuUsage();
    context.metrics.rules.set(config.nodes.length);
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
  const { trouble } = context.health;
  const status = trouble ? { status: 'degraded', code: trouble.code } : { status: checkpoint === 0 ? 'preparing' : 'ok' };
  return { ...status, checkpoint, epoch, nowMs: context.clock.nowMs() };
}

function refuse(thrown: unknown, request: FastifyRequest, reply: FastifyReply): unknown {
  const { status, code, message, retryAfterMs, error } = refusalOf(thrown);
  // That the rules do not fit was logged when it was found.
  const isKnown = code === 'server.preparing' || (error.cause as { code?: unknown } | undefined)?.code === 'source.schema-changed';
  if (status >= 500 && !isKnown) request.log.error({ err: thrown, code: error.code }, 'a request failed');
  if (retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(retryAfterMs / 1000));
  return reply.code(status).type('application/json').send({ error: { code, message } });
}
