// SPDX-License-Identifier: Apache-2.0
//
// Training as a client of the platform sees it, over both transports: pictures are uploaded, tagged
// and put into a dataset, a job is submitted and followed, and the model that it made names things
// on pictures that nobody has seen before.
import assert from 'node:assert/strict';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPromiseClient } from '@connectrpc/connect';
import { dial, grpc, sdk, TRANSPORTS } from '../conformance/clients.mjs';
import { ALREADY_EXISTS, FAILED_PRECONDITION, INVALID_ARGUMENT, NOT_FOUND, UNIMPLEMENTED }
  from '../conformance/codes.mjs';
import { connectHub } from '../conformance/hub.mjs';
import { findService } from '../hub/services.mjs';
import { eventually, Server } from '../server.mjs';
import { KINDS, makeDataset, startHub } from './hub.mjs';
import { picture } from './pictures.mjs';

after(() => setTimeout(() => process.exit(), 200).unref());

const { ModelType, TrainingStatus } = sdk;
const ENDED = ['TRAINING_STATUS_COMPLETED', 'TRAINING_STATUS_FAILED', 'TRAINING_STATUS_CANCELED'];

function clientsOf(hub) {
  const transport = grpc(hub.url);
  const make = (name) => createPromiseClient(findService(name), transport);
  return {
    public: make('viam.app.mltraining.v1.MLTrainingService'),
    training: make('bowerbird.v1.TrainingService'),
    models: make('bowerbird.v1.ModelService'),
  };
}

async function ended(hub, id, timeoutMs = 120_000) {
  const clients = clientsOf(hub);
  for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(200)) {
    const { metadata } = (await clients.public.getTrainingJob({ id })).toJson();
    if (ENDED.includes(metadata.status)) return metadata;
  }
  throw new Error(`job ${id} did not end`);
}

async function fileOf(hub, name, version, file) {
  const parts = [];
  const request = { organizationId: hub.organizationId, name, version, file };
  for await (const { data } of clientsOf(hub).models.readModelFile(request)) parts.push(data);
  return Buffer.concat(parts);
}

async function code(promise) {
  try {
    await promise;
  } catch (error) {
    return error.code;
  }
  return 0;
}

