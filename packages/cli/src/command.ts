import { CarryonError, toCarryonError } from '@carryon/protocol';
import { Command } from 'commander';
import { exitCode } from './exit.ts';
import { Output } from './output.ts';

/** Wraps a command's work: errors are told in words and become the exit code. */
export function action<A extends unknown[]>(work: (out: Output, ...args: A) => Promise<number | void>): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    const command = args.at(-1) as Command;
    const out = new Output(command.opts<{ json?: boolean }>().json === true);
    try {
      process.exitCode = (await work(out, ...(args as A))) ?? 0;
    } catch (thrown) {
      const error = toCarryonError(thrown);
      out.error(error);
      if (error.code === 'internal' && process.env['CARRYON_DEBUG'] !== undefined) console.error(thrown);
      process.exitCode = exitCode(error);
    }
  };
}

/** A whole number given on the command line. */
export function wholeNumber(name: string, low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low || value > high) throw new CarryonError('usage', `${name} must be a whole number from ${low} to ${high}, not "${text}".`);
    return value;
  };
}

export const isHttpUrl = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);

export function newCommand(name: string, description: string): Command {
  return new Command(name).description(description).option('--json', 'print one JSON value for programs');
}
