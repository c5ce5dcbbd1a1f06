import { CarryonError } from '@carryon/protocol';
import { findNodeAtLocation, getNodeValue, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { parseProfile, type Profile } from './profile.ts';

/** Reads a profile from its file's text: JSON with comments and trailing commas. Throws `profile.invalid` with lines. */
export function readProfileText(text: string): Profile {
  const lines = linesOf(text);
  const at = (offset: number): string => `line ${lines.at(offset)}: `;
  const errors: ParseError[] = [];
  const tree = parseTree(text.replace(/^\uFEFF/, ' '), errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error || !tree) throw new CarryonError('profile.invalid', `The profile is not JSON: line ${lines.exactly(error?.offset ?? 0)}: ${wordsOf(error)}.`);
  const twice = repeatedName(tree);
  if (twice) throw new CarryonError('profile.invalid', `The profile has an error. ${at(twice.offset)}"${twice.value}" stands here twice, or is a name that cannot be used.`);
  return parseProfile(getNodeValue(tree), (path) => {
    const node = nearest(tree, path);
    return node ? at(node.offset) : '';
  });
}

interface Lines {
  at(offset: number): number;
  exactly(offset: number): string;
}

function linesOf(text: string): Lines {
  const before = (offset: number): string[] => text.slice(0, offset).split(/\r\n|\r|\n/);
  return {
    at: (offset) => before(offset).length,
    exactly: (offset) => `${before(offset).length}, column ${[...(before(offset).at(-1) ?? '')].length + 1}`,
  };
}

/** `PropertyNameExpected` as words. */
function wordsOf(error: ParseError | undefined): string {
  return error ? printParseErrorCode(error.error).replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase() : 'it is empty';
}

/** A name that an object has twice, of which JSON would silently take the last; or one that JavaScript's objects cannot have. */
function repeatedName(node: Node): Node | undefined {
  const names = new Set(['__proto__']);
  for (const child of node.children ?? []) {
    const [key] = child.type === 'property' ? (child.children ?? []) : [];
    if (key && names.has(key.value as string)) return key;
    if (key) names.add(key.value as string);
    const inner = repeatedName(child);
    if (inner) return inner;
  }
  return undefined;
}

/** What stands at the path, or the innermost thing around it. */
function nearest(tree: Node, path: readonly PropertyKey[]): Node | undefined {
  for (let length = path.length; length >= 0; length--) {
    const node = findNodeAtLocation(tree, path.slice(0, length).map((part) => (typeof part === 'number' ? part : String(part))));
    if (node) return node;
  }
  return undefined;
}
