import { CarryonError, type ErrorCode, type PackSpec, type TableSpec } from '@carryon/protocol';
import type { Report } from '../ports/host.ts';
import type { Answer, Effect, Happening } from '../core/event.ts';
import { DEFAULT_CONFIG, EMPTY_OUTBOX, initialState, type EngineConfig, type EngineState, type Pack, type Table } from '../core/state.ts';
import { step } from '../core/step.ts';
import { AT_WORK } from './manual-host.ts';

export const error = (code: ErrorCode, retryAfterMs?: number): CarryonError => new CarryonError(code, 'test', retryAfterMs === undefined ? {} : { retryAfterMs });
export const spec = (id: number, level = 0): TableSpec => ({ id, name: `t${id}`, columns: [{ name: 'k', type: '', collation: 'BINARY' }], key: [0], level });
export const table = (id: number, more: Partial<Table> = {}): Table => ({ ...spec(id), usable: false, load: 'filling', rows: 0, syncedMs: undefined, fresh: false, lost: false, ...more });
export const packName = (n: number): string => n.toString(16).padStart(64, '0');
export const packSpec = (n: number, tables: readonly number[] = [1]): PackSpec => ({
  name: packName(n), bytes: 1000, rawBytes: 4000, codec: 'gzip', level: 0, asOf: 1, url: `u${n}`, parts: tables.map((id) => ({ table: id, rows: 1, sum: 1 })),
});
export const pack = (n: number, more: Partial<Pack> = {}): Pack => ({ ...packSpec(n), stage: 'wanted', verified: false, wrong: 0, own: true, handed: 0, ...more });

/** The engine with its effects; each event comes a second after the last. */
export class Core {
  state: EngineState;
  nowMs = 0;
  effects: readonly Effect[] = [];

  constructor(tables: readonly Table[], packs: readonly Pack[], config: Partial<EngineConfig> = {}) {
    this.state = initialState({ ...DEFAULT_CONFIG, ...config });
    this.send({ type: 'started', durable: { device: 'd', epoch: 'e', user: 'u', token: tables.length > 0 ? 't' : null, tables, packs, outbox: EMPTY_OUTBOX } });
  }

  send(happening: Happening): this {
    this.nowMs += 1000;
    const next = step(this.state, { ...happening, nowMs: this.nowMs, steadyMs: this.nowMs, random: 1 });
    this.state = next.state;
    this.effects = next.effects;
    return this;
  }

  grant(deadlineMs?: number): this {
    const window: Report['window'] = deadlineMs === undefined ? undefined : { kind: 'processing', endsMs: deadlineMs };
    return this.tell(window ? { platform: 'ios', app: 'background', window } : {});
  }

  /** A computer at work, but for this. */
  tell(change: Partial<Report>): this {
    return this.send({ type: 'situation', report: { ...AT_WORK, ...change } });
  }

  revoke(): this {
    return this.tell({ app: 'frozen' });
  }

  answer(answer: Partial<Answer>): this {
    return this.send({ type: 'answered', id: this.state.asked, answer: { epoch: 'e', user: 'u', segments: [], ...answer } });
  }

  failAsk(code: ErrorCode, retryAfterMs?: number): this {
    return this.send({ type: 'ask-failed', id: this.state.asked, error: error(code, retryAfterMs) });
  }

  get types(): string[] {
    return this.effects.map((effect) => (effect.type === 'timer' ? effect.timer : effect.type)).filter((type) => !['journal', 'wish', 'look'].includes(type));
  }
}
