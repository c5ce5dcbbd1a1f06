import type { Draft } from '@carryon/client';
import type { Written } from '../actors/app-edit.ts';
import type { LabDevice } from '../actors/device.ts';
import type { Ledger } from '../actors/ledger.ts';
import type { Entry } from '../world/trace.ts';
import { writesOf } from './own-values.ts';
import type { Sight } from './sight.ts';

interface Edit {
  readonly writes: readonly Written[];
  /** The newest entry of the business's book at that time. */
  readonly from: number;
}

/** What became of an edit: its effects are there, once each; or it was refused, told by one sync error and one draft. */
interface Fate { readonly applied: number; readonly errors: number; readonly drafts: number }

const isDone = ({ applied, errors, drafts }: Fate): boolean => applied === 1 && errors === 0 && drafts === 0;
/** `isUntold`: there may be no sync error. A backup that was put back has none of what was refused after it, and nobody's edits leave none. The draft stays. */
const isRefused = ({ applied, errors, drafts }: Fate, isUntold: boolean): boolean => applied === 0 && (errors === 1 || (isUntold && errors === 0)) && drafts === 1;

/**
 * Every edit of a device, when all is healed: applied exactly once, all of it and in the device's order, or refused, which one sync error
 * and one draft tell; never both, never neither.
 */
export class Edits {
  readonly #device: LabDevice;
  readonly #sight: Sight;
  readonly #ledger: () => Ledger;
  /** In the order made; one that was retried stands where it was. */
  #edits: Edit[] = [];
  readonly #dropped: Written[] = [];
  #wasRestored = false;

  constructor(device: LabDevice, sight: Sight, ledger: () => Ledger) {
    this.#device = device;
    this.#sight = sight;
    this.#ledger = ledger;
  }

  see(entry: Entry): void {
    if (entry.who === 'server' && entry.what === 'restored') this.#restored();
    if (entry.who !== this.#device.name) return;
    if (entry.what === 'edit') this.#edits.push({ writes: writesOf(entry), from: this.#ledger().last + 1 });
    if (entry.what === 'draft') this.#settled(writesOf(entry), (entry.detail as { how: string }).how === 'retry');
  }

  /** The business's book is as old as the backup. */
  #restored(): void {
    const next = this.#ledger().last + 1;
    this.#wasRestored = true;
    this.#edits = this.#edits.map((edit) => ({ ...edit, from: Math.min(edit.from, next) }));
  }

  /** What is wrong, with the drafts that the device has. */
  async end(): Promise<string[]> {
    const drafts = (await this.#device.engine?.edits.drafts() ?? []).flatMap(({ changes }) => changes);
    const fateOf = (write: Written, from: number): Fate => ({
      applied: this.#applied(write, from), errors: this.#errors(write), drafts: drafts.filter((draft) => this.#isDraftOf(draft, write)).length,
    });
    const wrong = this.#edits.flatMap(({ writes, from }) => problemOf(writes.map((write) => ({ write, fate: fateOf(write, from) })), this.#wasRestored || this.#sight.mayBeNobody));
    const back = this.#dropped.filter((write) => write.op !== 'delete' && this.#applied(write, 0) > 0);
    return [...wrong, ...back.map((write) => `${nameOf(write)} was dropped, and the server has it`), ...this.#disorder()];
  }

  #isDraftOf({ op, table, key, mine }: Draft['changes'][number], write: Written): boolean {
    if (write.op !== 'delete') return mine?.['info'] === write.info;
    return op === 'delete' && table === write.table && this.#keysOf(write).includes(Number(key[0]));
  }

  /** A draft is no part of the edits that it came from any more. */
  #settled(settled: readonly Written[], isRetried: boolean): void {
    const isSettled = (write: Written): boolean => settled.some((other) => this.#isSame(write, other));
    this.#edits = this.#edits.map((edit) => ({ ...edit, writes: edit.writes.filter((write) => !isSettled(write)) }));
    if (isRetried) this.#edits.push({ writes: settled, from: this.#ledger().last + 1 });
    else this.#dropped.push(...settled);
  }

  #isSame(write: Written, other: Written): boolean {
    if (write.op === 'delete') return other.op === 'delete' && other.table === write.table && this.#keysOf(write).includes(other.id);
    return other.op !== 'delete' && other.info === write.info;
  }

  #applied(write: Written, from: number): number {
    const ledger = this.#ledger();
    if (write.op !== 'delete') return ledger.uploadsOf(write.table, write.info).length;
    // Deleting what is in no share of the person, since it is gone or another's, is done by doing nothing.
    const isOut = (id: number): boolean => !this.#sight.isIn(write.table, id);
    const wasOut = (id: number): boolean => ledger.historyOf(write.table, id, from).some((entry) => this.#sight.isOut(entry));
    const ids = this.#keysOf(write);
    return ids.every(isOut) || ids.some(wasOut) ? 1 : 0;
  }

  #errors(write: Written): number {
    if (write.op !== 'delete') return this.#ledger().errorsOf(write.info);
    return this.#keysOf(write).some((id) => this.#ledger().refusesDelete(write.table, id)) ? 1 : 0;
  }

  /** The keys of a deleted row: one that only this device had got another on its way. */
  #keysOf({ table, id, before }: Extract<Written, { op: 'delete' }>): number[] {
    const [upload] = id < 0 && before !== null ? this.#ledger().uploadsOf(table, before) : [];
    return upload ? [id, upload.id] : [id];
  }

  /** What was applied stands in the business's book in the order in which it was made. */
  #disorder(): string[] {
    const writes = this.#edits.flatMap((edit) => edit.writes).filter((write) => write.op !== 'delete');
    const places = writes.flatMap((write) => this.#ledger().uploadsOf(write.table, write.info).slice(0, 1).map(({ pos }) => ({ write, pos })));
    const [first] = places.filter(({ pos }, i) => pos < (places[i - 1]?.pos ?? 0));
    return first ? [`${nameOf(first.write)} was applied before what the person did before it`] : [];
  }
}

const nameOf = (write: Written): string => (write.op === 'delete' ? `the deletion of ${write.table} ${write.id}` : `"${write.info}"`);

/** The statements of an edit share its fate. A row that is gone may have been deleted by somebody else, so a deletion may look applied as well as refused. */
function problemOf(writes: readonly { readonly write: Written; readonly fate: Fate }[], isUntold: boolean): string[] {
  const told = writes.map(({ write, fate }) => `${nameOf(write)}: applied ${fate.applied} times, ${fate.errors} sync errors, ${fate.drafts} drafts`);
  const strict = writes.filter(({ write }) => write.op !== 'delete');
  const lax = writes.filter(({ write }) => write.op === 'delete');
  const isWhole = strict.every(({ fate }) => isDone(fate)) || strict.every(({ fate }) => isRefused(fate, isUntold));
  const wrong = lax.some(({ fate }) => fate.applied === 0 && !((fate.errors > 0 || isUntold) && fate.drafts > 0));
  return isWhole && !wrong ? [] : [`an edit is neither applied as a whole nor refused: ${told.join('; ')}`];
}
