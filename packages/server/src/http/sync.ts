import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { CarryonError, OLDEST_VERSION, PROTOCOL_VERSION, syncRequest, type CheckRequest, type Frame, type Push, type PushedFrame, type SyncRequest } from '@carryon/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { check, readCheck } from '../core/check.ts';
import type { ActiveShare, Entitlement } from '../core/entitle.ts';
import { LIMITS } from '../core/limits.ts';
import { carriedToken, headerOf, pull, type PullAnswer } from '../core/pull.ts';
import { tokenFromText, type Token } from '../core/token.ts';
import { readEntitled, type Asker } from '../entitled.ts';
import type { Person, Snapshot, StoreState } from '../ports/storage.ts';
import { personOf, type Caller } from './auth.ts';
import type { Context } from './context.ts';
import { refusalOf } from './refusal.ts';

const COMPRESS_FROM_BYTES = 1024;
const RETRY_PUSH_MS = 30_000;
const compress = promisify(gzip);
const seal = (text: string): string => Buffer.from(text).toString('base64url');
const unseal = (text: string): string => Buffer.from(text, 'base64url').toString();

/** Who asks what, from where. */
interface Question {
  readonly caller: Caller;
  readonly ask: SyncRequest;
  readonly nowMs: () => number;
}

/** The tables that a device has nothing of: a plan brings them. */
interface Missing {
  readonly entitlement: Entitlement;
  readonly shares: readonly ActiveShare[];
  readonly state: StoreState;
  readonly token: Token;
}

/** `POST /v1/sync`: the one question a device asks. */
export async function answerSync(context: Context, caller: Caller, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const ask = readRequest(request.body);
  const question: Question = { caller, ask, nowMs: () => context.clock.nowMs() };
  const pushed = ask.push ? [await takePush(context, question, ask.push)] : [];
  reply.type('application/x-ndjson');
  if (ask.urls) return sendFrames(request, reply, await addressesOf(context, question, ask.urls, pushed));
  const answer = await answerOrWait(context, question, request);
  if ('shares' in answer) return reply.send(Readable.from(streamPlan(context, question, answer, pushed)));
  context.metrics.rows.inc(answer.rows);
  const [header, ...rest] = answer.frames;
  return sendFrames(request, reply, header ? [header, ...pushed, ...rest] : rest);
}

/** Who asks, by the rules of the snapshot. Throws `server.preparing` when there is no checkpoint yet. */
function askerOf(snapshot: Snapshot, caller: Caller): Person {
  if (snapshot.state().checkpoint === 0) throw new CarryonError('server.preparing', 'The server is still reading the business database.', { retryAfterMs: 1000 });
  return personOf(caller, snapshot.config());
}

/** Throws also what is wrong with token and check. */
function readQuestion(snapshot: Snapshot, { caller, ask }: Question): { readonly person: Person; readonly state: StoreState; readonly token: Token } {
  const person = askerOf(snapshot, caller);
  const state = snapshot.state();
  const token = readToken(ask, state);
  if (ask.check) readCheck(ask.check, token);
  return { person, state, token };
}

/** Fresh addresses are all that is answered. */
async function addressesOf(context: Context, question: Question, names: readonly string[], pushed: readonly Frame[]): Promise<readonly Frame[]> {
  const { person, state } = await context.storage.read((snapshot) => readQuestion(snapshot, question));
  return [headerOf(state, person.user, question.nowMs()), ...pushed, { urls: await context.planner.addresses(person, names) }];
}

/** Takes a device's edits in, so that what is read afterwards shows them. */
async function takePush(context: Context, question: Question, push: Push): Promise<PushedFrame> {
  const { person } = await context.storage.read((snapshot) => readQuestion(snapshot, question));
  const { user } = person;
  if ((push.user ?? user) !== user) throw new CarryonError('device.other-server', `The edits are ${String(push.user)}'s, and the token is of ${user}.`);
  const { last, ledger, diverged, outcomes, taken, refused, published } = await context.storage.upload({ ...person, device: question.ask.device, push, nowMs: question.nowMs() }).catch((thrown: unknown) => refuseMeanwhile(context, thrown));
  context.metrics.changesets.inc({ result: 'accepted' }, taken - refused);
  context.metrics.changesets.inc({ result: 'refused' }, refused);
  if (published) context.changes.wake();
  return { pushed: { last, ledger, ...(diverged ? { diverged: 1 } : {}), outcomes } };
}

