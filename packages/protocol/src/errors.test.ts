import { describe, expect, it } from 'vitest';
import { CarryonError, ERRORS, isErrorCode, toCarryonError } from './errors.ts';

describe('CarryonError', () => {
  it('P15 carries its code, what the registry says of it, its cause and how long to wait', () => {
    const cause = new Error('underneath');
    const error = new CarryonError('server.busy', 'Later, please.', { cause, retryAfterMs: 3000 });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'CarryonError', code: 'server.busy', message: 'Later, please.', who: 'nobody', retry: 'yes', retryAfterMs: 3000, action: ERRORS['server.busy'].action });
    expect(error.cause).toBe(cause);
    expect(new CarryonError('usage', 'x')).not.toHaveProperty('cause');
  });

  it('P15 the registry\'s entries are complete sentences under codes of small words', () => {
    for (const [code, { means, action }] of Object.entries(ERRORS)) {
      expect(code).toMatch(/^[a-z]+(\.[a-z]+(-[a-z]+)*)?$/);
      expect(means, code).toMatch(/^[A-Z].*\.$/);
      expect(action, code).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('P15 only what the registry names is a code', () => {
    expect(isErrorCode('pack.gone')).toBe(true);
    expect(['toString', '__proto__', 'constructor', '', 'pack'].some(isErrorCode)).toBe(false);
  });

  it('P16 whatever was thrown becomes a CarryonError', () => {
    const own = new CarryonError('usage', 'x');
    expect(toCarryonError(own)).toBe(own);
    const other = new TypeError('odd');
    expect(toCarryonError(other)).toMatchObject({ code: 'internal', message: 'odd', cause: other });
    expect(toCarryonError('text')).toMatchObject({ code: 'internal', message: 'text', cause: 'text' });
    expect(toCarryonError(undefined)).toMatchObject({ code: 'internal', message: 'undefined' });
  });
});
