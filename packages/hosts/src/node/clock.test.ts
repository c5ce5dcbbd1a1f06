import { clockContract } from '@carryon/client/testing';
import { systemClock } from './clock.ts';

clockContract('Node', () => ({ clock: systemClock, pass: (ms) => new Promise((resolve) => { setTimeout(resolve, ms); }) }));
