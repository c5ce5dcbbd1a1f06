import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { CarryonError, OLDEST_VERSION, PROTOCOL_VERSION, syncRequest, type CheckRequest, type Frame, type Push, type PushedFrame, type SyncRequest } from '@carryon/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { check, readCheck } from '../core/check.ts';
import { LIMITS } from '../core/limits.ts';
import { headerOf, pull, type PullAnswer } from '../core/pull.ts';
import { scopeOf } from '../core/cut.ts';
import { tokenFromText, type Token } from '../core/token.ts';
import type { StoreState, SyncedTable } from '../ports/storage.ts';
import type { Context } from './context.ts';
import { refusalOf } from './refusal.ts';

const COMPRESS_FROM_BYTES = 1024;
const compress = promisify(gzip);
const seal = (text: string): string => Buffer.from(text).toString('base64url');
const unseal = (text: string): string => Buffer.from(text, 'base64url').toString();

/** `POST /v1/sync`: the one question a device asks. */
export async function answerSync(context: Context, user: string, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const ask = readRequest(request.body);
  const state = await context.storage.read((snapshot) => snapshot.state());
  if (state.checkpoint === 0) throw new CarryonError('server.preparing', 'The server is still reading the business database.', { retryAfterMs: 1000 });
  const token = readToken(ask, state);
  const question = { user, device: ask.device, ask, token };
  if (ask.check) readCheck(ask.check, token, context.tables);
  const pushed = ask.push ? [await takePush(context, user, ask.device, ask.push)] : [];
  reply.type('application/x-ndjson');
  if (ask.urls) {
    const urls = await context.planner.addresses(user, ask.urls);
    return sendFrames(request, reply, [headerOf(state, user, context.clock.nowMs()), ...pushed, { urls }]);
  }
  const tables = chosenTables(context, ask);
  const missing = ask.check ? [] : tables.filter((table) => !token.tables.has(table.id));
  if (missing.length > 0) return reply.send(Readable.from(streamPlan(context, question, missing, state, pushed)));
  const answer = ask.check ? await checkOnce(context, question, ask.check) : await pullOrWait(context, question, tables, request);
  context.metrics.rows.inc(answer.rows);
  const [header, ...rest] = answer.frames;
  return sendFrames(request, reply, header ? [header, ...pushed, ...rest] : rest);
}

/** Who asks what, from where. */
interface Question {
  readonly user: string;
  readonly device: string;
  readonly ask: SyncRequest;
  readonly token: Token;
}

/** Takes a device's edits in, so that what is read afterwards shows them. */
async function takePush(context: Context, user: string, device: string, push: Push): Promise<PushedFrame> {
  if ((push.user ?? user) !== user) throw new CarryonError('device.other-server', `The edits are ${String(push.user)}'s, and the token is of ${user}.`);
  const { last, ledger, diverged, outcomes, taken, refused, published } = await context.storage.upload({ user, device, push, nowMs: context.clock.nowMs() });
  context.metrics.changesets.inc({ result: 'accepted' }, taken - refused);
  context.metrics.changesets.inc({ result: 'refused' }, refused);
  if (published) context.changes.wake();
  return { pushed: { last, ledger, ...(diverged ? { diverged: 1 } : {}), outcomes } };
}

function readRequest(body: unknown): SyncRequest {
  const version = (body as { v?: unknown } | null | undefined)?.v;
  if (Number.isInteger(version) && ((version as number) < OLDEST_VERSION || (version as number) > PROTOCOL_VERSION)) {
    throw new CarryonError('protocol.version', `The device speaks version ${String(version)} of the protocol, this server ${OLDEST_VERSION} to ${PROTOCOL_VERSION}.`);
  }
  const problem = syncRequest.problem(body, '');
  if (problem !== undefined) throw new CarryonError('protocol.bad-request', `The request could not be read: ${problem}.`);
  return body as SyncRequest;
}

