import { LIMITS } from '../limits.ts';
import { tokensOf, type Token, type TokenKind } from './lexer.ts';
import type { Comparison } from './predicate.ts';
import { filterProblem } from './problem.ts';
import { COMPARISONS, KEYWORDS, PERSON_FUNCTIONS, TEXT_FUNCTIONS, type ClockOperand, type ColumnOperand, type Operand, type PersonOperand, type Syntax, type TimeOperand, type ValueOperand } from './syntax.ts';
import { readDuration, readTime } from './time.ts';

/** A filter as it was written, and what it says. */
export interface Filter {
  readonly text: string;
  /** Where it stands, for errors. */
  readonly place: string;
  readonly says: Syntax;
}

/**
 * Reads a filter; keywords and functions in any letters.
 *
 *     filter     = and, { "or", and } ;
 *     and        = not, { "and", not } ;
 *     not        = "not", not | "(", filter, ")" | test ;
 *     test       = "true" | "false" | text test | operand, comparison, operand | column, "in", list ;
 *     text test  = ( "startswith" | "endswith" | "contains" ), "(", column, ",", string, ")" ;
 *     comparison = "eq" | "ne" | "gt" | "ge" | "lt" | "le" ;
 *     list       = "(", literal, { ",", literal }, ")" | "userTeams()" | "userBusinessUnits()" ;
 *     operand    = column | literal | person | clock ;
 *     literal    = "null" | "true" | "false" | number | string | guid | time ;
 *     person     = "user()" | "userTeams()" | "userBusinessUnit()" | "userBusinessUnits()" ;
 *     clock      = ( "now()" | "today()" ), [ ( "add" | "sub" ), "duration", string ] ;
 *     column     = word that is no keyword | '"', { any but '"' | '""' }, '"' ;
 *     string     = "'", { any but "'" | "''" }, "'" ;
 *     number     = [ "-" ], digits, [ ".", digits ], [ "e", [ "+" | "-" ], digits ] ;
 *     time       = date, [ "T", hour, ":", minute, [ ":", second, [ ".", digits ] ], [ "Z" | ( "+" | "-" ), hour, ":", minute ] ] ;
 *
 * Throws `profile.invalid` pointing at the character.
 */
export function parseFilter(text: string, place = 'filter'): Filter {
  if (text.length > LIMITS.filterChars) throw filterProblem(place, text, LIMITS.filterChars, `the filter is longer than ${LIMITS.filterChars} characters`);
  return { text, place, says: new Parser(text, place).filter() };
}

type Words = readonly string[];
const isOneOf = <T extends string>(words: readonly T[], word: string): word is T => (words as Words).includes(word);

class Parser {
  readonly #text: string;
  readonly #place: string;
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;
  #clauses = 0;

  constructor(text: string, place: string) {
    this.#text = text;
    this.#place = place;
    this.#tokens = tokensOf(text, place);
  }

  filter(): Syntax {
    const says = this.#or();
    if (this.#token.kind !== 'end') throw this.#expected('"and", "or" or the end');
    return says;
  }

  #or(): Syntax {
    return this.#chain('or', () => this.#chain('and', () => this.#not()));
  }

  #chain(word: 'and' | 'or', part: () => Syntax): Syntax {
    const { at } = this.#token;
    const of = [part()];
    while (this.#takeWord(word)) of.push(part());
    return of.length === 1 && of[0] ? of[0] : { kind: word, of, at };
  }

  #not(): Syntax {
    const { at, kind } = this.#token;
    if (kind !== '(' && !this.#isWord('not')) return this.#test();
    if (++this.#depth > LIMITS.filterNesting) throw this.#problem(at, `parentheses and "not" go deeper than ${LIMITS.filterNesting}`);
    const inner = this.#takeWord('not') ? { kind: 'not' as const, of: this.#not(), at } : this.#inParentheses();
    this.#depth--;
    return inner;
  }

  #inParentheses(): Syntax {
    this.#take('(', '"("');
    const inner = this.#or();
    this.#take(')', '"and", "or" or ")"');
    return inner;
  }

  #test(): Syntax {
    const { at } = this.#token;
    if (++this.#clauses > LIMITS.filterClauses) throw this.#problem(at, `the filter has more than ${LIMITS.filterClauses} comparisons`);
    const name = this.#functionName();
    if (name !== undefined && isOneOf(TEXT_FUNCTIONS, name)) return this.#textTest(name, at);
    const constant = this.#token;
    const left = this.#operand('a column, a function or a value');
    const comparison = this.#token.kind === 'word' ? this.#token.text.toLowerCase() : '';
    if (isOneOf(COMPARISONS, comparison)) return this.#comparison(left, comparison, at);
    if (left.kind === 'column' && this.#takeWord('in')) return { kind: 'in', column: left, values: this.#list(), at };
    if (constant.kind === 'word' && isOneOf(['true', 'false'], constant.text.toLowerCase())) return { kind: 'constant', value: constant.text.toLowerCase() === 'true', at };
    throw this.#expected(left.kind === 'column' ? 'a comparison (eq, ne, gt, ge, lt, le) or "in"' : 'a comparison (eq, ne, gt, ge, lt, le)');
  }

  #comparison(left: Operand, by: Comparison, at: number): Syntax {
    this.#next++;
    return { kind: 'compare', left, by, right: this.#operand('a column, a function or a value'), at };
  }

  #textTest(name: (typeof TEXT_FUNCTIONS)[number], at: number): Syntax {
    this.#next += 2;
    const column = this.#operand('a column');
    if (column.kind !== 'column') throw this.#problem(column.at, 'expected a column');
    this.#take(',', '","');
    const value = this.#take('string', 'a text in single quotes');
    this.#take(')', '")"');
    return { kind: 'text', function: name, column, value: value.text, at };
  }

