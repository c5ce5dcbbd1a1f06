import type { City } from './places.ts';
import type { Random } from './random.ts';
import { CHECKS, CLOSINGS, INSTRUCTIONS, PREPARATIONS, TRADES } from './words.ts';
import type { Equipment } from './words.ts';

const NAME_ATTEMPTS = 100;

export function personName(random: Random, city: City): string {
  const { firstNames, surnames } = city.country.tongue;
  return `${random.pick(firstNames)} ${random.pick(surnames)}`;
}

/** A company name that is not in `taken` yet; adds it there. */
export function companyName(random: Random, city: City, taken: Set<string>): string {
  const { tongue, legalForms } = city.country;
  for (let attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
    const founder = random.pick(tongue.surnames);
    const partner = random.chance(0.3) ? ` & ${random.pick(tongue.surnames)}` : '';
    const owner = random.chance(0.1) ? city.name : founder + partner;
    const name = `${owner} ${random.pick(TRADES)} ${random.pick(legalForms)}`;
    if (taken.has(name)) continue;
    taken.add(name);
    return name;
  }
  throw new Error(`No free company name in ${city.name} after ${NAME_ATTEMPTS} attempts: add words`);
}

export function streetAddress(random: Random, city: City): string {
  const { streets, numberFirst } = city.country.tongue;
  const street = random.pick(streets);
  const number = random.int(1, 148);
  return numberFirst ? `${number} ${street}` : `${street} ${number}`;
}

export function postcode(random: Random, city: City): string {
  let first = true;
  return city.country.postcode.replace(/#/g, () => {
    const digit = random.int(first ? 1 : 0, 9);
    first = false;
    return String(digit);
  });
}

/** In a block that no operator hands out, so that nobody's telephone rings. */
export function phoneNumber(random: Random, city: City): string {
  return `${city.country.dialCode} 555 01${random.int(10, 99)} ${random.int(100, 999)}`;
}

/** Plain lower-case ASCII, words joined by `separator`: for logins, addresses and domain names. */
export function slug(text: string, separator: string): string {
  return text
    .toLowerCase()
    .replace(/ß/g, 'ss')
    .replace(/ø/g, 'o')
    .normalize('NFD')
    .replace(/[\u0300-\u036f.]/g, '')
    .replace(/[^a-z0-9]+/g, separator);
}

export function emailAddress(person: string, company: string): string {
  return `${slug(person, '.')}@${slug(company, '-')}.example`;
}

export function workOrderDescription(random: Random, equipment: Equipment): string {
  const symptom = random.pick(equipment.symptoms);
  return random.chance(0.7) ? `${symptom} ${random.pick(INSTRUCTIONS)}` : symptom;
}

/** The tasks of a work order in the order they are done; the job itself is always among them. */
export function taskTitles(random: Random, job: string, count: number): string[] {
  const titles = [job];
  if (count > 2) titles.unshift(random.pick(PREPARATIONS));
  if (count > 3) titles.push(random.pick(CHECKS));
  if (count > 1) titles.push(random.pick(CLOSINGS));
  return titles;
}
