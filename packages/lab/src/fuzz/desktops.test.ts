import { describe } from 'vitest';
import { anyLife } from '../testing/any-life.ts';

describe('any life of a device', () => {
  for (const platform of ['windows10', 'windows11', 'node'] as const) anyLife(platform);
});
