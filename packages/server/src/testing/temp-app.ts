import { join } from 'node:path';
import { parseFrame, PROTOCOL_VERSION, type CommitFrame, type Frame, type PlanFrame } from '@carryon/protocol';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { pino } from 'pino';
import type { Config } from '../core/config.ts';
import type { Entitlement } from '../core/entitle.ts';
import { positionOf } from '../core/pull.ts';
import { tokenFromText, tokenToText, type Token } from '../core/token.ts';
import { readEntitled, type Asker } from '../entitled.ts';
import { createApp } from '../http/app.ts';
import { Auth, signToken, type AuthOptions } from '../http/auth.ts';
import { Changes } from '../http/changes.ts';
import type { Context } from '../http/context.ts';
import { Metrics } from '../http/metrics.ts';
import { PackFiles } from '../packs/files.ts';
import { Planner } from '../packs/planner.ts';
import { PackUrls } from '../packs/url.ts';
import type { Storage } from '../ports/storage.ts';
import { compileFor } from '../storage/sqlite/store.ts';
import { ManualClock } from './manual-clock.ts';
import { profilesOf, withStore, type Profiles, type TempStore } from './temp-store.ts';

export const SECRET = new TextEncoder().encode('a secret of thirty-two characters');
const HOUR_MS = 3_600_000;

/** Shared items and jobs of two people; an answer with all items is long enough to be compressed. */
const SQL = `CREATE TABLE item(id INTEGER PRIMARY KEY, v); CREATE TABLE job(id INTEGER PRIMARY KEY, owner, v);
  INSERT INTO item WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i, 'value ' || i FROM n;
  INSERT INTO job VALUES(1, 'ann', 'of ann'), (2, 'bob', 'of bob'), (3, 'ann', 'of ann too');`;

export interface Answer {
  readonly status: number;
  readonly headers: LightMyRequestResponse['headers'];
  readonly text: string;
  readonly frames: readonly Frame[];
  /** The code of the refusal. */
  readonly code: string | undefined;
}

export interface TempApp extends Omit<TempStore, 'config'> {
  readonly app: FastifyInstance;
  readonly context: Context;
  readonly clock: ManualClock;
  /** The folder of the packs. */
  readonly packs: string;
  /** Lines of the log. */
  readonly log: readonly string[];
  /** What the person may have now. */
  entitlement(user: string): Promise<Entitlement>;
  /** A token of a device that has read every table of the person from nothing up to that checkpoint. */
  tokenAt(user: string, checkpoint: number): Promise<string>;
  /** Asks `/v1/sync` as that person; the body says what differs from a first request. */
  ask(user: string, body?: object, headers?: Record<string, string>): Promise<Answer>;
  /** Asks with a body of any kind. */
  post(payload: string | object, headers?: Record<string, string>): Promise<Answer>;
  /** A header for the person's questions. */
  authorization(user: string): Promise<string>;
  /** A plan of everything for that person. */
  plan(user: string): Promise<PlanFrame['plan']>;
  /** The rules as they are now. */
  config(): Config;
  /** Claims of people's tokens besides their id; may be changed. */
  readonly claims: Record<string, Readonly<Record<string, unknown>>>;
  /** Goes over to other profiles, and wakes those who wait. */
  reconfigure(profiles: Profiles): Promise<void>;
  /** Publishes what the business database has committed, and wakes those who wait. */
  publish(): Promise<void>;
}

