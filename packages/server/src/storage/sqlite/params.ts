import { createHash } from 'node:crypto';
import { CarryonError } from '@carryon/protocol';
import { attributesOf, type Attribute } from '../../core/attributes.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Database } from './driver.ts';

/** SQL: the id of a param, for `hashOf` it as the parameter. */
export const PARAM_ID = '(SELECT id FROM sync_param WHERE hash = ?)';

export const hashOf = (param: string): string => createHash('sha256').update(param).digest('base64');

/**
 * The id of a param. It stands once in the store, and so do its values, however many scopes have it: a person in thousands of teams has a scope
 * of every table. Throws `share.too-large`.
 */
export function ensureParam(db: Database, param: string): number {
  const id = (): number | undefined => db.get<{ id: number }>('SELECT id FROM sync_param WHERE hash = ?', hashOf(param))?.id;
  const known = id();
  if (known !== undefined) return known;
  const attributes = attributesOf(param);
  const count = Object.values(attributes).reduce((sum, values: readonly string[]) => sum + values.length, 0);
  if (count > LIMITS.attributeValues) throw new CarryonError('share.too-large', `The person has ${count} teams, units and profiles; not more than ${LIMITS.attributeValues} can be kept.`);
  db.run('INSERT INTO sync_param(hash, text) VALUES(?, ?)', hashOf(param), param);
  const made = id() ?? 0;
  for (const attribute of Object.keys(attributes) as Attribute[]) {
    for (const value of new Set(attributes[attribute])) db.run('INSERT INTO sync_attribute(param, attribute, value) VALUES(?, ?, ?)', made, attribute, value);
  }
  return made;
}

export function forgetParams(db: Database): void {
  db.run('DELETE FROM sync_param WHERE NOT EXISTS (SELECT 1 FROM sync_scope s WHERE s.param = sync_param.id)');
  db.run('DELETE FROM sync_attribute WHERE NOT EXISTS (SELECT 1 FROM sync_param p WHERE p.id = sync_attribute.param)');
}
