// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { formatMilliseconds, phaseTimes, total } from './phases';

describe('phaseTimes', () => {
  it('reads what the machine measured and takes a missing phase as 0', () => {
    const times = phaseTimes({ milliseconds: { decode: 2, invoke: 15.5 } });
    expect(times).toEqual({
      decode: 2,
      resize: 0,
      queue: 0,
      invoke: 15.5,
      postprocess: 0,
      encode: 0,
    });
    expect(times && total(times)).toBe(17.5);
  });

  it('is null where a machine measures nothing', () => {
    for (const extra of [undefined, null, {}, { milliseconds: 3 }, { milliseconds: {} }, [1]])
      expect(phaseTimes(extra)).toBeNull();
  });

  it('does not pass on what is no time', () => {
    expect(phaseTimes({ milliseconds: { decode: 1, invoke: -4, queue: 'x' } })).toMatchObject({
      decode: 1,
      invoke: 0,
      queue: 0,
    });
  });
});

describe('formatMilliseconds', () => {
  it('shows as many digits as matter', () => {
    expect(formatMilliseconds(0.0412)).toBe('0.04 ms');
    expect(formatMilliseconds(15.26)).toBe('15.3 ms');
    expect(formatMilliseconds(123.4)).toBe('123 ms');
  });
});
