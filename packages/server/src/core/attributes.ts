/** What rules know of a person. Every value is a text, compared letter by letter with the column as text. */
export interface Attributes {
  /** The person's id alone. */
  readonly user: readonly string[];
  readonly teams: readonly string[];
  /** The own business unit, or none. */
  readonly unit: readonly string[];
  /** The own business unit and all below it. */
  readonly units: readonly string[];
  /** Names of the profiles that the person has. */
  readonly profiles: readonly string[];
}

export type Attribute = keyof Attributes;

/** The attributes that a rule uses, as text that is equal for equal values: people with equal ones share a scope. '' for a rule that uses none. */
export function paramOf(uses: readonly Attribute[], attributes: Attributes): string {
  if (uses.length === 0) return '';
  return JSON.stringify(Object.fromEntries([...uses].sort().map((name) => [name, [...new Set(attributes[name])].sort()])));
}

/** The attributes that a scope's param names; those that it does not name are empty. */
export function attributesOf(param: string): Attributes {
  const named = param === '' ? {} : (JSON.parse(param) as Partial<Attributes>);
  return { user: [], teams: [], unit: [], units: [], profiles: [], ...named };
}
