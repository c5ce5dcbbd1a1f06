import type { DatabaseSync } from 'node:sqlite';
import { DAY_MS, isoDate } from './calendar.ts';
import type { Customer } from './customers.ts';
import { at, Random } from './random.ts';
import { insertInto } from './schema.ts';
import { EQUIPMENT, ROOMS } from './words.ts';
import type { Equipment } from './words.ts';

export interface Product {
  readonly id: number;
  readonly name: string;
  readonly equipment: Equipment;
}

export interface Asset {
  readonly id: string;
  readonly customer: Customer;
  readonly equipment: Equipment;
  /** The label on the machine, like `B-204`. */
  readonly tag: string;
}

const OLDEST_ASSET_DAYS = 12 * 365;

/** Every series of every kind of machine in every size. */
export function insertProducts(db: DatabaseSync): Product[] {
  const random = new Random('products');
  const insert = db.prepare(insertInto('products', 6));
  const products: Product[] = [];
  for (const equipment of EQUIPMENT) {
    const { category, code, price: [lowest, highest], series, sizes } = equipment;
    for (const line of series) {
      sizes.forEach((size, step) => {
        const id = products.length + 1;
        const name = `${line} ${size}`;
        const sku = `${code}-${line.slice(0, 3).toUpperCase()}-${size}`;
        const listPrice = lowest + ((highest - lowest) * step) / (sizes.length - 1);
        const price = Math.round(listPrice * (0.95 + random.fraction() * 0.1)) - 0.1;
        insert.run(id, sku, name, category, price, random.chance(0.15) ? 0 : random.int(1, 60));
        products.push({ id, name, equipment });
      });
    }
  }
  return products;
}

export function insertAssets(
  db: DatabaseSync,
  count: number,
  customers: readonly Customer[],
  products: readonly Product[],
  todayMs: number,
): Asset[] {
  const random = new Random('assets');
  const insert = db.prepare(insertInto('assets', 8));
  const assets: Asset[] = [];
  for (let i = 0; i < count; i++) {
    // One for every customer first, so that nobody is without; the rest as it falls.
    const customer = i < customers.length ? at(customers, i) : random.pick(customers);
    const product = random.pick(products);
    const { equipment } = product;
    const id = random.uuid();
    const tag = `${equipment.code}-${random.int(100, 999)}`;
    const installedOn = isoDate(todayMs - random.int(190, OLDEST_ASSET_DAYS) * DAY_MS);
    const serial = `${equipment.code}${installedOn.slice(2, 4)}${String(i + 1).padStart(6, '0')}`;
    insert.run(id, customer.id, product.id, serial, product.name, installedOn, `${tag}, ${random.pick(ROOMS)}`,
      assetStatus(random));
    assets.push({ id, customer, equipment, tag });
  }
  return assets;
}

function assetStatus(random: Random): string {
  const draw = random.fraction();
  if (draw < 0.9) return 'active';
  return draw < 0.96 ? 'standby' : 'faulty';
}
