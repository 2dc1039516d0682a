// SPDX-License-Identifier: Apache-2.0
//
// mongo_capture_config: readings go to a MongoDB server beside their files, and nothing waits for
// it.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../server.mjs';
import { MongoServer } from './mongo_server.mjs';
import { capturing, lineSensor, Pair } from './pair.mjs';

const library = path.join(
  path.dirname(process.env.BOWERBIRD_PROGRAM ?? ''), 'libbowerbird_mongo.so');
const skip = existsSync(library) ? false : 'built without libmongoc-dev';

describe('readings in MongoDB', { skip }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-mongo-'));
  const line = path.join(folder, 'line');
  let mongo, pair;

  before(async () => {
    writeFileSync(line, `${JSON.stringify({
      celsius: 21.5, count: 3, large: 5_000_000_000, on: true, name: 'ä', none: null,
      list: [1, { '$oid': 'no id' }], 'a.b': 1,
    })}\n`);
    mongo = await MongoServer.start();
    pair = await Pair.start({
      components: [{
        ...lineSensor('climate', line),
        service_configs: capturing({ method: 'Readings', capture_frequency_hz: 20 }),
      }],
      manager: {
        mongo_capture_config: { uri: `mongodb://127.0.0.1:${mongo.port}`, collection: 'here' },
      },
    });
  });
  after(async () => {
    await pair?.close();
    await mongo?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const status = async () => (await pair.status()).mongo;
  const documents = () => mongo.collections.get('sensorData.here') ?? [];

  it('each is a document with its source, its times and its values', async () => {
    await eventually(() => documents().length > 5);
    const [first] = documents();
    const { _id: id, time_requested: requested, time_received: received, ...rest } = first;
    assert.match(id, /^[0-9a-f]{24}$/);
    assert.ok(requested instanceof Date && received >= requested);
    assert.ok(Math.abs(Date.now() - requested) < 60_000);
    const { age_seconds: age, ...readings } = rest.data.readings;
    assert.ok(age >= 0);
    assert.deepEqual({ ...rest, data: { readings } }, {
      component_name: 'climate', component_type: 'rdk:component:sensor', method_name: 'Readings',
      data: { readings: {
        celsius: 21.5, count: 3, large: 5_000_000_000n, on: true, name: 'ä', none: null,
        list: [1, { '$oid': 'no id' }], 'a.b': 1,
      } },
    });
  });

  it('the hub gets them all the same', async () => {
    const found = await pair.client.data.tabularDataByFilter({ componentName: 'climate' });
    assert.ok(found.data.length > 0);
  });

  it('a server that goes away is told, delays nothing, and is used again when it is back',
    async () => {
      const { port } = mongo;
      await mongo.close();
      await eventually(async () => (await status()).readings_failed > 0);
      assert.match((await status()).last_error, /MongoDB/);
      const before = (await pair.collector('climate', 'Readings')).records_written;
      await eventually(async () =>
        (await pair.collector('climate', 'Readings')).records_written > before + 20);
      const { readings_written: written } = await status();
      mongo = await MongoServer.start(port);
      await eventually(async () => (await status()).readings_written > written);
      assert.ok(documents().length > 0);
    });
});
