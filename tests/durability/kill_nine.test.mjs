// SPDX-License-Identifier: Apache-2.0
//
// A machine that captures, a hub that keeps, and a client that uploads; machine and hub are killed
// with SIGKILL at random moments. Afterwards everything that was acknowledged is there, once, with
// its hash. BOWERBIRD_KILLS: how often (default 100); BOWERBIRD_SEED: of the random moments.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, program, Server } from '../server.mjs';
import { connectHub } from '../conformance/hub.mjs';
import { capturedFiles, payloadHash, sha256 } from './captured.mjs';

const kills = Number(process.env.BOWERBIRD_KILLS ?? 100);
const seed = Number(process.env.BOWERBIRD_SEED ?? 1);

// mulberry32: the same moments for the same seed.
function random(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const camera = {
  name: 'scene',
  api: 'rdk:component:camera',
  model: 'fake',
  attributes: { width: 320, height: 240, animated: true },
  service_configs: [
    {
      type: 'data_manager',
      attributes: {
        capture_methods: [
          {
            method: 'ReadImage',
            capture_frequency_hz: 5,
            additional_params: { mime_type: 'image/jpeg' },
          },
        ],
      },
    },
  ],
};

function machineConfig(captureFolder) {
  return {
    components: [camera],
    services: [
      {
        name: 'data',
        api: 'rdk:service:data_manager',
        model: 'rdk:builtin:builtin',
        attributes: { capture_dir: captureFolder, sync_interval_mins: 0.005 },
      },
    ],
  };
}

// Uploads picture after picture of its own, each until it is acknowledged: over the same connection
// or a new one, as often as it takes.
class Uploader {
  constructor(hub, next) {
    Object.assign(this, { hub, next, acknowledged: new Map(), retries: 0, stopped: false });
  }

  async run() {
    for (let number = 0; !this.stopped; number += 1) {
      const size = 1 + Math.floor(this.next() * 200_000);
      const bytes = new Uint8Array(size).map((_, i) => (i * 31 + number * 7 + (i >> 8)) & 255);
      await this.upload(number, bytes);
    }
  }

  async upload(number, bytes) {
    const time = new Date(1_700_000_000_000 + number * 1000);
    for (;;) {
      try {
        const id = await this.hub.data.binaryDataCaptureUpload(
          bytes, this.hub.partId, 'rdk:component:camera', 'uploader', 'ReadImage', '.bin', [time, time]);
        const known = this.acknowledged.get(id);
        assert.equal(known, undefined, `${id} was given to two uploads`);
        this.acknowledged.set(id, sha256(bytes));
        return;
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        this.retries += 1;
        await sleep(20);
      }
    }
  }
}

async function everything(data, filter) {
  const items = [];
  for (let last = ''; ; ) {
    const page = await data.binaryDataByFilter(filter, 100, undefined, last, false);
    items.push(...page.data);
    if (page.data.length === 0 || page.last === '') return items;
    last = page.last;
  }
}

async function bytesOf(data, id) {
  const [item] = await data.binaryDataByIds([id]);
  return item.binary;
}

describe(`${kills} times SIGKILL`, () => {
  const next = random(seed);
  const seen = new Set(); // hashes of pictures that were in a closed capture file at some moment
  let hub, machine, uploader, captureFolder, client;

  before(async () => {
    hub = await Server.start({ config: {}, args: ['--role', 'hub'] });
    client = await connectHub(hub.url, 'grpc');
    machine = await Server.start({
      config: {},
      args: ['--role', 'machine', '--hub', hub.url],
    });
    captureFolder = path.join(machine.folder, 'capture');
    machine.configure(machineConfig(captureFolder));
    uploader = new Uploader(client, next);
  });

  after(async () => {
    await machine?.close();
    await hub?.close();
    setTimeout(() => process.exit(), 200).unref();
  });

  const note = () => {
    for (const file of capturedFiles(captureFolder)) {
      try {
        seen.add(payloadHash(file));
      } catch (error) {
        if (error.code !== 'ENOENT') throw error; // synced while we looked
      }
    }
  };

  it('loses nothing that was acknowledged, and keeps nothing twice', async () => {
    const uploading = uploader.run();
    for (let kill = 0; kill < kills; kill += 1) {
      await sleep(100 + next() * 900);
      const victims = [[hub], [machine], [hub, machine]][Math.floor(next() * 3)];
      for (const victim of victims) await victim.stop('SIGKILL');
      note();
      await Promise.all(victims.map((victim) => victim.launch()));
    }
    uploader.stopped = true;
    await uploading;

    // The machine stops capturing and sends what it has.
    machine.configure({ ...machineConfig(captureFolder), components: [] });
    note();
    await eventually(() => capturedFiles(captureFolder).length === 0, 60_000);

    const captured = await everything(client.data, { componentName: 'scene' });
    const uploaded = await everything(client.data, { componentName: 'uploader' });

    const ids = [...captured, ...uploaded].map((item) => item.metadata.binaryDataId);
    assert.equal(new Set(ids).size, ids.length, 'an id is listed twice');
    const times = captured.map((item) => item.metadata.timeRequested.toJsonString());
    assert.equal(new Set(times).size, times.length, 'a moment was captured twice');

    const hashes = new Set();
    for (const item of captured)
      hashes.add(sha256(await bytesOf(client.data, item.metadata.binaryDataId)));
    for (const hash of seen) assert.ok(hashes.has(hash), `a captured picture is lost: ${hash}`);

    for (const [id, hash] of uploader.acknowledged)
      assert.equal(sha256(await bytesOf(client.data, id)), hash, `${id} is another`);
    assert.ok(uploaded.length - uploader.acknowledged.size <= 0, 'an upload is there twice');

    console.log(
      `# ${kills} kills, seed ${seed}: ${captured.length} captured (${seen.size} seen on disk), ` +
        `${uploader.acknowledged.size} uploads acknowledged after ${uploader.retries} retries; ` +
        `none lost, none twice`);
  });

  it('leaves a store in which every file has its hash', () => {
    const { status, stdout, stderr } = spawnSync(program, ['data', 'verify', '--host', hub.url], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout + stderr);
  });
});
