// SPDX-License-Identifier: Apache-2.0
//
// Half floats (IEEE 754 binary16, as 16-bit words) to singles, which is exact, and back, to the
// nearest, ties to even. The wire has no half floats, and Node.js has no array of them yet.

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

function toHalf(value) {
  single[0] = value;
  const sign = (bits[0] >>> 16) & 0x8000;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return sign | 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00; // rounds to more than the largest, 65504
  // Halves below 2^-14 are multiples of 2^-24; above, there are 1024 steps in each power of two.
  const exponent = Math.max(((bits[0] >>> 23) & 0xff) - 127, -14);
  const steps = magnitude / 2 ** (exponent - 10);
  let whole = Math.floor(steps);
  const rest = steps - whole;
  if (rest > 0.5 || (rest === 0.5 && whole % 2 === 1)) whole += 1;
  // Adding carries into the exponent where rounding reaches the next power of two.
  return sign | (((exponent + 14) << 10) + whole);
}

function toSingle(half) {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

export const halfFromSingle = (values) => Uint16Array.from(values, toHalf);

/** Newer versions of onnxruntime-node give an array that knows halves: its elements are numbers already. */
export const singleFromHalf = (words) => (words instanceof Uint16Array ? Float32Array.from(words, toSingle) : Float32Array.from(words));