export interface AppOptions {
  readonly auth?: AuthOptions;
  /** False: the business database has not been read yet. */
  readonly prepared?: boolean;
  /** Puts something between the app and its storage. */
  readonly storage?: (storage: Storage) => Storage;
  /** Makes the business database; default: items for all and jobs of owners. */
  readonly sql?: string;
  /** The profile's tables, or whole profiles; default: item for all and job for its owner, to be read. */
  readonly profile?: Profiles;
  /** Claims of people's tokens besides their id. */
  readonly claims?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** The server's HTTP side as it is, on a real store; only its clock is moved by hand. */
export function withApp(work: (app: TempApp) => Promise<void>, options: AppOptions = {}): Promise<void> {
  return withStore(options.sql ?? SQL, options.profile ?? { item: {}, job: { rows: { own: 'owner' } } }, async (store) => {
    const clock = new ManualClock(1_800_000_000_000);
    const packs = join(store.files.store, '..', 'packs');
    const files = new PackFiles(packs);
    await files.open();
    const lines: string[] = [];
    const log = pino({ level: 'info' }, { write: (line) => { lines.push(line); } });
    const storage = options.storage?.(store.storage) ?? store.storage;
    const urls = new PackUrls(new Uint8Array([1, 2, 3]));
    const context: Context = {
      storage, files, urls, clock, log, auth: new Auth(options.auth ?? { secret: SECRET }, clock),
      planner: new Planner(storage, files, urls, clock), changes: new Changes(clock), metrics: new Metrics(), health: { trouble: undefined },
    };
    if (options.prepared !== false) {
      await store.storage.prepare(() => undefined);
      await store.storage.evaluate(clock.nowMs());
    }
    const app = createApp(context, log);
    const claims = { ...options.claims };
    let { config } = store;
    const reconfigure: TempApp['reconfigure'] = async (profiles) => {
      config = compileFor(store.files.database, profilesOf(profiles), store.files.store);
      await storage.reconfigure(config, clock.nowMs(), () => undefined);
      context.changes.wake();
    };
    try {
      await work({ ...store, app, context, clock, packs, log: lines, claims, reconfigure, config: () => config, ...questions(app, context, claims) });
    } finally {
      context.changes.close();
      await app.close();
    }
  });
}

type Questions = Pick<TempApp, 'ask' | 'post' | 'authorization' | 'plan' | 'publish' | 'entitlement' | 'tokenAt'>;

function questions(app: FastifyInstance, context: Context, claims: TempApp['claims']): Questions {
  const post: TempApp['post'] = async (payload, headers = {}) =>
    toAnswer(await app.inject({ method: 'POST', url: '/v1/sync', payload, headers: { 'content-type': 'application/json', ...headers } }));
  const authorization: TempApp['authorization'] = async (user) => `Bearer ${await signToken(SECRET, user, context.clock.nowMs(), HOUR_MS, { claims: claims[user] ?? {} })}`;
  const asker = (user: string): Asker => ({ personOf: () => ({ user, claims: {} }), nowMs: () => context.clock.nowMs() });
  const entitlement: TempApp['entitlement'] = (user) => readEntitled(context.storage, asker(user), (_, found) => found);
  const ask: TempApp['ask'] = async (user, body = {}, headers = {}) => {
    return post({ v: PROTOCOL_VERSION, device: 'device', token: null, accept: ['gzip'], ...body }, { authorization: await authorization(user), ...headers });
  };
  return {
    post, ask, authorization, entitlement,
    tokenAt: async (user, checkpoint) => {
      const { shares, specs } = await entitlement(user);
      const { epoch } = await context.storage.read((snapshot) => snapshot.state());
      return seal(tokenToText({ epoch, specs, tables: new Map(shares.map((share) => [share.table.id, positionOf(share, checkpoint)])) }));
    },
    plan: async (user) => {
      const found = (await ask(user)).frames.find((frame) => 'plan' in frame);
      if (!found) throw new Error('there is no plan in the answer');
      return found.plan;
    },
    publish: async () => {
      if (await context.storage.evaluate(context.clock.nowMs())) context.changes.wake();
    },
  };
}

function toAnswer(response: LightMyRequestResponse): Answer {
  const { statusCode: status, headers, payload: text } = response;
  const isFeed = String(headers['content-type']).startsWith('application/x-ndjson') && headers['content-encoding'] === undefined;
  const lines = isFeed ? text.split('\n').filter((line) => line !== '') : [];
  const code = status >= 400 ? (JSON.parse(text) as { error?: { code?: string } }).error?.code : undefined;
  return { status, headers, text, frames: lines.map(parseFrame).filter((frame) => frame !== undefined), code };
}

export const commitsOf = (answer: Answer): CommitFrame['commit'][] => answer.frames.flatMap((frame) => ('commit' in frame ? [frame.commit] : []));

/** A token as devices hold it, saying what the test wants: per table form, id, checkpoint, scope and so on. */
export const tokenOf = (epoch: string, specs: string, ...tables: readonly (readonly (number | string)[])[]): string => seal(JSON.stringify([epoch, specs, tables]));
const seal = (text: string): string => Buffer.from(text).toString('base64url');

/** A token of a device, to be read or changed. */
export const openToken = (text: string): Token => tokenFromText(Buffer.from(text, 'base64url').toString()) ?? fail();
const fail = (): never => { throw new Error('the token cannot be read'); };