/** Edits wait while the rules do not fit the business database: nobody could tell who may write what. */
function refuseMeanwhile({ health }: Context, thrown: unknown): never {
  if (!(thrown instanceof CarryonError && thrown.code === 'source.schema-changed')) throw thrown;
  if (!health.trouble) throw new CarryonError('server.preparing', 'The server is fitting its rules to the altered business database.', { cause: thrown, retryAfterMs: 1000 });
  throw new CarryonError('server.unavailable', 'The server cannot take in edits before its rules fit the altered business database again.', { cause: thrown, retryAfterMs: RETRY_PUSH_MS });
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
  if (ask.token === null) return { epoch: state.epoch, specs: '', tables: new Map() };
  const token = tokenFromText(unseal(ask.token));
  if (!token) throw new CarryonError('protocol.bad-request', 'The token could not be read.');
  if (token.epoch !== state.epoch) throw new CarryonError('epoch.changed', 'The server\'s sync data was made anew since this device last synced.');
  const fresh = new Set(ask.fresh ?? []);
  return { ...token, tables: new Map([...token.tables].filter(([id]) => !fresh.has(id))) };
}

async function* streamPlan(context: Context, { ask, nowMs }: Question, { entitlement, shares, state, token }: Missing, pushed: readonly Frame[]): AsyncGenerator<string> {
  try {
    for (const frame of [headerOf(state, entitlement.user, nowMs()), ...pushed]) yield line(frame);
    const codec = ask.accept.includes('zstd') ? 'zstd' : 'gzip';
    for await (const frame of context.planner.plan({ token, entitlement, shares, checkpoint: state.checkpoint, codec, seal })) yield line(frame);
  } catch (thrown) {
    const { code, message, error } = refusalOf(thrown);
    // The rules were changed meanwhile: the device asks again.
    if (code === 'server.preparing') context.log.warn({ code }, `a plan was cut short: ${message}`);
    else context.log.error({ err: thrown, code: error.code }, 'a plan failed');
    yield line({ error: { code, message } });
  }
}

/** Answers at once when there is something new, or edits came along; else when something is, or when the time is up. */
async function answerOrWait(context: Context, question: Question, request: FastifyRequest): Promise<PullAnswer | Missing> {
  const { ask, nowMs } = question;
  const asker: Asker = { personOf: (snapshot) => askerOf(snapshot, question.caller), nowMs };
  const waitSeconds = ask.push ? 0 : Math.min(ask.waitSeconds ?? 0, LIMITS.waitSeconds);
  const until = context.clock.nowMs() + waitSeconds * 1000;
  let ack: number | undefined;
  for (;;) {
    const answer = await readEntitled(context.storage, asker, (snapshot, entitlement) => answerOnce(snapshot, entitlement, question));
    if ('shares' in answer) return answer;
    const leftMs = until - context.clock.nowMs();
    ack ??= answer.ack;
    if (answer.isNews || answer.ack > ack || leftMs <= 0 || request.raw.socket.destroyed || context.changes.closed) return answer;
    context.metrics.waiting.inc();
    await context.changes.next(leftMs).finally(() => context.metrics.waiting.dec());
  }
}

/** All of an answer is read in one snapshot, also what the person may have. */
function answerOnce(snapshot: Snapshot, entitlement: Entitlement, question: Question): PullAnswer | Missing {
  const { caller: { user }, ask } = question;
  const { state, token } = readQuestion(snapshot, question);
  const nowMs = question.nowMs();
  if (ask.tables?.length === 0 && !ask.check) {
    // Only the outcomes of a push are wanted.
    return { frames: [headerOf(state, user, nowMs)], rows: 0, isNews: true, ack: 0 };
  }
  const common = { user, device: ask.device, token, entitlement, nowMs, seal };
  if (ask.check) return check(snapshot, { ...common, check: ask.check }, LIMITS);
  const shares = entitlement.shares.filter(({ table }) => ask.tables?.includes(table.id) ?? true);
  const carried = carriedToken(token, entitlement).tables;
  const missing = shares.filter(({ table }) => !carried.has(table.id));
  if (missing.length > 0) return { entitlement, shares: missing, state, token };
  return pull(snapshot, { ...common, shares }, LIMITS);
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
