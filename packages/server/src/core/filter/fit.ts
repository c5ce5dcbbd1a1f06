import type { Filter } from './parse.ts';
import type { Comparison, Predicate, When } from './predicate.ts';
import { filterProblem } from './problem.ts';
import { PERSON_FUNCTIONS, type ColumnOperand, type Operand, type PersonOperand, type Syntax, type TimeOperand, type ValueOperand } from './syntax.ts';
import { readTime } from './time.ts';

/** The table that a filter is fitted to. */
export interface FilterTarget {
  readonly table: string;
  readonly columns: readonly string[];
  /** One that `zoneNamed` knows. */
  readonly timeZone: string;
}

/** The filter over the table's columns. Throws `profile.invalid` pointing at what does not fit. */
export function fitFilter(filter: Filter, target: FilterTarget): Predicate {
  return new Fitting(filter, target).predicate(filter.says);
}

const MIRRORED: Readonly<Record<Comparison, Comparison>> = { eq: 'eq', ne: 'ne', gt: 'lt', ge: 'le', lt: 'gt', le: 'ge' };

class Fitting {
  readonly #filter: Filter;
  readonly #target: FilterTarget;

  constructor(filter: Filter, target: FilterTarget) {
    this.#filter = filter;
    this.#target = target;
  }

  predicate(says: Syntax): Predicate {
    switch (says.kind) {
      case 'and': case 'or': return { op: says.kind, of: says.of.map((part) => this.predicate(part)) };
      case 'not': return { op: 'not', of: this.predicate(says.of) };
      case 'constant': return { op: 'constant', value: says.value };
      case 'text': return { op: 'text', function: says.function, column: this.#column(says.column), value: says.value };
      case 'in': return this.#in(this.#column(says.column), says.values);
      case 'compare': return says.left.kind === 'column' ? this.#compare(says.left, says.by, says.right) : this.#mirror(says.left, says.by, says.right);
      default: return says satisfies never;
    }
  }

  #mirror(left: Operand, by: Comparison, right: Operand): Predicate {
    if (right.kind !== 'column') throw this.#problem(left.at, 'one side of a comparison must be a column; expected a column on one of the sides');
    return this.#compare(right, MIRRORED[by], left);
  }

  #compare(left: ColumnOperand, by: Comparison, right: Operand): Predicate {
    const column = this.#column(left);
    switch (right.kind) {
      case 'column': return { op: 'columns', column, by, other: this.#column(right) };
      case 'value': return { op: 'compare', column, by, value: right.value };
      case 'person': return this.#person(column, by, right);
      case 'time': case 'now': case 'today': return { op: 'time', column, by, when: this.#when(right) };
      default: return right satisfies never;
    }
  }

  #person(column: string, by: Comparison, { attribute, at }: PersonOperand): Predicate {
    const name = `${PERSON_FUNCTIONS[attribute]}()`;
    if (attribute === 'teams' || attribute === 'units') throw this.#problem(at, `${name} is a list; expected "in" before it`);
    if (by !== 'eq' && by !== 'ne') throw this.#problem(at, `${name} can only be compared by eq and ne; expected another value`);
    const mine: Predicate = { op: 'mine', column, attribute };
    return by === 'eq' ? mine : { op: 'not', of: mine };
  }

  #in(column: string, values: readonly (ValueOperand | TimeOperand)[] | PersonOperand): Predicate {
    if ('kind' in values) return { op: 'mine', column, attribute: values.attribute };
    const plain = values.flatMap((one) => (one.kind === 'value' && one.value !== null ? [one.value] : []));
    const others = values.flatMap((one): Predicate[] => {
      if (one.kind === 'time') return [{ op: 'time', column, by: 'eq', when: this.#when(one) }];
      return one.value === null ? [{ op: 'compare', column, by: 'eq', value: null }] : [];
    });
    return { op: 'or', of: [...(plain.length > 0 ? [{ op: 'in', column, values: plain } satisfies Predicate] : []), ...others] };
  }

  #when(operand: Extract<Operand, { kind: 'time' | 'now' | 'today' }>): When {
    if (operand.kind === 'now') return { kind: 'now', plusSeconds: operand.plusSeconds };
    if (operand.kind === 'today') return { kind: 'today', plusDays: operand.plusDays };
    const moment = readTime(operand.text, this.#target.timeZone);
    if (!moment) throw this.#problem(operand.at, 'there is no such date or time');
    return { kind: 'at', ...moment };
  }

  #column({ name, at }: ColumnOperand): string {
    const { table, columns } = this.#target;
    const found = columns.find((column) => column === name) ?? columns.find((column) => column.toLowerCase() === name.toLowerCase());
    if (found === undefined) throw this.#problem(at, `table "${table}" has no column "${name}"; expected one of ${columns.join(', ')}`);
    return found;
  }

  #problem(at: number, what: string): Error {
    return filterProblem(this.#filter.place, this.#filter.text, at, what);
  }
}
