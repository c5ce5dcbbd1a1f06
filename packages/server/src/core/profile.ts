import { CarryonError } from '@carryon/protocol';
import { z } from 'zod';
import { ERROR_TABLE } from './sync-errors.ts';

const rows = z.union([z.literal('all'), z.strictObject({ own: z.string().min(1) })]);

const table = z.strictObject({
  rows: rows.default('all').describe('Which rows a person gets: all, or those whose column holds the person\'s id.'),
  columns: z.union([z.literal('all'), z.array(z.string()).min(1)]).default('all').describe('Which columns are synced; key and scope columns always are.'),
  key: z.array(z.string()).min(1).optional().describe('The columns that identify a row; default: the primary key, else a unique index without NULLs.'),
  references: z.array(z.strictObject({ columns: z.array(z.string()), table: z.string() })).optional().describe('Which tables the columns refer to, as found in the database: keys that a new row gets are put into such columns too.'),
  priority: z.int().min(0).max(9).default(5).describe('Tables of lower numbers become usable first.'),
  rights: z.array(z.enum(['create', 'read', 'update', 'delete'])).refine((rights) => rights.includes('read'), 'must have "read": a table that nobody may read is left out of the profile').optional()
    .describe('What people may do with the rows of their share; default: read.'),
  conflicts: z.enum(['last-writer-wins', 'detect', 'merge']).optional()
    .describe('What becomes of an edit when somebody else has changed the same row meanwhile; default: the last writer of each column wins.'),
  every: z.int().min(5).max(1440).optional().describe('How often the table is synced where changes do not come live, in minutes; default: as the device does by itself.'),
});

export const profileSchema = z.strictObject({
  $schema: z.string().optional(),
  version: z.literal(1),
  name: z.string().default('Profile'),
  tables: z.record(z.string(), table),
});

export type Profile = z.infer<typeof profileSchema>;
export type ProfileTable = z.infer<typeof table>;

/** Checks a profile's form. Throws `profile.invalid` naming each place and what is wrong there. */
export function parseProfile(input: unknown): Profile {
  const result = profileSchema.safeParse(input);
  if (result.success) {
    const own = Object.keys(result.data.tables).find((name) => name.toLowerCase() === ERROR_TABLE);
    if (own !== undefined) throw new CarryonError('profile.invalid', `The profile names the table "${own}", which Carryon keeps and syncs by itself.`);
    if (Object.keys(result.data.tables).length > 0) return result.data;
    throw new CarryonError('profile.invalid', 'The profile names no tables.');
  }
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'profile'}: ${issue.message}`);
  throw new CarryonError('profile.invalid', `The profile has an error. ${problems.join('; ')}.`);
}
