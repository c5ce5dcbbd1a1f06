/** Who can mend it: the person holding the device, the admin of the server, the developer of the app, or nobody (it passes). */
export type ErrorWho = 'person' | 'admin' | 'developer' | 'nobody';

/** May the same thing be tried again unchanged: `yes` (soon), `later` (when something outside changed), `no`. */
export type ErrorRetry = 'yes' | 'later' | 'no';

export interface ErrorEntry {
  readonly who: ErrorWho;
  readonly retry: ErrorRetry;
  readonly means: string;
  readonly action: string;
}

const entry = (who: ErrorWho, retry: ErrorRetry, means: string, action: string): ErrorEntry => ({ who, retry, means, action });

/** Every error code of Carryon. `docs/errors.md` is generated from this table. */
export const ERRORS = {
  'server.unreachable': entry('nobody', 'yes', 'No connection to the sync server could be made, or it broke.', 'Wait: the sync goes on by itself. If it lasts, check the address and the network.'),
  'server.unavailable': entry('admin', 'yes', 'The server answered that it cannot serve now (5xx).', 'Wait: the sync goes on by itself. If it lasts, look at the server\'s log.'),
  'server.preparing': entry('nobody', 'yes', 'The server is still reading the business database for the first time.', 'Wait: the sync starts by itself.'),
  'server.busy': entry('nobody', 'yes', 'The server asks this device to come back later (429).', 'Wait as long as the server says; the sync goes on by itself.'),
  'server.not-carryon': entry('person', 'later', 'What answered is not a Carryon server: a sign-in page of the network, or a wrong address.', 'Sign in to the network or check the address.'),
  'server.no-keys': entry('admin', 'no', 'The server has no key to check tokens with.', 'Give a secret (CARRYON_JWT_SECRET) or a JWKS address (--jwks), or use --dev to try things out.'),
  'server.data-in-use': entry('admin', 'no', 'Another server process uses this data directory.', 'Stop the other process or give each its own --data directory.'),
  'server.port-in-use': entry('admin', 'no', 'The port is taken by another process.', 'Choose another --port.'),
  'server.data-foreign': entry('admin', 'no', 'The data directory was made for another database or by another version.', 'Give another --data directory.'),
  'auth.missing': entry('developer', 'later', 'The request carried no token.', 'Sign in, or give a token (--token or CARRYON_TOKEN).'),
  'auth.invalid': entry('developer', 'later', 'The token is not valid for this server.', 'Sign in again; if it lasts, the app and the server disagree about keys, issuer or audience.'),
  'auth.expired': entry('person', 'later', 'The token has expired.', 'Sign in again.'),
  'auth.unavailable': entry('developer', 'yes', 'The app could not give a token for the server.', 'The device asks the app again by itself. If it lasts, sign in again.'),
  'auth.forbidden': entry('admin', 'later', 'The server knows the person and refuses.', 'Ask the admin for access.'),
  'protocol.version': entry('developer', 'no', 'Device and server speak different versions of the protocol.', 'Update the older of the two.'),
  'protocol.bad-request': entry('developer', 'no', 'The server could not read the request.', 'Update the app; if it lasts, report it with the request id.'),
  'protocol.bad-answer': entry('developer', 'yes', 'The server\'s answer could not be read.', 'The device asks again; if it lasts, report it.'),
  'protocol.not-found': entry('developer', 'no', 'There is nothing at this address of the server.', 'Check the server\'s address.'),
  'epoch.changed': entry('admin', 'no', 'The server\'s sync data was made anew (another epoch) since this device last synced.', 'If that was meant, reset the device (carryon sync --reset); the data stays readable meanwhile. If not, restore the server\'s data directory.'),
  'pack.wrong-bytes': entry('nobody', 'yes', 'A downloaded pack is not the file that was announced: size or SHA-256 differ.', 'The device fetches it again. If it lasts, something between device and server changes files.'),
  'pack.bad-content': entry('developer', 'no', 'A pack holds something else than the tables announced, so it was not opened further.', 'Report it: a server must never send this.'),
  'pack.url-expired': entry('nobody', 'yes', 'The address of a pack has expired or was not made for this person.', 'The device asks for new addresses by itself.'),
  'pack.gone': entry('nobody', 'yes', 'The server no longer keeps this pack.', 'The device asks for a new plan by itself.'),
  'digest.mismatch': entry('nobody', 'yes', 'After a round, rows on the device differed from the server\'s share.', 'The device downloads the table concerned again by itself.'),
  'device.in-use': entry('person', 'later', 'Another process is syncing into this folder.', 'Stop the other process, or sync into another folder.'),
  'device.not-a-device': entry('person', 'no', 'The folder holds no Carryon database.', 'Check the path, or run `carryon sync` into it first.'),
  'device.other-server': entry('person', 'no', 'The folder belongs to another server or person.', 'Sync into a new folder.'),
  'device.name-taken': entry('developer', 'no', 'The device\'s database has a table of the app\'s own with the name of a table to be synced.', 'Rename or drop the app\'s table; nothing of it was changed.'),
  'device.newer-store': entry('developer', 'no', 'The folder was written by a newer version of Carryon.', 'Update the app.'),
  'device.disk-full': entry('person', 'later', 'The device\'s disk is full.', 'Free some space; the sync goes on where it stopped.'),
  'device.not-usable': entry('person', 'later', 'The table is still being downloaded, so it cannot be written yet.', 'Wait until the table is usable; the status tells how far it is.'),
  'device.pending-edits': entry('person', 'later', 'Edits made on this device have not reached the server yet, and what was asked for would lose them.', 'Sync first, or choose: export them to a file, or throw them away (`carryon sign-out` with --export FILE or --discard).'),
  'device.edits-lost': entry('admin', 'no', 'The server was restored from a backup that is older than the edits kept on the device, so some that it had accepted are gone.', 'Enter them again; the journal says how many there were.'),
  'device.quota': entry('person', 'later', 'The device has less free space than this download needs.', 'Free the space named, then sync again. Nothing was downloaded.'),
  'device.database-locked': entry('person', 'later', 'Another program holds the device\'s database locked.', 'Close the other program; the sync goes on by itself.'),
  'device.database-corrupt': entry('person', 'no', 'The device\'s database file is damaged.', 'Sync into a new folder; keep the old one if it holds something you need.'),
  'device.clock-wrong': entry('person', 'later', 'The device\'s clock differs from the server\'s by more than five minutes.', 'Set the clock; syncing goes on meanwhile.'),
  'device.storage': entry('person', 'later', 'The device could not read or write a file.', 'Check the folder\'s permissions and the disk.'),
  'host.transfers': entry('nobody', 'yes', 'The operating system\'s transfer service could not be asked what it has.', 'The device asks again by itself; after three times it downloads without the service.'),
  'sql.refused': entry('person', 'no', 'The SQL is not of the kind that is allowed here.', 'To read, give `carryon query` one SELECT (or WITH, VALUES, EXPLAIN) statement; to change rows, give `carryon write` INSERT, UPDATE or DELETE statements.'),
  'sql.error': entry('person', 'no', 'The SQL statement has an error.', 'Correct the statement.'),
  'write.conflict': entry('person', 'no', 'Somebody else has changed the same row meanwhile.', 'Compare the draft with the server\'s values; then retry, mend or drop it.'),
  'write.not-found': entry('person', 'no', 'The row is not there any more, or is no longer in the person\'s share.', 'Drop the draft, or make the row anew.'),
  'write.exists': entry('person', 'no', 'There is already a row with this key.', 'Drop the draft, or give the row another key.'),
  'write.unique': entry('person', 'no', 'Another row has a value that must be unique.', 'Mend the draft\'s value and retry.'),
  'write.reference': entry('person', 'no', 'The row refers to one that is not there, or others still refer to it.', 'Mend the draft\'s value and retry.'),
  'write.rejected': entry('person', 'no', 'A rule of the business database refuses the values.', 'Mend the draft as the message says and retry.'),
  'write.forbidden': entry('admin', 'no', 'The profile does not let this person do this with the table.', 'Ask the admin for the right; a draft of it can only be dropped till then.'),
  'write.outside-share': entry('person', 'no', 'The new row would not be in the person\'s own share.', 'Make the row for yourself, or ask somebody whose share it is in.'),
  'write.unknown': entry('developer', 'no', 'The profile has no such table or column (any more).', 'Update the app; the draft keeps the values.'),
  'write.too-large': entry('developer', 'no', 'One transaction changed more than fits into a request.', 'Divide the work into several transactions.'),
  'source.not-found': entry('admin', 'no', 'The business database file does not exist.', 'Check the path given with --database.'),
  'source.not-sqlite': entry('admin', 'no', 'The file is not an SQLite database.', 'Check the path given with --database.'),
  'source.locked': entry('admin', 'later', 'Another program holds the business database locked.', 'End its long transaction, then try again.'),
  'source.read-only': entry('admin', 'no', 'The business database cannot be written, so changes cannot be captured.', 'Give the server write permission on the file and its folder.'),
  'source.replaced': entry('admin', 'no', 'The business database was replaced by an older or different file since the server last ran.', 'Start with a new --data directory; devices are then reset (carryon sync --reset).'),
  'source.schema-changed': entry('admin', 'no', 'The business database was altered, and the profiles do not fit it any more.', 'Restore the table or column, or give profiles that fit: a running server takes them over, and one that is started with the same --data directory does too. Meanwhile devices are answered as of the last checkpoint, and their edits wait.'),
  'profile.invalid': entry('admin', 'no', 'The profile has an error.', 'Correct the profile as the message says.'),
  'share.too-large': entry('admin', 'no', 'A person\'s share is larger than what is possible.', 'Narrow the profile\'s rules for the tables named, or divide it into several profiles.'),
  'file.exists': entry('person', 'no', 'The file exists already and is not overwritten.', 'Choose another name or give --force.'),
  'runtime.too-old': entry('person', 'no', 'This Node.js is too old.', 'Use `npx carryon`, which brings its own, or install Node.js 22.15 or newer.'),
  'runtime.missing-feature': entry('person', 'no', 'This Node.js or its SQLite lacks something Carryon needs.', 'Install a current Node.js.'),
  'usage': entry('person', 'no', 'The command was not given as it must be.', 'See --help.'),
  'internal': entry('developer', 'no', 'Something happened that should not be possible.', 'Report it with the message and the journal.'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorDetails {
  /** What was underneath. */
  readonly cause?: unknown;
  /** Wait at least this long before trying again, in milliseconds (an HTTP Retry-After). */
  readonly retryAfterMs?: number;
}

/** The one error class: `message` says what was wrong here, `code` is stable, `who` must act, `retry` says whether to try again. */
export class CarryonError extends Error {
  override readonly name = 'CarryonError';
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryAfterMs = details.retryAfterMs;
  }

  get who(): ErrorWho { return ERRORS[this.code].who; }
  get retry(): ErrorRetry { return ERRORS[this.code].retry; }
  /** What to do about it, in one or two sentences. */
  get action(): string { return ERRORS[this.code].action; }
}

/** Makes any thrown value a CarryonError; unknown ones become `internal`. */
export function toCarryonError(thrown: unknown): CarryonError {
  if (thrown instanceof CarryonError) return thrown;
  return new CarryonError('internal', thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
}

export const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code);
