import { describe } from 'vitest';
import { anyLife } from '../testing/any-life.ts';

describe('any life of a device', () => {
  for (const platform of ['ios', 'android', 'web'] as const) anyLife(platform);
});
