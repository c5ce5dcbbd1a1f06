import { RULE_SET_NAMES } from '@carryon/policy';
import { CarryonError } from '@carryon/protocol';
import type { Command } from 'commander';
import { action, isHttpUrl, newCommand } from '../command.ts';
import { draftLine } from '../draft-text.ts';
import { waitingWords } from '../edits.ts';
import { signalExit } from '../exit.ts';
import { bytes, count, counted, duration, type Output } from '../output.ts';
import { runSync, type SyncOptions, type SyncSummary } from '../run-sync.ts';
import { storedEdits } from '../sync-edits.ts';

interface Options { readonly into: string; readonly token?: string; readonly watch?: boolean; readonly quiet?: boolean; readonly full?: boolean; readonly reset?: boolean; readonly rules?: string }

const REFUSED_SHOWN = 5;

export function syncCommand(): Command {
  return newCommand('sync', 'bring a person\'s share of the data into a folder, send what was edited there, and keep it current')
    .argument('<url>', 'the server\'s address')
    .requiredOption('--into <dir>', 'the device folder; made when it is not there')
    .option('--token <token>', 'the person\'s token; default: the variable CARRYON_TOKEN')
    .option('--watch', 'stay, and take in changes as they come, until Ctrl-C')
    .option('--full', 'also compare every row with the server\'s and mend what differs')
    .option('--reset', 'forget what the server knows of this device and download everything anew; what is there stays readable meanwhile')
    .option('--rules <name>', `the rule set for background, lock and power: ${RULE_SET_NAMES.join(', ')}`)
    .option('--quiet', 'no progress line')
    .action(action(sync));
}

async function sync(out: Output, url: string, options: Options): Promise<number> {
  if (!isHttpUrl(url)) throw new CarryonError('usage', `"${url}" is not an http or https address.`);
  const ruleSet = RULE_SET_NAMES.find((name) => name === options.rules);
  if (options.rules !== undefined && !ruleSet) throw new CarryonError('usage', `There is no rule set "${options.rules}": ${RULE_SET_NAMES.join(', ')}.`);
  if (options.full && options.reset) throw new CarryonError('usage', 'Give --full or --reset, not both.');
  const extra = options.reset ? 'reset' : options.full ? 'full' : undefined;
  const summary = await runSync({
    ...(extra ? { extra } : {}), ...(ruleSet ? { ruleSet } : {}), ...(options.watch ? whileWatching(out, options.into) : {}),
    url, folder: options.into, token: options.token ?? process.env['CARRYON_TOKEN'] ?? '', watch: options.watch === true, quiet: out.json || options.quiet === true,
  }).catch(async (thrown: unknown) => {
    const edits = await storedEdits(options.into);
    if (edits.records > 0) out.line(`${waitingWords(edits)}; nothing is lost`);
    throw thrown;
  });
  out.result(summary);
  for (const warning of summary.warnings) out.line(`note: ${warning.message} (${warning.code})`);
  for (const text of editLines(options.into, summary.edits)) out.line(text);
  if (summary.interrupted !== undefined) {
    out.line(`interrupted (${summary.interrupted}); nothing is lost, the next run goes on from here`);
    return signalExit(summary.interrupted);
  }
  out.line(`up to date: ${count(summary.rows)} rows in ${summary.tables} tables, ${bytes(summary.receivedBytes)} received in ${duration(summary.elapsedMs)}, ${bytes(summary.diskBytes)} on disk`);
  return 0;
}

/** What is told as it happens. */
function whileWatching(out: Output, folder: string): Pick<SyncOptions, 'onCommit' | 'onComplete' | 'onRefused'> {
  return {
    onCommit: ({ checkpoint, changes, tables }) => out.line(`checkpoint ${checkpoint}: ${counted(changes, 'change')} in ${tables.join(', ')}`),
    onComplete: () => out.line('up to date; waiting for changes (Ctrl-C ends)'),
    onRefused: (draft) => out.line(`refused: ${draftLine(draft)}; see carryon errors ${folder}`),
  };
}

/** How the person's own edits fared. */
function editLines(folder: string, { sent, refused, waiting }: SyncSummary['edits']): string[] {
  const still = waiting > 0 ? [`${counted(waiting, 'row waits', 'rows wait')} for the server`] : [];
  if (sent === 0) return still;
  const lines = refused.slice(0, REFUSED_SHOWN).map((draft) => `  ${draftLine(draft)}`);
  if (refused.length > lines.length) lines.push(`  and ${counted(refused.length - lines.length, 'further edit')}`);
  const told = refused.length === 0 ? '' : `, ${count(refused.length)} refused; see carryon errors ${folder}`;
  return [`${counted(sent, 'edit')} sent${told}`, ...lines, ...still];
}
