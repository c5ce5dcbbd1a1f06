import { systemClock } from '@carryon/hosts/node';
import { readKeys, signToken } from '@carryon/server';
import { ownCost } from './processes.ts';

const token = await signToken((await readKeys(process.argv[2] ?? '')).development, 'bench', systemClock.nowMs(), 86_400_000);
console.log(JSON.stringify({ token, ...ownCost() }));
