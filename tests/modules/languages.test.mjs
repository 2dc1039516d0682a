// SPDX-License-Identifier: Apache-2.0
//
// Modules in C++ and Node.js, beside those in Python: the same door for all.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { dial, sdk } from '../conformance/clients.mjs';
import { eventually, program, Server } from '../server.mjs';
import { named, rawCall } from './raw.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const echo = process.env.BOWERBIRD_ECHO_MODULE ?? path.join(path.dirname(program), 'echo_module');
const ECHO = 'acme.component.echo.v1.EchoService';

after(() => setTimeout(() => process.exit(), 200).unref());

describe('modules', () => {
  let server, robot;

  before(async () => {
    const modules = [{ name: 'node', type: 'local', executable_path: path.join(here, 'tally.mjs') }];
    if (existsSync(echo)) modules.push({ name: 'cpp', type: 'local', executable_path: echo });
    server = await Server.start({ config: {
      modules,
      components: [
        { name: 'tally', api: 'rdk:component:sensor', model: 'test:node:tally' },
        { name: 'e', api: 'acme:component:echo', model: 'test:cpp:echo' },
      ],
    } });
    robot = await dial(server.url, 'grpc');
  });
  after(() => server?.close());
  const there = (name) => eventually(async () => (await robot.resourceNames()).some((known) => known.name === name), 30_000);

  it('in Node.js are resources like others, and are back after a kill', async () => {
    await there('tally');
    const sensor = new sdk.SensorClient(robot, 'tally');
    assert.equal((await sensor.getReadings()).times, 1);
    const { times, pid } = await sensor.getReadings();
    assert.equal(times, 2);
    process.kill(pid, 'SIGKILL');
    await eventually(async () => (await sensor.getReadings()).pid !== pid, 30_000);
  });

  it('in C++ get every byte, and give it back', { skip: existsSync(echo) ? false : 'echo_module is not built' }, async () => {
    await there('e');
    for (const size of [0, 1, 1 << 10, 1 << 20, 20 << 20]) {
      const filler = Buffer.alloc(size, 'bowerbird');
      const length = [];
      for (let left = size; left > 0 || length.length === 0; left >>= 7) length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
      const request = Buffer.concat([named('e'), Buffer.from([0x12, ...length]), filler]);
      const call = await rawCall(server.url, `${ECHO}/Echo`, request);
      assert.equal(call.status, 0, `${size}: ${call.message}`);
      assert.ok(call.messages[0].equals(request), `${size} bytes`);
    }
    assert.equal((await rawCall(server.url, `${ECHO}/Echo`, named('nobody'))).status, 5, 'NOT_FOUND');
  });
});
