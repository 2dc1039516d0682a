// SPDX-License-Identifier: Apache-2.0
//
// The machine that the cases are about: resources whose answers can be predicted, one that is broken
// on purpose, and the demo's detector.
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually, media, root } from '../server.mjs';

/** The base detector; fetched out of deps/ if it is not there yet. */
export function detectorFiles() {
  if (media('models/detector.tflite') === null) {
    const done = spawnSync(path.join(root, 'script/media'), ['model'], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(done.stderr);
  }
  return { model: media('models/detector.tflite'), labels: media('models/labels.txt') };
}

/** A named pipe that nobody writes to: a video that never begins. */
function silence() {
  const pipe = path.join(mkdtempSync(path.join(tmpdir(), 'bowerbird-pipe-')), 'video');
  const done = spawnSync('mkfifo', [pipe]);
  if (done.status !== 0) throw new Error(`mkfifo: ${done.stderr}`);
  return pipe;
}

export function machineConfig() {
  const { model, labels } = detectorFiles();
  return {
    components: [
      {
        name: 'cam',
        api: 'rdk:component:camera',
        model: 'fake',
        attributes: { width: 320, height: 240 },
      },
      // The older spelling of the same thing.
      {
        name: 'moving',
        namespace: 'rdk',
        type: 'camera',
        model: 'rdk:builtin:fake',
        attributes: { width: 64, height: 48, animated: true },
      },
      {
        name: 'half',
        api: 'rdk:component:camera',
        model: 'transform',
        attributes: {
          source: 'cam',
          pipeline: [{ type: 'resize', attributes: { width_px: 160, height_px: 120 } }],
        },
      },
      {
        name: 'silent',
        api: 'rdk:component:camera',
        model: 'ffmpeg',
        attributes: { video_path: silence() },
      },
      { name: 'climate', api: 'rdk:component:sensor', model: 'fake' },
      { name: 'gadget', api: 'rdk:component:generic', model: 'fake' },
      {
        name: 'broken',
        api: 'rdk:component:camera',
        model: 'fake',
        attributes: { width: 'wide' },
      },
    ],
    services: [
      { name: 'helper', api: 'rdk:service:generic', model: 'fake' },
      {
        name: 'detector',
        api: 'rdk:service:mlmodel',
        model: 'viam:mlmodel-tflite:tflite_cpu',
        attributes: { model_path: model, label_path: labels, num_threads: 1 },
      },
      {
        name: 'finder',
        api: 'rdk:service:vision',
        model: 'mlmodel',
        attributes: {
          mlmodel_name: 'detector',
          camera_name: 'cam',
          default_minimum_confidence: 0.01,
        },
      },
      {
        name: 'yellow',
        api: 'rdk:service:vision',
        model: 'color_detector',
        attributes: {
          detect_color: '#FFFF00',
          hue_tolerance_pct: 0.2,
          segment_size_px: 100,
          camera_name: 'cam',
        },
      },
      { name: 'pretender', api: 'rdk:service:vision', model: 'fake' },
    ],
  };
}

/** Waits until everything but what is broken on purpose is ready. */
export async function allReady(robot) {
  await eventually(async () => {
    const { resources } = await robot.getMachineStatus();
    const waiting = resources.filter((one) => one.name.name !== 'broken' && one.state !== 3);
    if (resources.length === 0 || waiting.length > 0)
      throw new Error(
        `not ready: ${waiting.map((one) => `${one.name.name} (state ${one.state}) ${one.error}`)}`,
      );
    return true;
  }, 60_000);
}
