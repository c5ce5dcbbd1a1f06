import { nodeNet } from '@carryon/hosts/node';
import { CarryonError, decodeValue, isErrorCode } from '@carryon/protocol';
import type { SyncErrorRow } from '@carryon/server';
import { table, timeText, valueText } from './output.ts';

const PATIENCE_MS = 30_000;
const TYPES = ['conflict', 'record not found', 'record already exists', 'other'];

export interface SyncErrorsQuery {
  readonly url: string;
  readonly token: string;
  /** Only this person's. */
  readonly user: string | undefined;
}

/** Asks a server for the refused edits: the person's own, or with an admin's token everybody's. Rejects with `server.*` or `auth.*`. */
export async function fetchSyncErrors({ url, token, user }: SyncErrorsQuery): Promise<SyncErrorRow[]> {
  const address = new URL('v1/errors', url.endsWith('/') ? url : `${url}/`);
  if (user !== undefined) address.searchParams.set('user', user);
  const headers = { accept: 'application/json', ...(token === '' ? {} : { authorization: `Bearer ${token}` }) };
  const response = await nodeNet.request({ method: 'GET', url: address.href, headers, signal: AbortSignal.timeout(PATIENCE_MS) });
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  const { errors, error } = parse(Buffer.concat(chunks).toString());
  if (error) throw new CarryonError(error.code, error.message);
  if (response.status !== 200 || !errors) throw new CarryonError('server.not-carryon', `What answered at ${url} is not a Carryon server (HTTP ${response.status}).`);
  return errors;
}

type Answer = { readonly errors?: SyncErrorRow[]; readonly error?: { readonly code: ConstructorParameters<typeof CarryonError>[0]; readonly message: string } };

function parse(text: string): Answer {
  try {
    const { errors, error } = JSON.parse(text) as { errors?: SyncErrorRow[]; error?: { code?: unknown; message?: unknown } };
    if (typeof error?.code === 'string' && isErrorCode(error.code)) return { error: { code: error.code, message: String(error.message) } };
    return Array.isArray(errors) ? { errors } : {};
  } catch {
    return {};
  }
}

/** A refused edit as an admin reads it. */
export function syncErrorText(error: SyncErrorRow): string {
  const head = `${timeText(Date.parse(error.error_time))}  ${error.owner}  ${error.action} ${error.record_table} ${keyOf(error.record_key)}`;
  const rows = Object.entries(valuesOf(error.action_data)).map(([column, { from, to }]) => [column, shown(from), shown(to)]);
  const lines = rows.length === 0 ? [] : table(['column', 'from', 'to'], rows).split('\n');
  return [head, ...[`${error.message} (${error.error_code}; ${TYPES[error.type] ?? 'other'})`, ...lines].map((line) => `    ${line}`)].join('\n');
}

function keyOf(json: string): string {
  try {
    return (JSON.parse(json) as unknown[]).map(shown).join(', ');
  } catch {
    return json;
  }
}

function valuesOf(json: string): Record<string, { readonly from?: unknown; readonly to?: unknown }> {
  try {
    return JSON.parse(json) as Record<string, { from?: unknown; to?: unknown }>;
  } catch {
    return {};
  }
}

/** A value as it is on the wire. */
function shown(wire: unknown): string {
  try {
    return valueText(decodeValue(wire ?? null));
  } catch {
    return JSON.stringify(wire);
  }
}
