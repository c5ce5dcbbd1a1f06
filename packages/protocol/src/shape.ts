/**
 * A message's form as data: it checks values, gives their type and can be written out, so that the protocol's ledger
 * can hash it.
 */
export interface Shape<T> {
  readonly form: unknown;
  /** The first thing wrong with the value, as a path and a reason; undefined when it fits. */
  problem(value: unknown, path: string): string | undefined;
  /** Never set; carries the type. */
  readonly type?: T;
}

export type TypeOf<S> = S extends Shape<infer T> ? T : never;

function shape<T>(form: unknown, problem: (value: unknown, path: string) => string | undefined): Shape<T> {
  return { form, problem };
}

function basic<T>(name: string, fits: (value: unknown) => boolean): Shape<T> {
  return shape<T>(name, (value, path) => (fits(value) ? undefined : `${path || 'value'} is not ${name}`));
}

export const text: Shape<string> = basic('text', (value) => typeof value === 'string');
export const flag: Shape<boolean> = basic('flag', (value) => typeof value === 'boolean');
export const whole: Shape<number> = basic('whole', (value) => Number.isSafeInteger(value) && (value as number) >= 0);
export const anything: Shape<unknown> = basic('anything', () => true);

export function list<T>(item: Shape<T>, most: number): Shape<readonly T[]> {
  return shape({ list: item.form, most }, (value, path) => {
    if (!Array.isArray(value)) return `${path || 'value'} is not a list`;
    if (value.length > most) return `${path || 'value'} has more than ${most} entries`;
    for (let i = 0; i < value.length; i++) {
      const found = item.problem(value[i], `${path}[${i}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  });
}

export function optional<T>(inner: Shape<T>): Shape<T | undefined> {
  return shape({ optional: inner.form }, (value, path) => (value === undefined ? undefined : inner.problem(value, path)));
}

export function nullable<T>(inner: Shape<T>): Shape<T | null> {
  return shape({ nullable: inner.form }, (value, path) => (value === null ? undefined : inner.problem(value, path)));
}

export function oneOf<const T extends readonly string[]>(...names: T): Shape<T[number]> {
  return shape({ oneOf: names }, (value, path) => (names.includes(value as string) ? undefined : `${path || 'value'} is not one of ${names.join(', ')}`));
}

type Fields = Record<string, Shape<unknown>>;
type Optional<F extends Fields> = { [K in keyof F]: undefined extends TypeOf<F[K]> ? K : never }[keyof F];
type Fielded<F extends Fields> =
  { readonly [K in Exclude<keyof F, Optional<F>>]: TypeOf<F[K]> } & { readonly [K in Optional<F>]?: TypeOf<F[K]> };

/** An object with these fields; further fields are allowed and ignored, so that newer peers may add some. */
export function fields<const F extends Fields>(of: F): Shape<Fielded<F>> {
  const form = Object.fromEntries(Object.entries(of).map(([key, inner]) => [key, inner.form]));
  return shape({ fields: form }, (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${path || 'value'} is not an object`;
    for (const [key, inner] of Object.entries(of)) {
      const found = inner.problem((value as Record<string, unknown>)[key], path ? `${path}.${key}` : key);
      if (found !== undefined) return found;
    }
    return undefined;
  });
}
