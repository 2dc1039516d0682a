// SPDX-License-Identifier: Apache-2.0
//
// What belongs to one organization, to everybody else: every call of the hub is made with its ids
// by the owner of another organization, by the owner of a location beside, and by its own operator,
// who may see and not change; and at last by its owner, to show that the requests are good ones.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { NOT_FOUND, PERMISSION_DENIED, UNIMPLEMENTED } from '../conformance/codes.mjs';
import { CALLS } from './calls.mjs';
import { makeWorld, services, startHub } from './world.mjs';

after(() => setTimeout(() => process.exit(), 200).unref());

const HIDDEN = [NOT_FOUND, PERMISSION_DENIED];

const entries = Object.entries(CALLS).flatMap(([service, methods]) =>
  Object.entries(methods).flatMap(([method, calls]) =>
    [calls].flat().map((call) => ({ service: services[service], method, ...call })),
  ),
);
const served = entries.filter((one) => !one.refused);

// Maps of the wire come in any order.
const sorted = (value) =>
  JSON.stringify(value, (_key, one) =>
    one === null || typeof one !== 'object' || Array.isArray(one)
      ? one
      : Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1))),
  );

describe('every call with the ids of another organization', () => {
  let server, w;
  before(async () => {
    server = await startHub();
    w = await makeWorld(server);
  });
  after(() => server?.close());

  const nameOf = (one) => `${one.service.typeName}.${one.method} ${JSON.stringify(one.request(w))}`;

  async function outcome(who, one) {
    try {
      return { text: sorted(await who(one.service, one.method, one.request(w))) };
    } catch (error) {
      return { code: error.code, text: error.message };
    }
  }
  /** What its owner sees of the organization. */
  async function state() {
    const reading = served.filter((one) => !one.write && !one.upload && !one.forNobody);
    const answers = [];
    for (const one of reading) {
      // Links and times of access differ with each call.
      if (/SignedURL|Robot|ListLocations/.test(one.method)) continue;
      answers.push([nameOf(one), (await outcome(w.owner, one)).text]);
    }
    return answers;
  }
  async function isStill(untouched) {
    for (const [index, [name, text]] of (await state()).entries())
      assert.equal(text, untouched[index][1], name);
  }
  function tellsNothing(one, got, secrets) {
    const asked = JSON.stringify(one.request(w));
    for (const [what, secret] of Object.entries(secrets))
      assert.ok(
        // What the caller said itself may be in the answer.
        asked.includes(secret) || !got.text.includes(secret),
        `${nameOf(one)} tells ${what}: ${got.text.slice(0, 500)}`,
      );
  }
  const secretsOf = () => {
    const { file, dataset, snapshot, tag, box, part, robot, location, change, spareKey, job } = w;
    const kept = { file, dataset, snapshot, tag, box, part, robot, location, change, spareKey, job };
    return { ...kept, label: 'label-of-a', reading: '271.828', name: w.datasetName };
  };

  it('is in the table', () => {
    for (const [name, service] of Object.entries(services)) {
      const methods = Object.values(service.methods).map((one) => one.name);
      assert.deepEqual(Object.keys(CALLS[name] ?? {}).sort(), methods.sort(), name);
    }
  });

  it('is not served, for whomever, where it says so', async () => {
    for (const one of entries.filter((entry) => entry.refused)) {
      const got = await outcome(w.owner, one);
      assert.equal(got.code, UNIMPLEMENTED, `${nameOf(one)}: ${got.text}`);
    }
  });

  it('tells nothing to and changes nothing for the owner of another', { timeout: 120_000 }, async () => {
    const untouched = await state();
    const secrets = { ...secretsOf(), organization: w.organization };
    for (const one of served) {
      const got = await outcome(w.stranger, one);
      assert.ok(got.code === undefined || HIDDEN.includes(got.code), `${nameOf(one)}: ${got.text}`);
      // Only a request that names nothing of the organization can be good.
      const asked = JSON.stringify(one.request(w));
      if (asked.includes(w.organization))
        assert.ok(HIDDEN.includes(got.code), `${nameOf(one)} succeeded: ${got.text}`);
      tellsNothing(one, got, secrets);
    }
    await isStill(untouched);
  });

  it('tells and changes no more for the owner of a location beside', { timeout: 120_000 }, async () => {
    const untouched = await state();
    for (const one of served) {
      const got = await outcome(w.neighbour, one);
      assert.ok(got.code === undefined || HIDDEN.includes(got.code), `${nameOf(one)}: ${got.text}`);
      tellsNothing(one, got, secretsOf());
      if (one.write || one.upload)
        assert.ok(HIDDEN.includes(got.code), `${nameOf(one)} succeeded: ${got.text}`);
    }
    await isStill(untouched);
  });

  it('shows everything to its operator and changes nothing for her', { timeout: 120_000 }, async () => {
    const untouched = await state();
    for (const one of served.filter((entry) => !entry.upload)) {
      const got = await outcome(w.operator, one);
      const wanted = one.write || one.forNobody ? PERMISSION_DENIED : one.seen;
      assert.equal(got.code, wanted, `${nameOf(one)}: ${got.text}`);
    }
    await isStill(untouched);
  });

  it('is a good one, made by its owner', { timeout: 120_000 }, async () => {
    const owners = served.filter((entry) => !entry.forNobody);
    for (const one of [...owners.filter((e) => !e.ends), ...owners.filter((e) => e.ends)]) {
      const got = await outcome(one.admin ? w.admin : w.owner, one);
      assert.equal(got.code, one.owner ?? one.seen, `${nameOf(one)}: ${got.text}`);
    }
  });
});
