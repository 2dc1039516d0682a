// SPDX-License-Identifier: Apache-2.0
//
// A hub that has a base model, and datasets of pictures of two things.
import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { detectorFiles } from '../conformance/machine.mjs';
import { Server } from '../server.mjs';
import { picture } from './pictures.mjs';

export const KINDS = ['disc', 'square'];

export async function startHub(args = [], env = {}) {
  const hub = await Server.start({ config: {}, args: ['--role', 'hub', ...args], env });
  mkdirSync(path.join(hub.folder, 'data/bases'), { recursive: true });
  copyFileSync(detectorFiles().model, path.join(hub.folder, 'data/bases/default.tflite'));
  return hub;
}

/** `count` pictures of each kind, tagged, in a new dataset; some more without a tag. */
export async function makeDataset(hub, name, { count = 15, first = 0, untagged = 0, boxes = false } = {}) {
  const ids = [];
  const upload = (png, seconds, tags) => {
    const time = new Date(Date.UTC(2026, 2, 1, 0, 0, seconds));
    return hub.data.binaryDataCaptureUpload(
      ...[png, hub.partId, 'rdk:component:camera', name, 'ReadImage', '.png'],
      ...[[time, time], tags],
    );
  };
  for (const [k, kind] of KINDS.entries())
    for (let i = 0; i < count; ++i) {
      const one = picture(kind, first + i);
      const id = await upload(one.png, 2 * i + k, boxes ? [] : [kind]);
      if (boxes) {
        const { xMin, yMin, xMax, yMax } = one.box;
        await hub.data.addBoundingBoxToImageById(id, kind, xMin, yMin, xMax, yMax);
      }
      ids.push(id);
    }
  for (let i = 0; i < untagged; ++i) {
    const one = picture('disc', first + 5000 + i);
    ids.push(await upload(one.png, 3000 + i, []));
  }
  const id = await hub.data.createDataset(name, hub.organizationId);
  await hub.data.addBinaryDataToDatasetByIds(ids, id);
  return id;
}
