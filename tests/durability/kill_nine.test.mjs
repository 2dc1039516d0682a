// SPDX-License-Identifier: Apache-2.0
//
// A machine that captures, a hub that keeps, and a client that uploads; machine and hub are killed
// with SIGKILL at random moments: while all is well, while hundreds of files pile up because the hub
// is away, and while these are being sent. Afterwards every picture and reading that was completely
// on the machine's disk at any moment, and every upload that was acknowledged, is at the hub, once,
// with its content. BOWERBIRD_KILLS: how often (default 100); BOWERBIRD_SEED: of the moments.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { camera, capturing, demo, model, street, vision } from '../capture/pair.mjs';
import { connectHub } from '../conformance/hub.mjs';
import { eventually, program, Server } from '../server.mjs';
import { capturedFiles, keyOf, plainText, recordsOf, sha256 } from './captured.mjs';
import { Uploader } from './uploader.mjs';

const kills = Number(process.env.BOWERBIRD_KILLS ?? 100);
const seed = Number(process.env.BOWERBIRD_SEED ?? 1);
const PILE = 300; // files on disk before a machine without a hub is killed
const OUTAGE_EVERY = 18; // kills

// mulberry32: the same moments for the same seed.
function random(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// Each line is another reading, a hundred a second.
const counter = 'i=0; while :; do i=$((i+1)); echo "{\\"n\\": $i}"; sleep 0.01; done';

const sources = {
  components: [
    camera('scene', 'fake', { width: 320, height: 240, animated: true }, {
      method: 'ReadImage',
      capture_frequency_hz: 50,
      additional_params: { mime_type: 'image/jpeg' },
    }),
    {
      name: 'count', api: 'rdk:component:sensor', model: 'exec',
      attributes: { argv: ['sh', '-c', counter] },
      service_configs: capturing({ method: 'Readings', capture_frequency_hz: 100 }),
    },
    ...(demo === null ? [] : [street()]),
  ],
  services: demo === null ? [] : [
    model('detector', demo.model, demo.labels),
    vision('finder', { mlmodel_name: 'detector', camera_name: 'street' }, {
      method: 'CaptureAllFromCamera',
      capture_frequency_hz: 5,
      additional_params: { camera_name: 'street', min_confidence_score: 0.4 },
    }),
  ],
};

function machineConfig(captureFolder, { components, services }) {
  const manager = {
    name: 'data', api: 'rdk:service:data_manager', model: 'rdk:builtin:builtin',
    attributes: { capture_dir: captureFolder, sync_interval_mins: 0.005 },
  };
  return { components, services: [...services, manager] };
}

// What was seen on the machine's disk.
class Seen {
  constructor(folder) {
    Object.assign(this, { folder, records: new Map(), pile: 0, open: 0 });
  }

  /** `still`: nobody writes there now, so what is whole in an open file counts too. */
  note(still) {
    const files = capturedFiles(this.folder);
    this.pile = Math.max(this.pile, files.length);
    const open = still ? capturedFiles(this.folder, '.prog') : [];
    this.open += open.length;
    for (const file of [...files, ...open]) {
      try {
        for (const record of recordsOf(file)) this.records.set(record.key, record);
      } catch (error) {
        if (still || error.code !== 'ENOENT') throw error; // sent while we looked
      }
    }
  }
}

// Pages of a list until it ends.
async function everything(page) {
  const items = [];
  for (let last = ''; ; ) {
    const next = await page(last);
    items.push(...next.data);
    if (next.data.length === 0 || next.last === '') return items;
    last = next.last;
  }
}

const pictures = (data, filter) =>
  everything((last) => data.binaryDataByFilter(filter, 100, undefined, last, false));
// As it is on the wire: the SDK's dates have no nanoseconds.
const readings = (data, filter) =>
  everything((last) =>
    data.dataClient.tabularDataByFilter({ dataRequest: { filter, limit: 1000n, last } }));

async function hashOf(data, id) {
  const [item] = await data.binaryDataByIds([id]);
  return sha256(item.binary);
}

// Every record at the hub, as recordsOf gives those of a file.
async function recordsAtHub(data) {
  const records = [];
  for (const component of ['scene', 'finder'])
    for (const { metadata } of await pictures(data, { componentName: component })) {
      const { seconds, nanos } = metadata.timeRequested;
      records.push({
        key: keyOf(component, metadata.captureMetadata.methodName, seconds, nanos),
        content: await hashOf(data, metadata.binaryDataId),
        boxes: metadata.annotations?.bboxes.length ?? 0,
      });
    }
  for (const { data: reading, timeRequested: time } of await readings(data, { componentName: 'count' }))
    records.push({
      key: keyOf('count', 'Readings', time.seconds, time.nanos),
      content: plainText(reading.toJson()),
      boxes: 0,
    });
  return records;
}

describe(`${kills} times SIGKILL`, () => {
  const next = random(seed);
  const toll = { hub: 0, machine: 0, outages: 0 };
  const left = []; // files that were still to be sent when somebody was killed while sending
  let hub, machine, uploader, captureFolder, client, seen;

  before(async () => {
    hub = await Server.start({ config: {}, args: ['--role', 'hub'] });
    client = await connectHub(hub.url, 'grpc');
    machine = await Server.start({ config: {}, args: ['--role', 'machine', '--hub', hub.url] });
    captureFolder = path.join(machine.folder, 'capture');
    machine.configure(machineConfig(captureFolder, sources));
    seen = new Seen(captureFolder);
    uploader = new Uploader(client, next);
  });

  after(async () => {
    await machine?.close();
    await hub?.close();
    setTimeout(() => process.exit(), 200).unref();
  });

  async function kill(...victims) {
    for (const victim of victims) {
      await victim.stop('SIGKILL');
      toll[victim === hub ? 'hub' : 'machine'] += 1;
    }
    seen.note(victims.includes(machine));
  }
  const killed = () => toll.hub + toll.machine;
  const filesOnDisk = () => capturedFiles(captureFolder).length;

  async function killAnyone() {
    await sleep(100 + next() * 600);
    const victims = [[hub], [machine], [hub, machine]][Math.floor(next() * 3)];
    await kill(...victims);
    await Promise.all(victims.map((victim) => victim.launch()));
  }

  // Kills the victim once some of the files that lie there are sent (others may come as fast), and
  // tells how many are left.
  async function killWhileSending(victim) {
    const before = capturedFiles(captureFolder);
    await machine.launch(false);
    await eventually(() => {
      const there = new Set(capturedFiles(captureFolder));
      return before.filter((file) => !there.has(file)).length >= Math.min(5, before.length);
    }, 30_000, 5);
    await sleep(next() * 60);
    await kill(victim);
    left.push(filesOnDisk());
  }

  async function outage() {
    toll.outages += 1;
    await kill(hub);
    await eventually(() => filesOnDisk() >= PILE / 2, 30_000);
    await kill(machine); // in the middle of writing
    await machine.launch();
    await eventually(() => filesOnDisk() >= PILE, 30_000);
    await sleep(next() * 300);
    await kill(machine);
    await hub.launch();
    await killWhileSending(machine);
    await killWhileSending(hub);
    await hub.launch();
    await machine.answers();
  }

  it('loses nothing that was written or acknowledged, and keeps nothing twice', async () => {
    const uploading = uploader.run();
    for (let outages = 0; killed() < kills; ) {
      if (killed() < outages * OUTAGE_EVERY) {
        await killAnyone();
      } else {
        outages += 1;
        await outage();
      }
    }
    uploader.stopped = true;
    await uploading;

    // The machine stops capturing and sends what it has.
    machine.configure(machineConfig(captureFolder, { components: [], services: [] }));
    seen.note(false);
    await eventually(() => filesOnDisk() === 0, 60_000);
    assert.deepEqual(capturedFiles(captureFolder, '.prog'), [], 'files were left open');

    const kept = await recordsAtHub(client.data);
    const byKey = new Map(kept.map((record) => [record.key, record]));
    assert.equal(byKey.size, kept.length, 'a moment is there twice');
    for (const [key, record] of seen.records) assert.deepEqual(byKey.get(key), record, key);
    if (demo !== null)
      assert.ok(kept.some((record) => record.boxes > 0), 'no picture has a box');

    const uploaded = await pictures(client.data, { componentName: 'uploader' });
    assert.equal(new Set(uploaded.map((item) => item.metadata.binaryDataId)).size, uploaded.length);
    assert.equal(uploaded.length, uploader.acknowledged.size, 'an upload is there twice, or lost');
    for (const [id, hash] of uploader.acknowledged)
      assert.equal(await hashOf(client.data, id), hash, `${id} is another`);

    console.log(
      `# seed ${seed}: hub killed ${toll.hub} times, machine ${toll.machine}; ${toll.outages} times ` +
        `without a hub until ${seen.pile} files lay on disk; ${seen.open} open files when it died; ` +
        `killed while sending with ${left} files left\n` +
        `# at the hub ${kept.length} records (${seen.records.size} of them seen on disk), ` +
        `${kept.filter((record) => record.boxes > 0).length} pictures with boxes, ` +
        `${uploaded.length} uploads acknowledged after ${uploader.retries} retries; ` +
        'none lost, none twice, all as they were');
  });

  it('leaves a store in which every file has its hash', () => {
    const { status, stdout, stderr } = spawnSync(program, ['data', 'verify', '--host', hub.url], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout + stderr);
  });
});
