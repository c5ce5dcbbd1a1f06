import { systemClock } from '@carryon/hosts/node';
import { readKeys, signToken } from '@carryon/server';
import { ownCost } from './processes.ts';
import { technician } from './profile-data.ts';

const { development } = await readKeys(process.argv[2] ?? '');
const people = Array.from({ length: Number(process.argv[3]) }, (_, i) => technician(i + 1));
const tokens = await Promise.all(people.map((user) => signToken(development, user, systemClock.nowMs(), 86_400_000)));
console.log(JSON.stringify({ tokens, ...ownCost() }));
