// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { halfFromSingle, singleFromHalf } from './half.mjs';

it('every half comes back as it was', () => {
  const all = Uint16Array.from({ length: 1 << 16 }, (_, i) => i);
  const back = halfFromSingle(singleFromHalf(all));
  all.forEach((half, i) => {
    const isNaNs = (half & 0x7c00) === 0x7c00 && (half & 0x3ff) !== 0;
    if (isNaNs) assert.equal(back[i] & 0x7e00, 0x7e00);
    else assert.equal(back[i], half);
  });
});

it('singles go to the nearest half, ties to even, and beyond the largest to infinity', () => {
  // 1 + 2^-11 lies between 1 and 1 + 2^-10; 2^-25 between 0 and the smallest half.
  const cases = [
    [1 + 2 ** -11, 0x3c00], [1 + 3 * 2 ** -11, 0x3c02], [1 + 2 ** -11 + 2 ** -20, 0x3c01],
    [2 ** -25, 0x0000], [2 ** -25 * 1.01, 0x0001], [2 ** -14 - 2 ** -26, 0x0400],
    [65504, 0x7bff], [65519, 0x7bff], [65520, 0x7c00], [-Infinity, 0xfc00], [-0, 0x8000], [NaN, 0x7e00],
  ];
  assert.deepEqual([...halfFromSingle(cases.map(([value]) => value))], cases.map(([, half]) => half));
});
