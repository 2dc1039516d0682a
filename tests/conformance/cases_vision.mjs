// SPDX-License-Identifier: Apache-2.0
import * as code from './codes.mjs';
import { jpegSize } from './cases_components.mjs';
import { equal, near, ok, rejects } from './expect.mjs';

// The picture goes out as the camera made it, so nothing is encoded.
const PHASES = ['decode', 'resize', 'queue', 'invoke', 'postprocess'];

const finder = (sdk, robot) => new sdk.VisionClient(robot, 'finder');
const yellow = (sdk, robot) => new sdk.VisionClient(robot, 'yellow');

async function frame(sdk, robot) {
  const { image } = (await new sdk.CameraClient(robot, 'cam').getImages()).images[0];
  return { bytes: image, ...jpegSize(image) };
}

function everyBoxFits(detections, { width, height }) {
  for (const one of detections) {
    ok(one.confidence >= 0 && one.confidence <= 1, `confidence ${one.confidence}`);
    ok(one.className !== '', 'every detection has a label');
    const corners = [one.xMin, one.yMin, one.xMax, one.yMax].map(Number);
    const [x0, y0, x1, y1] = corners;
    ok(0 <= x0 && x0 <= x1 && x1 <= width && 0 <= y0 && y0 <= y1 && y1 <= height, `box ${corners}`);
    near(one.xMinNormalized, x0 / width, 1e-6, 'normalised x_min');
    near(one.yMaxNormalized, y1 / height, 1e-6, 'normalised y_max');
  }
}

