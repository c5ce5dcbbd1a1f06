import { CarryonError, toCarryonError, type ErrorCode } from '@carryon/protocol';

const STATUS: Partial<Record<ErrorCode, number>> = {
  'auth.missing': 401, 'auth.invalid': 401, 'auth.expired': 401, 'auth.forbidden': 403, 'share.too-large': 403,
  'protocol.bad-request': 400, 'protocol.version': 400, 'protocol.not-found': 404, 'epoch.changed': 409, 'device.other-server': 409,
  'pack.url-expired': 403, 'pack.gone': 410, 'server.busy': 429, 'server.preparing': 503, 'server.unavailable': 503, 'source.locked': 503,
};

/** What a device is told of an error. */
export interface Refusal {
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfterMs: number | undefined;
  /** The error as it was, for the log. */
  readonly error: CarryonError;
}

/** Errors that are no answer to a device (a full disk, a fault of ours) are told as `server.unavailable`; only the log says what they are. */
export function refusalOf(thrown: unknown): Refusal {
  const error = fromHttp(thrown);
  const { code, message, retryAfterMs } = error;
  const status = STATUS[code];
  if (status === undefined) return { status: 500, code: 'server.unavailable', message: 'The server failed; its log says why.', retryAfterMs, error };
  return { status, code, message, retryAfterMs, error };
}

/** Fastify's own refusals (a body that is too large or no JSON) as ours. */
function fromHttp(thrown: unknown): CarryonError {
  const status = (thrown as { statusCode?: number } | null)?.statusCode;
  if (!(thrown instanceof CarryonError) && status !== undefined && status < 500) {
    return new CarryonError('protocol.bad-request', thrown instanceof Error ? thrown.message : 'The request could not be read.', { cause: thrown });
  }
  return toCarryonError(thrown);
}
