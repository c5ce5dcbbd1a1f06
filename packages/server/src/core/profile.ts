import { CarryonError } from '@carryon/protocol';
import { z } from 'zod';
import { LIMITS } from './limits.ts';
import { ERROR_TABLE } from './sync-errors.ts';

const name = z.string().min(1);
const columnsOf = z.union([name, z.array(name).min(1)]);

/** Which rows of a table a person gets, as a profile says it. */
export type Rows =
  | 'all'
  | { readonly own: string }
  | { readonly team: string }
  | { readonly unit: string; readonly children?: boolean | undefined }
  | { readonly filter: string }
  | { readonly childOf: string; readonly by?: string | readonly string[] | undefined }
  | { readonly parentOf: string; readonly by?: string | readonly string[] | undefined }
  | { readonly linkedTo: string; readonly through: string; readonly by?: string | readonly string[] | undefined; readonly to?: string | readonly string[] | undefined }
  | { readonly any: readonly Rows[] }
  | { readonly all: readonly Rows[] };

const rows: z.ZodType<Rows> = z.union([
  z.literal('all').describe('All rows.'),
  z.strictObject({ own: name.describe('The column with the person\'s id.') }).describe('The person\'s own rows.'),
  z.strictObject({ team: name.describe('The column with a team.') }).describe('Rows of the person\'s teams.'),
  z.strictObject({ unit: name.describe('The column with a business unit.'), children: z.boolean().optional().describe('Also of all units below; default: false.') }).describe('Rows of the person\'s business unit.'),
  z.strictObject({ filter: name.describe('An OData $filter, such as: status eq \'open\' and due lt today() add duration\'P14D\'') }).describe('Rows for which a filter holds.'),
  z.strictObject({ childOf: name.describe('The other table.'), by: columnsOf.optional().describe('The columns of this table with the other\'s key; default: those of the only foreign key to it.') })
    .describe('Rows that refer to a row of another table that the person has.'),
  z.strictObject({ parentOf: name.describe('The other table.'), by: columnsOf.optional().describe('The columns of the other table with this one\'s key; default: those of its only foreign key to this one.') })
    .describe('Rows to which a row of another table refers that the person has.'),
  z.strictObject({
    linkedTo: name.describe('The other table.'), through: name.describe('The table of links.'),
    by: columnsOf.optional().describe('The columns of the table of links with this table\'s key; default: those of its only foreign key to this one.'),
    to: columnsOf.optional().describe('The columns of the table of links with the other\'s key; default: those of its only foreign key to the other.'),
  }).describe('Rows linked, many to many, to a row of another table that the person has.'),
  z.strictObject({ any: z.lazy(() => z.array(rows).min(1)) }).describe('Rows of at least one of these.'),
  z.strictObject({ all: z.lazy(() => z.array(rows).min(1)) }).describe('Rows of each of these.'),
]).meta({ id: 'rows', description: 'Which rows of the table a person gets.' });

const table = z.strictObject({
  rows: rows.default('all').describe('Which rows a person gets; default: all.'),
  columns: z.union([z.literal('all'), z.array(z.string()).min(1)]).default('all').describe('Which columns are synced; those of the key, of filters and of relations always are. Default: all.'),
  hidden: z.array(z.string()).optional().describe('Columns that never leave the server, though rules may read them; default: none.'),
  key: z.array(z.string()).min(1).optional().describe('The columns that identify a row; default: the primary key, else a unique index without NULLs.'),
  references: z.array(z.strictObject({ columns: z.array(z.string()), table: z.string() })).optional().describe('Which tables the columns refer to, as found in the database: keys that a new row gets are put into such columns too.'),
  priority: z.int().min(0).max(9).default(5).describe('Tables of lower numbers become usable first; default: 5.'),
  rights: z.array(z.enum(['create', 'read', 'update', 'delete'])).refine((rights) => rights.includes('read'), 'must have "read": a table that nobody may read is left out of the profile').optional()
    .describe('What people may do with the rows of their share; default: read.'),
  conflicts: z.enum(['last-writer-wins', 'detect', 'merge']).optional()
    .describe('What becomes of an edit when somebody else has changed the same row meanwhile; default: the last writer of each column wins.'),
  every: z.int().min(5).max(1440).optional().describe('How often the table is synced where changes do not come live, in minutes; default: as the device does by itself.'),
});

const who = z.union([
  z.literal('everyone').describe('Everybody.'),
  z.strictObject({
    users: z.array(name).optional().describe('Ids of people.'),
    teams: z.array(name).optional().describe('Teams whose members have the profile.'),
    units: z.array(name).optional().describe('Business units whose people have the profile; units below are not meant.'),
  }).refine((named) => Object.values(named).some((list) => list !== undefined && list.length > 0), 'must name somebody: "users", "teams" or "units"'),
]);

