import type { DatabaseSync } from 'node:sqlite';
import { DAY_MS, isoDate } from './calendar.ts';
import { REGIONS } from './places.ts';
import { at, Random } from './random.ts';
import { insertInto } from './schema.ts';
import { companyName, emailAddress, personName, phoneNumber, postcode, streetAddress } from './texts.ts';

export interface Customer {
  readonly id: string;
  /** Index into the regions; a region's own team looks after its customers. */
  readonly region: number;
  readonly latitude: number;
  readonly longitude: number;
}

const LONGEST_CUSTOMER_DAYS = 15 * 365;
const CITY_RADIUS_DEGREES = 0.05;

export function insertCustomers(db: DatabaseSync, count: number, todayMs: number): Customer[] {
  const random = new Random('customers');
  const insert = db.prepare(insertInto('customers', 12));
  const taken = new Set<string>();
  const customers: Customer[] = [];
  for (let i = 0; i < count; i++) {
    const region = i % REGIONS.length;
    const city = random.pick(at(REGIONS, region).cities);
    const id = random.uuid();
    const name = companyName(random, city, taken);
    const contact = personName(random, city);
    const latitude = nearby(random, city.latitude);
    const longitude = nearby(random, city.longitude);
    const since = isoDate(todayMs - random.int(200, LONGEST_CUSTOMER_DAYS) * DAY_MS);
    insert.run(id, name, contact, phoneNumber(random, city), emailAddress(contact, name), streetAddress(random, city),
      city.name, postcode(random, city), city.country.name, latitude, longitude, since);
    customers.push({ id, region, latitude, longitude });
  }
  return customers;
}

/** Five decimals are about a metre. */
function nearby(random: Random, degrees: number): number {
  const offset = (random.fraction() * 2 - 1) * CITY_RADIUS_DEGREES;
  return Math.round((degrees + offset) * 1e5) / 1e5;
}