export const visionCases = [
  {
    name: 'vision GetProperties tells a detector',
    async run({ sdk, robot }) {
      for (const service of [finder(sdk, robot), yellow(sdk, robot)]) {
        const properties = await service.getProperties();
        equal(properties.detectionsSupported, true, 'detections');
        equal(properties.classificationsSupported, false, 'classifications');
        equal(properties.objectPointCloudsSupported, false, 'point clouds');
      }
    },
  },
  {
    name: 'vision GetDetections finds the yellow corner of the fake picture',
    async run({ sdk, robot }) {
      const { bytes, width, height } = await frame(sdk, robot);
      const found = await yellow(sdk, robot).getDetections(bytes, width, height, 'image/jpeg');
      equal(found.length, 1, 'detections');
      equal(found[0].className, 'yellow', 'label');
      equal(found[0].confidence, 1, 'confidence');
      ok(Number(found[0].xMin) <= 2 && Number(found[0].yMin) <= 2, 'it starts at the top left');
      everyBoxFits(found, { width, height });
    },
  },
  {
    name: 'vision gives the same for a picture sent and for the same picture of a camera',
    async run({ sdk, robot }) {
      const { bytes, width, height } = await frame(sdk, robot);
      for (const service of [finder(sdk, robot), yellow(sdk, robot)]) {
        const sent = await service.getDetections(bytes, width, height, 'image/jpeg');
        const seen = await service.getDetectionsFromCamera('cam');
        ok(sent.length > 0, 'something is found');
        equal(seen, sent, 'detections');
        everyBoxFits(sent, { width, height });
      }
    },
  },
  {
    name: 'vision takes its default camera where none is named',
    async run({ sdk, robot }) {
      const service = yellow(sdk, robot);
      equal(
        await service.getDetectionsFromCamera(''),
        await service.getDetectionsFromCamera('cam'),
        'detections',
      );
    },
  },
  {
    name: 'vision CaptureAllFromCamera gives one picture and all that was asked for',
    async run({ sdk, robot }) {
      const all = await finder(sdk, robot).captureAllFromCamera('cam', {
        returnImage: true,
        returnDetections: true,
        returnClassifications: true,
        returnObjectPointClouds: false,
      });
      equal(all.image?.mimeType, 'image/jpeg', 'type of the picture');
      const size = jpegSize(all.image.image);
      equal(size, { height: 240, width: 320 }, 'size of the picture');
      everyBoxFits(all.detections, size);
      equal(all.classifications.length, 0, 'classifications of a detector');
      equal(
        all.detections,
        await finder(sdk, robot).getDetectionsFromCamera('cam'),
        'detections, alone and with all',
      );
      const times = all.extra?.toJson().milliseconds ?? {};
      for (const phase of PHASES)
        ok(typeof times[phase] === 'number' && times[phase] >= 0, `${phase}: ${times[phase]} ms`);
      ok(times.invoke > 0, 'the model took time');
    },
  },
  {
    name: 'vision CaptureAllFromCamera leaves out what was not asked for',
    async run({ sdk, robot }) {
      const all = await yellow(sdk, robot).captureAllFromCamera('cam', {
        returnImage: false,
        returnDetections: true,
        returnClassifications: false,
        returnObjectPointClouds: false,
      });
      equal(all.detections.length, 1, 'detections');
      equal(all.image?.image.length ?? 0, 0, 'bytes of the picture');
    },
  },
  {
    name: 'vision says that a detector does not classify',
    async run({ sdk, robot }) {
      const { bytes, width, height } = await frame(sdk, robot);
      const codes = [code.UNIMPLEMENTED, code.UNKNOWN];
      const service = finder(sdk, robot);
      await rejects(
        () => service.getClassifications(bytes, width, height, 'image/jpeg', 3),
        codes,
        /classif/i,
      );
      await rejects(() => service.getClassificationsFromCamera('cam', 3), codes, /classif/i);
      await rejects(() => service.getObjectPointClouds('cam'), codes, /./);
      await rejects(() => service.doCommand(new sdk.Struct()), codes, /DoCommand|unimplemented/i);
    },
  },
  {
    name: 'vision classifies where it can, alone and with all',
    async run({ sdk, robot }) {
      const service = new sdk.VisionClient(robot, 'pretender');
      const { bytes, width, height } = await frame(sdk, robot);
      for (const found of [
        await service.getClassifications(bytes, width, height, 'image/jpeg', 1),
        await service.getClassificationsFromCamera('cam', 1),
        (
          await service.captureAllFromCamera('cam', {
            returnImage: true,
            returnDetections: true,
            returnClassifications: true,
            returnObjectPointClouds: false,
          })
        ).classifications,
      ]) {
        equal(found.length, 1, 'classifications');
        equal(found[0].className, 'a_classification', 'label');
        near(found[0].confidence, 0.85, 1e-6, 'confidence');
      }
      const [box] = await service.getDetectionsFromCamera('cam');
      equal([box.xMin, box.yMin, box.xMax, box.yMax].map(Number), [80, 60, 240, 180], 'box');
    },
  },
  {
    name: 'vision refuses what is no picture',
    async run({ sdk, robot }) {
      const codes = [code.INVALID_ARGUMENT, code.UNKNOWN];
      const service = finder(sdk, robot);
      await rejects(() => service.getDetections(new Uint8Array(0), 0, 0, 'image/jpeg'), codes);
      const noise = Uint8Array.from({ length: 1000 }, (_, index) => (index * 7919) % 251);
      await rejects(() => service.getDetections(noise, 10, 10, 'image/jpeg'), codes);
      const { bytes, width, height } = await frame(sdk, robot);
      const torn = bytes.slice(0, 60);
      await rejects(() => service.getDetections(torn, width, height, 'image/jpeg'), codes);
      // Names of types differ in the wild; the bytes decide what a picture is, or the call says so.
      const named = await service
        .getDetections(bytes, width, height, 'image/png')
        .catch((error) => error);
      ok(Array.isArray(named) || codes.includes(named.code), `a JPEG called PNG: ${named}`);
    },
  },
  {
    name: 'vision names the camera that it cannot use',
    async run({ sdk, robot }) {
      const service = finder(sdk, robot);
      await rejects(
        () => service.getDetectionsFromCamera('nobody'),
        [code.NOT_FOUND, code.UNKNOWN],
        /nobody/,
      );
      await rejects(
        () => service.getDetectionsFromCamera('broken'),
        [code.UNAVAILABLE, code.UNKNOWN],
        /broken/,
      );
    },
  },
];