for (const transport of Object.keys(TRANSPORTS))
  describe(`training over ${transport}`, { timeout: 300_000 }, () => {
    let server, hub, dataset;
    before(async () => {
      server = await startHub();
      hub = await connectHub(server.url, transport);
      dataset = await makeDataset(hub, 'things');
    });
    after(() => server?.close());

    const submit = (name, version, tags = [], type = ModelType.SINGLE_LABEL_CLASSIFICATION) =>
      hub.training.submitTrainingJob(hub.organizationId, dataset, name, version, type, tags);

    it('a job runs from submission to a model that knows unseen pictures', async () => {
      const id = await submit('things', 'v1');
      const job = await ended(hub, id);
      assert.equal(job.status, 'TRAINING_STATUS_COMPLETED', JSON.stringify(job));
      assert.equal(job.modelName, 'things');
      assert.equal(job.datasetId, dataset);
      assert.ok(job.trainingStarted <= job.trainingEnded);

      const { model } = (
        await clientsOf(hub).models.getModel({ organizationId: hub.organizationId, name: 'things' })
      ).toJson();
      assert.deepEqual(model.labels, KINDS);
      const card = JSON.parse(model.cardJson);
      assert.equal(card.job_id, id);
      assert.ok(card.metrics.accuracy >= 0.8, model.cardJson);
      assert.match(card.base_hash, /^[0-9a-f]{64}$/);

      const folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-trained-'));
      writeFileSync(path.join(folder, 'model.tflite'), await fileOf(hub, 'things', 'v1', 'model.tflite'));
      const pictures = KINDS.flatMap((kind) => [1, 2, 3].map((i) => [kind, picture(kind, 900 + i).png]));
      const machine = await Server.start({
        config: {
          services: [
            {
              name: 'model',
              api: 'rdk:service:mlmodel',
              model: 'tflite_cpu',
              attributes: { model_path: path.join(folder, 'model.tflite') },
            },
            {
              name: 'finder',
              api: 'rdk:service:vision',
              model: 'mlmodel',
              attributes: { mlmodel_name: 'model' },
            },
          ],
        },
        args: ['--role', 'machine'],
      });
      try {
        const robot = await dial(machine.url, transport);
        const finder = new sdk.VisionClient(robot, 'finder');
        for (const [kind, png] of pictures) {
          const [best] = await eventually(() => finder.getClassifications(png, 96, 96, 'image/png', 1));
          assert.equal(best.className, kind);
        }
        await robot.disconnect();
      } finally {
        await machine.close();
        rmSync(folder, { recursive: true });
      }
    });

    it('its log, its curve and its items can be read', async () => {
      const id = await submit('traced', 'v1');
      await ended(hub, id);
      const clients = clientsOf(hub);
      const { logs } = await clients.public.getTrainingJobLogs({ id });
      assert.ok(logs.some((line) => line.message.startsWith('training begins')));
      assert.ok(logs.some((line) => line.message === 'features'));
      const { training, curve } = (await clients.training.getTraining({ id })).toJson();
      assert.match(training.snapshotId, /^[0-9a-f]{64}$/);
      assert.equal(JSON.parse(training.reportJson).type, 'single');
      assert.ok(curve.some((point) => point.phase === 'features' && Number(point.step) === 30));
      const items = [];
      const request = { organizationId: hub.organizationId, name: 'traced', version: 'v1' };
      for await (const part of clients.models.getLineage(request)) items.push(...part.items);
      assert.equal(items.length, 2 * 15);
      assert.ok(items.some((item) => item.split === 'validation'));
    });

    it('the same choices give the same bytes', async () => {
      const files = [];
      for (const version of ['a', 'b']) {
        const job = await ended(hub, await submit('same', version));
        assert.equal(job.status, 'TRAINING_STATUS_COMPLETED', JSON.stringify(job));
        files.push(await fileOf(hub, 'same', version, 'model.tflite'));
      }
      assert.ok(files[0].equals(files[1]));
    });

    it('a version is made once, and one that nobody names is the time', async () => {
      const id = await submit('twice', 'v1');
      assert.equal(await code(submit('twice', 'v1')), ALREADY_EXISTS);
      await ended(hub, id);
      assert.equal(await code(submit('twice', 'v1')), ALREADY_EXISTS);
      const job = await ended(hub, await submit('twice', ''));
      assert.match(job.modelVersion, /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d/);
    });

    it('what cannot be trained is refused at once', async () => {
      assert.equal(await code(submit('bad name!', 'v1')), INVALID_ARGUMENT);
      assert.equal(await code(submit('none', 'v1', [], ModelType.UNSPECIFIED)), INVALID_ARGUMENT);
      assert.equal(await code(submit('none', 'v1', ['cat'])), FAILED_PRECONDITION);
      assert.equal(
        await code(submit('none', 'v1', [], ModelType.OBJECT_DETECTION)),
        FAILED_PRECONDITION,
      );
      const nowhere = hub.training.submitTrainingJob(
        ...[hub.organizationId, '000000000000000000000000', 'none', 'v1'],
        ...[ModelType.SINGLE_LABEL_CLASSIFICATION, []],
      );
      assert.equal(await code(nowhere), NOT_FOUND);
      const script = hub.training.submitCustomTrainingJob(
        ...[hub.organizationId, dataset, 'org:script', '1', 'none', 'v1'],
      );
      assert.equal(await code(script), UNIMPLEMENTED);
    });

    it('four of five pictures must have a label, unless it is forced', async () => {
      const thin = await makeDataset(hub, `thin-${transport}`, { count: 8, first: 200, untagged: 8 });
      const job = {
        organizationId: hub.organizationId,
        datasetId: thin,
        modelName: 'thin',
        modelVersion: 'v1',
        modelType: ModelType.SINGLE_LABEL_CLASSIFICATION,
      };
      const clients = clientsOf(hub);
      assert.equal(await code(clients.public.submitTrainingJob(job)), FAILED_PRECONDITION);
      const { id } = await clients.training.submitTraining({ job, choices: { force: true } });
      assert.equal((await ended(hub, id)).status, 'TRAINING_STATUS_COMPLETED');
    });

    it('jobs are listed, canceled and deleted by the rules', async () => {
      const first = await submit('queue', 'v1');
      const second = await submit('queue', 'v2');
      await hub.training.cancelTrainingJob(second);
      assert.equal((await ended(hub, second)).status, 'TRAINING_STATUS_CANCELED');
      assert.equal(await code(hub.training.cancelTrainingJob(second)), FAILED_PRECONDITION);
      await ended(hub, first);
      const canceled = await hub.training.listTrainingJobs(hub.organizationId, TrainingStatus.CANCELED);
      assert.deepEqual(canceled.map((job) => job.id), [second]);
      await hub.training.deleteCompletedTrainingJob(first);
      assert.equal(await code(hub.training.getTrainingJob(first)), NOT_FOUND);
      assert.equal(await code(hub.training.deleteCompletedTrainingJob(first)), NOT_FOUND);
    });
  });