function readToken(ask: SyncRequest, state: StoreState): Token {
  if (ask.token === null) return { epoch: state.epoch, tables: new Map() };
  const token = tokenFromText(unseal(ask.token));
  if (!token) throw new CarryonError('protocol.bad-request', 'The token could not be read.');
  if (token.epoch !== state.epoch) throw new CarryonError('epoch.changed', 'The server\'s sync data was made anew since this device last synced.');
  const fresh = new Set(ask.fresh ?? []);
  return { epoch: token.epoch, tables: new Map([...token.tables].filter(([id]) => !fresh.has(id))) };
}

function chosenTables(context: Context, ask: SyncRequest): readonly SyncedTable[] {
  if (!ask.tables) return context.tables;
  const wanted = new Set(ask.tables);
  return context.tables.filter((table) => wanted.has(table.id));
}

async function* streamPlan(context: Context, { user, ask, token }: Question, tables: readonly SyncedTable[], state: StoreState, pushed: readonly Frame[]): AsyncGenerator<string> {
  try {
    for (const frame of [headerOf(state, user, context.clock.nowMs()), ...pushed]) yield line(frame);
    const codec = ask.accept.includes('zstd') ? 'zstd' : 'gzip';
    for await (const frame of context.planner.plan({ user, token, tables, codec, seal })) yield line(frame);
  } catch (thrown) {
    const { code, message, error } = refusalOf(thrown);
    context.log.error({ err: thrown, code: error.code }, 'a plan failed');
    yield line({ error: { code, message } });
  }
}

/** Answers at once when there is something new, or edits came along; else when something is, or when the time is up. */
async function pullOrWait(context: Context, question: Question, tables: readonly SyncedTable[], request: FastifyRequest): Promise<PullAnswer> {
  const { ask } = question;
  const waitSeconds = ask.push ? 0 : Math.min(ask.waitSeconds ?? 0, LIMITS.waitSeconds);
  const until = context.clock.nowMs() + waitSeconds * 1000;
  let ack: number | undefined;
  for (;;) {
    const answer = await pullOnce(context, question, tables);
    const leftMs = until - context.clock.nowMs();
    ack ??= answer.ack;
    if (answer.rows > 0 || answer.ack > ack || leftMs <= 0 || request.raw.socket.destroyed || context.changes.closed) return answer;
    context.metrics.waiting.inc();
    await context.changes.next(leftMs).finally(() => context.metrics.waiting.dec());
  }
}

async function pullOnce(context: Context, { user, device, token }: Question, tables: readonly SyncedTable[]): Promise<PullAnswer> {
  await activate(context, user, tables);
  return context.storage.read((snapshot) => pull(snapshot, { user, device, token, tables, nowMs: context.clock.nowMs(), seal }, LIMITS));
}

async function checkOnce(context: Context, { user, device, token }: Question, asked: CheckRequest): Promise<PullAnswer> {
  const table = readCheck(asked, token, context.tables);
  await activate(context, user, [table]);
  return context.storage.read((snapshot) => check(snapshot, { user, device, token, table, check: asked, nowMs: context.clock.nowMs(), seal }, LIMITS));
}

/** Makes the person's scopes of these tables that were never asked for. */
async function activate(context: Context, user: string, tables: readonly SyncedTable[]): Promise<void> {
  const keys = tables.map((table) => scopeOf(table, user));
  const missing = await context.storage.read((snapshot) => keys.filter((key) => snapshot.scope(key) === undefined));
  if (missing.length > 0) await context.storage.activate(missing, context.clock.nowMs());
}

const line = (frame: Frame): string => `${JSON.stringify(frame)}\n`;

async function sendFrames(request: FastifyRequest, reply: FastifyReply, frames: readonly Frame[]): Promise<unknown> {
  const body = frames.map(line).join('');
  if (body.length < COMPRESS_FROM_BYTES || !takesGzip(request.headers['accept-encoding'])) return reply.send(body);
  return reply.header('content-encoding', 'gzip').send(await compress(body));
}

/** Whether gzip is named and not with weight 0 (RFC 9110 section 12.5.3). */
function takesGzip(header: string | string[] | undefined): boolean {
  const weight = /(?:^|,)\s*gzip\s*(?:;\s*q=([\d.]+)\s*)?(?:,|$)/i.exec(String(header ?? ''));
  return weight !== null && Number(weight[1] ?? 1) > 0;
}