  #list(): (ValueOperand | TimeOperand)[] | PersonOperand {
    if (this.#functionName() !== undefined) {
      const { at } = this.#token;
      const person = this.#call();
      if (person.kind === 'person' && (person.attribute === 'teams' || person.attribute === 'units')) return person;
      throw this.#problem(at, 'expected a list: values in parentheses, userTeams() or userBusinessUnits()');
    }
    this.#take('(', 'a list: values in parentheses, userTeams() or userBusinessUnits()');
    const values = [this.#literal('a value')];
    while (this.#takeKind(',')) values.push(this.#literal('a value'));
    this.#take(')', '"," or ")"');
    return values;
  }

  #operand(expected: string): Operand {
    if (this.#functionName() !== undefined) return this.#call();
    const { kind, text, at } = this.#token;
    if (kind !== 'name' && (kind !== 'word' || KEYWORDS.has(text.toLowerCase()))) return this.#literal(expected);
    this.#next++;
    return { kind: 'column', name: text, at } satisfies ColumnOperand;
  }

  #literal(expected: string): ValueOperand | TimeOperand {
    const { kind, text, at } = this.#token;
    const word = kind === 'word' ? text.toLowerCase() : '';
    const value = (of: ValueOperand['value']): ValueOperand => (this.#next++, { kind: 'value', value: of, at });
    if (kind === 'string' || kind === 'guid') return value(text);
    if (kind === 'number') return value(this.#number(text, at));
    if (word === 'null') return value(null);
    if (word === 'true' || word === 'false') return value(word === 'true' ? 1n : 0n);
    if (kind !== 'time') throw this.#expected(expected);
    if (!readTime(text, 'UTC')) throw this.#problem(at, 'there is no such date or time');
    this.#next++;
    return { kind: 'time', text, at };
  }

  /** Whole numbers that SQLite can hold as such stay whole. */
  #number(text: string, at: number): bigint | number {
    if (/^-?\d+$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)) return BigInt(text);
    const real = Number(text);
    if (!Number.isFinite(real)) throw this.#problem(at, 'the number is too large');
    return real;
  }

  #call(): PersonOperand | ClockOperand {
    const { at, text } = this.#token;
    const name = text.toLowerCase();
    const attribute = (Object.keys(PERSON_FUNCTIONS) as PersonOperand['attribute'][]).find((one) => PERSON_FUNCTIONS[one].toLowerCase() === name);
    if (attribute === undefined && name !== 'now' && name !== 'today') throw this.#problem(at, `${isOneOf(TEXT_FUNCTIONS, name) ? `${text} is no value` : `there is no function ${text}`}; expected a column, a value, ${functionNames()}`);
    this.#next += 2;
    this.#take(')', '")"');
    if (attribute !== undefined) return { kind: 'person', attribute, at };
    const [plus, durationAt] = this.#duration();
    if (name === 'now') return { kind: 'now', plusSeconds: plus, at };
    if (plus % 86_400 !== 0) throw this.#problem(durationAt, 'today() is moved by whole days, such as duration\'P7D\'; expected such a duration');
    return { kind: 'today', plusDays: plus / 86_400, at };
  }

  #duration(): [seconds: number, at: number] {
    const isAdded = this.#takeWord('add');
    if (!isAdded && !this.#takeWord('sub')) return [0, this.#token.at];
    if (!this.#takeWord('duration')) throw this.#expected('a duration such as duration\'P7D\' or duration\'PT2H\'');
    const { text, at } = this.#take('string', 'a duration in single quotes, such as \'P7D\' or \'PT2H\'');
    const seconds = readDuration(text);
    if (seconds === undefined) throw this.#problem(at, 'expected days, hours, minutes and seconds such as P7D or PT2H30M, a hundred years at most');
    return [(isAdded ? seconds : -seconds) + 0, at];
  }

  get #token(): Token {
    const token = this.#tokens[this.#next];
    if (!token) throw new Error('A filter was read beyond its end.');
    return token;
  }

  /** The name of a function that is called here, in small letters. */
  #functionName(): string | undefined {
    return this.#token.kind === 'word' && this.#tokens[this.#next + 1]?.kind === '(' && !KEYWORDS.has(this.#token.text.toLowerCase()) ? this.#token.text.toLowerCase() : undefined;
  }

  #isWord(word: string): boolean {
    return this.#token.kind === 'word' && this.#token.text.toLowerCase() === word;
  }

  #takeWord(word: string): boolean {
    const is = this.#isWord(word);
    if (is) this.#next++;
    return is;
  }

  #takeKind(kind: TokenKind): boolean {
    const is = this.#token.kind === kind;
    if (is) this.#next++;
    return is;
  }

  #take(kind: TokenKind, expected: string): Token {
    const token = this.#token;
    if (!this.#takeKind(kind)) throw this.#expected(expected);
    return token;
  }

  #expected(what: string): Error {
    return this.#problem(this.#token.at, `expected ${what}`);
  }

  #problem(at: number, what: string): Error {
    return filterProblem(this.#place, this.#text, at, what);
  }
}

const functionNames = (): string => [...Object.values(PERSON_FUNCTIONS), 'now', 'today'].map((name) => `${name}()`).join(', ');
