import { describe, expect, it } from 'vitest';
import { firstDifference, Trace } from './trace.ts';

function traceOf(...whats: readonly string[]): Trace {
  let nowMs = 0;
  const trace = new Trace(() => (nowMs += 10));
  for (const what of whats) trace.add('a', what, { n: what.length });
  return trace;
}

describe('Trace', () => {
  it('has one hash for the same entries, and another for others', () => {
    expect(traceOf('x', 'y').hash()).toBe(traceOf('x', 'y').hash());
    expect(traceOf('x', 'y').hash()).not.toBe(traceOf('y', 'x').hash());
  });

  it('shows the first difference of two runs', () => {
    expect(firstDifference(traceOf('x', 'y').entries, traceOf('x', 'y').entries)).toBeUndefined();
    expect(firstDifference(traceOf('x', 'y', 'z').entries, traceOf('x', 'z').entries)).toBe([
      'entry 1:', '       0.010  a            x {"n":1}', '-      0.020  a            y {"n":1}', '+      0.020  a            z {"n":1}',
    ].join('\n'));
    expect(firstDifference(traceOf('x').entries, traceOf().entries)).toContain('(nothing more)');
  });
});
