import type { TableSpec } from '@carryon/protocol';

/** What the tables of a token are: their ids, each with its form. */
type Held = ReadonlyMap<number, number>;

/** What an answer is about. */
export interface Told {
  /** All tables, where the token does not stand for them. */
  readonly tables?: readonly TableSpec[];
  /** Tables to be planned; none: those of `ids` are read. */
  readonly lacking: readonly TableSpec[];
  readonly ids: readonly number[];
  /** Makes the token that stands for what is told. */
  readonly token: () => string;
}

/** Which tables a person has, as the pure engine gets to know of it, and what each token stands for. */
export class CoreShare {
  readonly #levels: number;
  /** Ids and forms of the tables that the person has. */
  #forms: Map<number, number>;
  readonly #tokens = new Map<string, { readonly specs: string; readonly held: Held }>();
  #serial = 0;

  constructor(tables: number, levels: number) {
    this.#levels = levels;
    this.#forms = new Map(Array.from({ length: tables }, (_, i) => [i + 1, 0]));
  }

  get tables(): TableSpec[] {
    return [...this.#forms].map(([id, form]) => ({ id, name: `t${id % 10}`, columns: [{ name: 'k', type: '', collation: 'BINARY' }, { name: `c${form}`, type: '', collation: 'BINARY' }], key: [0], level: id % this.#levels }));
  }

  /** A table goes, comes back, has another form or is made anew under another number; or all go. */
  change(choose: (most: number) => number): void {
    const id = 1 + choose(4);
    const there = [...this.#forms.keys()].find((one) => one % 10 === id);
    const how = choose(5);
    if (how === 4) this.#forms.clear();
    else if (there === undefined) this.#forms.set(id + 10 * choose(3), choose(3));
    else if (how === 0) this.#forms.delete(there);
    else if (how === 1) this.#forms.set(there, choose(3));
    else {
      this.#forms.delete(there);
      this.#forms.set(id + 10 * choose(3), choose(3));
    }
  }

  answer(token: string | null, asked: readonly number[] | undefined, fresh: readonly number[] = []): Told {
    const known = this.#tokens.get(token ?? '');
    const specs = JSON.stringify(this.tables);
    const held = new Map([...this.#forms].filter(([id, form]) => known?.held.get(id) === form && !fresh.includes(id)));
    const mine = this.tables.filter(({ id }) => asked === undefined || asked.includes(id));
    const lacking = mine.filter(({ id }) => !held.has(id));
    const then = new Map([...held, ...lacking.map(({ id }) => [id, this.#forms.get(id) ?? 0] as const)]);
    return { ...(known?.specs === specs ? {} : { tables: this.tables }), lacking, ids: mine.map(({ id }) => id), token: () => this.#tokenOf(specs, then) };
  }

  #tokenOf(specs: string, held: Held): string {
    const token = `token ${++this.#serial}`;
    this.#tokens.set(token, { specs, held });
    return token;
  }
}