describe('training of a detector', { timeout: 300_000 }, () => {
  let server, hub;
  before(async () => {
    server = await startHub();
    hub = await connectHub(server.url, 'grpc');
  });
  after(() => server?.close());

  it('a job learns boxes, and its model says how well it finds them', async () => {
    const datasetId = await makeDataset(hub, 'boxed', { count: 8, boxes: true });
    const job = {
      organizationId: hub.organizationId,
      datasetId,
      modelName: 'boxed',
      modelVersion: 'v1',
      modelType: ModelType.OBJECT_DETECTION,
    };
    const clients = clientsOf(hub);
    const { id } = await clients.training.submitTraining({ job, choices: { steps: 12 } });
    const done = await ended(hub, id, 240_000);
    assert.equal(done.status, 'TRAINING_STATUS_COMPLETED', JSON.stringify(done));
    const { training, curve } = (await clients.training.getTraining({ id })).toJson();
    const report = JSON.parse(training.reportJson);
    assert.deepEqual([report.type, report.labels], ['detection', KINDS]);
    const page = String(await fileOf(hub, 'boxed', '', 'report.html'));
    for (const { item, picture: file } of report.mistakes) {
      assert.match(item, new RegExp(`^${hub.organizationId}/[^/]+/[0-9a-f]{40}$`));
      assert.ok(page.includes(item) && !page.includes(file), item);
    }
    assert.ok(curve.some((point) => point.phase === 'train' && point.loss > 0), 'no loss in its curve');
    const { model } = (
      await clients.models.getModel({ organizationId: hub.organizationId, name: 'boxed' })
    ).toJson();
    assert.equal(typeof JSON.parse(model.cardJson).metrics.voc_ap50, 'number', model.cardJson);
  });
});

describe('training beside trouble', { timeout: 300_000 }, () => {
  let server, hub, dataset;
  before(async () => {
    server = await startHub();
    hub = await connectHub(server.url, 'grpc');
    dataset = await makeDataset(hub, 'things', { count: 40 });
  });
  after(() => server?.close());

  const submit = (version) =>
    hub.training.submitTrainingJob(
      ...[hub.organizationId, dataset, 'things', version, ModelType.SINGLE_LABEL_CLASSIFICATION, []],
    );
  const running = async (id) => {
    for (let i = 0; i < 500; ++i, await sleep(20)) {
      const { metadata } = (await clientsOf(hub).public.getTrainingJob({ id })).toJson();
      if (metadata.status === 'TRAINING_STATUS_IN_PROGRESS') return;
    }
    throw new Error('it never ran');
  };
  // Snapshots lie there, too.
  const isPicture = (file) => readFileSync(file).subarray(1, 4).toString() === 'PNG';
  const childrenOf = (pid) =>
    readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
    );

  it('a server that was killed while a job ran runs it again', async () => {
    const id = await submit('killed');
    await running(id);
    await server.stop('SIGKILL');
    await server.launch();
    const job = await ended(hub, id);
    assert.equal(job.status, 'TRAINING_STATUS_COMPLETED', JSON.stringify(job));
    const { training } = await clientsOf(hub).training.getTraining({ id });
    assert.equal(training.starts, 2);
  });

  it('a server that was stopped in order runs it again, and counts nothing', async () => {
    const id = await submit('stopped');
    await running(id);
    await server.stop('SIGTERM');
    await server.launch();
    assert.equal((await ended(hub, id)).status, 'TRAINING_STATUS_COMPLETED');
    const { training } = await clientsOf(hub).training.getTraining({ id });
    assert.equal(training.starts, 1);
  });

  it('a trainer that is killed fails its job, says so, and the next one runs', async () => {
    const id = await submit('shot');
    await running(id);
    let children = [];
    for (let i = 0; i < 200 && children.length === 0; ++i, await sleep(5))
      children = childrenOf(server.pid);
    assert.equal(children.length, 1, 'the trainer is no child of the server');
    process.kill(Number(children[0]), 'SIGKILL');
    const job = await ended(hub, id);
    assert.equal(job.status, 'TRAINING_STATUS_FAILED');
    assert.match(job.errorStatus.message, /killed|signal/i);
    assert.equal((await ended(hub, await submit('next'))).status, 'TRAINING_STATUS_COMPLETED');
  });

  it('a picture whose file is gone is left out and told', async () => {
    const blobs = path.join(server.folder, 'data/hub/blobs');
    const sha256 = readdirSync(blobs)
      .filter((name) => /^[0-9a-f]{2}$/.test(name))
      .flatMap((name) => readdirSync(path.join(blobs, name)))
      .find((name) => /^[0-9a-f]{64}$/.test(name) && isPicture(path.join(blobs, name.slice(0, 2), name)));
    const file = path.join(blobs, sha256.slice(0, 2), sha256);
    const kept = readFileSync(file);
    rmSync(file);
    try {
      const id = await submit('gap');
      const job = await ended(hub, id);
      assert.equal(job.status, 'TRAINING_STATUS_COMPLETED', JSON.stringify(job));
      const got = await clientsOf(hub).training.getTraining({ id });
      assert.match(got.training.reportJson, new RegExp(sha256));
    } finally {
      writeFileSync(file, kept);
    }
  });

  it('without a base model a job is refused with the way to one', async () => {
    const base = path.join(server.folder, 'data/bases/default.tflite');
    const kept = readFileSync(base);
    rmSync(base);
    try {
      await assert.rejects(submit('baseless'), (error) => {
        assert.equal(error.code, FAILED_PRECONDITION);
        assert.match(error.message, /bowerbird train base add/);
        return true;
      });
    } finally {
      writeFileSync(base, kept);
    }
  });
});
