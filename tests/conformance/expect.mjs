// SPDX-License-Identifier: Apache-2.0
//
// Assertions that run in Node.js and in a browser alike. A failure says what was got.

export class Failure extends Error {}

// The same text for the same value: maps of the wire come in any order.
const whole = (value) =>
  JSON.stringify(value, (_key, one) => {
    if (typeof one === 'bigint') return `${one}n`;
    if (one === null || typeof one !== 'object' || Array.isArray(one)) return one;
    return Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)));
  }) ?? String(value);
const show = (value) => whole(value).slice(0, 500);

export function ok(condition, message) {
  if (!condition) throw new Failure(message);
}

export function equal(got, wanted, what = 'value') {
  if (whole(got) !== whole(wanted))
    throw new Failure(`${what}: got ${show(got)}, not ${show(wanted)}`);
}

export function near(got, wanted, tolerance, what = 'value') {
  if (!(Math.abs(got - wanted) <= tolerance))
    throw new Failure(`${what}: got ${got}, not ${wanted} within ${tolerance}`);
}

/** The call fails with one of these codes, with a text that fits. Gives the error. */
export async function rejects(call, codes, text = /./) {
  const allowed = Array.isArray(codes) ? codes : [codes];
  let value;
  try {
    value = await call();
  } catch (error) {
    if (!allowed.includes(error.code))
      throw new Failure(`failed with code ${error.code} (${error.message}), not ${allowed}`);
    if (!text.test(error.message)) throw new Failure(`"${error.message}" does not match ${text}`);
    return error;
  }
  throw new Failure(`succeeded with ${show(value)}, expected code ${allowed}`);
}
