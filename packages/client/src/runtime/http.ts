import { CarryonError, isErrorCode, type ErrorCode } from '@carryon/protocol';
import type { NetResponse } from '../ports/net.ts';

const MOST_ERROR_BYTES = 64 * 1024;

/** The error that a refusal means. The server's own code is believed; another's page is not. */
export async function refusal(response: NetResponse, nowMs: number): Promise<CarryonError> {
  const own = await readOwn(response);
  const retryAfterMs = readRetryAfter(response.header('retry-after'), nowMs);
  const details = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (own) return new CarryonError(own.code, own.message, details);
  const [code, message] = byStatus(response.status);
  return new CarryonError(code, `${message} (HTTP ${response.status}).`, details);
}

/** A web page where a file was asked for: the sign-in page of a network says 200 too. */
export const isPage = (response: NetResponse): boolean => (response.header('content-type') ?? '').startsWith('text/html');

export const notCarryon = (): CarryonError =>
  new CarryonError('server.not-carryon', 'What answered is not a Carryon server: a sign-in page of the network, or another address.');

function byStatus(status: number): [ErrorCode, string] {
  if (status === 401) return ['auth.invalid', 'The server does not accept the token'];
  if (status === 403) return ['auth.forbidden', 'The server refuses this person'];
  if (status === 429) return ['server.busy', 'The server asks to come back later'];
  if (status === 426) return ['protocol.version', 'The server wants another protocol version'];
  if (status === 410) return ['pack.gone', 'The server no longer keeps this'];
  if (status >= 500) return ['server.unavailable', 'The server cannot serve now'];
  return ['server.not-carryon', 'What answered is not a Carryon server'];
}

async function readOwn(response: NetResponse): Promise<{ code: ErrorCode; message: string } | undefined> {
  if (!(response.header('content-type') ?? '').startsWith('application/json')) return undefined;
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of response.body) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length > MOST_ERROR_BYTES) return undefined;
    }
    const { error } = JSON.parse(text) as { error?: { code?: unknown; message?: unknown } };
    if (typeof error?.code === 'string' && isErrorCode(error.code)) return { code: error.code, message: String(error.message) };
  } catch { /* the status says enough */ }
  return undefined;
}

/** Retry-After in seconds or as a date (RFC 9110 section 10.2.3). */
function readRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