const people = z.strictObject({
  users: z.strictObject({ table: name, id: name.describe('The column with the id that tokens name.'), unit: name.optional().describe('The column with the person\'s business unit.') }).optional()
    .describe('The table of people. Who is not in it has no data at all; absent: everybody with a token is somebody.'),
  teams: z.strictObject({ table: name, user: name.describe('The column with a person\'s id.'), team: name.describe('The column with a team of theirs.') }).optional().describe('The table that says who is in which team.'),
  units: z.strictObject({ table: name, id: name.describe('The column with the unit.'), parent: name.describe('The column with the unit above it.') }).optional().describe('The table of business units.'),
  claims: z.strictObject({ teams: name.optional().describe('The claim with a list of teams.'), unit: name.optional().describe('The claim with the business unit.') }).optional()
    .describe('Claims of people\'s tokens, where no table says it.'),
});

export const profileSchema = z.strictObject({
  $schema: z.string().optional().describe('The JSON Schema of this file, for editors.'),
  version: z.literal(1).describe('The version of the profile\'s form.'),
  name: name.default('Profile').describe('The profile\'s name; of several profiles each has its own. Default: Profile.'),
  timeZone: z.string().optional().describe('IANA name of the time zone in which days begin, and of times without an offset; default: UTC.'),
  who: who.default('everyone').describe('Who has the profile; default: everyone.'),
  people: people.optional().describe('Where it stands who belongs to which team and business unit.'),
  tables: z.record(z.string(), table).describe('The tables that are synced, by name.'),
});

export type Profile = z.infer<typeof profileSchema>;
export type ProfileTable = z.infer<typeof table>;
export type ProfilePeople = z.infer<typeof people>;

/** Where something stands in a profile's file, such as `line 12: `; '' where that is not known. */
export type PlaceOf = (path: readonly PropertyKey[]) => string;

/** Checks a profile's form. Throws `profile.invalid` naming each place and what is wrong there. */
export function parseProfile(input: unknown, placeOf: PlaceOf = () => ''): Profile {
  if (isDeeperThan(input, 2 * LIMITS.relationDepth + 8)) throw new CarryonError('profile.invalid', `The profile has an error. "any" and "all" stand inside each other more than ${LIMITS.relationDepth} times.`);
  const result = profileSchema.safeParse(input);
  if (!result.success) throw new CarryonError('profile.invalid', `The profile has an error. ${result.error.issues.flatMap((issue) => problemsOf(issue, [], placeOf)).join('; ')}.`);
  const own = Object.keys(result.data.tables).find((table) => table.toLowerCase() === ERROR_TABLE);
  if (own !== undefined) throw new CarryonError('profile.invalid', `The profile names the table "${own}", which Carryon keeps and syncs by itself.`);
  if (Object.keys(result.data.tables).length === 0) throw new CarryonError('profile.invalid', 'The profile names no tables.');
  return result.data;
}

/** The JSON Schema by which editors complete and check profiles. */
export function profileJsonSchema(): object {
  return { ...z.toJSONSchema(profileSchema, { io: 'input' }), title: 'Carryon profile' };
}

/** Lists and objects inside each other; whatever goes as deep as that is no profile. */
function isDeeperThan(input: unknown, most: number): boolean {
  if (typeof input !== 'object' || input === null) return false;
  return most === 0 || Object.values(input).some((inner) => isDeeperThan(inner, most - 1));
}

function problemsOf(issue: z.core.$ZodIssue, above: readonly PropertyKey[], placeOf: PlaceOf): string[] {
  const path = [...above, ...issue.path];
  const meant = issue.code === 'invalid_union' ? meantOption(issue.errors) : undefined;
  if (meant) return meant.flatMap((inner) => problemsOf(inner, path, placeOf));
  const message = issue.code === 'invalid_union' ? unionMessage(path) : issue.message;
  return [`${placeOf(path)}${path.map(String).join('.') || 'profile'}: ${message}`];
}

/** Of what may stand in a place, that to which all the names given belong. */
function meantOption(errors: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const fitting = errors.filter((issues) => issues.every((issue) => issue.path.length > 0 && !isMissing(issue)));
  if (fitting.length === 1) return fitting[0];
  // One that has all it needs, and a name beyond.
  return errors.find((issues) => issues.every((issue) => issue.code === 'unrecognized_keys' || (issue.path.length > 0 && !isMissing(issue))));
}

const isMissing = (issue: z.core.$ZodIssue): boolean => issue.code === 'invalid_type' && /undefined$/.test(issue.message);

const ROWS = '"all", or an object with one of own, team, unit, filter, childOf, parentOf, linkedTo (with through), any, all';

function unionMessage(path: readonly PropertyKey[]): string {
  const last = path.findLast((part) => typeof part === 'string');
  if (last === 'rows' || last === 'any' || last === 'all') return `must be ${ROWS}`;
  if (last === 'columns') return 'must be "all" or a list of at least one column';
  return last === 'who' ? 'must be "everyone", or an object with users, teams or units' : 'must be a column or a list of columns';
}
