// SPDX-License-Identifier: Apache-2.0
import * as code from './codes.mjs';
import { equal, ok, rejects } from './expect.mjs';

/** Width and height out of a JPEG's frame header. */
export function jpegSize(bytes) {
  equal([bytes[0], bytes[1]], [0xff, 0xd8], 'JPEG signature');
  for (let at = 2; at + 9 < bytes.length; ) {
    const marker = bytes[at + 1];
    if (bytes[at] === 0xff && marker >= 0xc0 && marker <= 0xc2)
      return {
        height: bytes[at + 5] * 256 + bytes[at + 6],
        width: bytes[at + 7] * 256 + bytes[at + 8],
      };
    at += 2 + bytes[at + 2] * 256 + bytes[at + 3];
  }
  throw new Error('a JPEG without a frame header');
}

const same = (a, b) => a.length === b.length && a.every((byte, index) => byte === b[index]);

const unknownName = /no node found with api rdk:[a-z_]+:[a-z_]+ and name nobody/;

export const componentCases = [
  {
    name: 'camera GetImages gives the picture, its type and its time',
    async run({ sdk, robot }) {
      const { images, metadata } = await new sdk.CameraClient(robot, 'cam').getImages();
      equal(images.length, 1, 'pictures');
      equal(images[0].mimeType, 'image/jpeg', 'type');
      equal(jpegSize(images[0].image), { height: 240, width: 320 }, 'size');
      const age = Math.abs(Date.now() - metadata.capturedAt.toDate().getTime());
      ok(age < 3_600_000, `captured ${age} ms away from now`);
    },
  },
  {
    name: 'camera GetImages of an animated camera changes',
    async run({ sdk, robot }) {
      const camera = new sdk.CameraClient(robot, 'moving');
      const first = (await camera.getImages()).images[0].image;
      for (let i = 0; i < 50; i++)
        if (!same(first, (await camera.getImages()).images[0].image)) return;
      throw new Error('50 pictures are all the same');
    },
  },
  {
    name: 'camera GetImages refuses unknown and repeated source names',
    async run({ sdk, robot }) {
      const camera = new sdk.CameraClient(robot, 'cam');
      await rejects(
        () => camera.getImages(['infrared']),
        [code.INVALID_ARGUMENT, code.UNKNOWN],
        /source name/,
      );
      await rejects(
        () => camera.getImages(['a', 'a']),
        [code.INVALID_ARGUMENT, code.UNKNOWN],
        /duplicate source name/,
      );
    },
  },
  {
    name: 'a transform camera resizes the picture of another',
    async run({ sdk, robot }) {
      const { images } = await new sdk.CameraClient(robot, 'half').getImages();
      equal(jpegSize(images[0].image), { height: 120, width: 160 }, 'size');
    },
  },
  {
    name: 'camera GetProperties says what it can',
    async run({ sdk, robot }) {
      const properties = await new sdk.CameraClient(robot, 'cam').getProperties();
      equal(properties.supportsPcd, true, 'supports point clouds');
      ok(properties.mimeTypes.includes('image/jpeg'), `types ${properties.mimeTypes}`);
    },
  },
  {
    name: 'camera GetPointCloud gives binary PCD',
    async run({ sdk, robot }) {
      const pcd = await new sdk.CameraClient(robot, 'cam').getPointCloud();
      const head = new TextDecoder('latin1').decode(pcd.slice(0, 400));
      ok(/VERSION .7/.test(head) && /DATA binary/.test(head), `it begins ${head.slice(0, 80)}`);
    },
  },
  {
    name: 'camera, sensor and generic GetGeometries and DoCommand answer',
    async run({ sdk, robot }) {
      const command = sdk.Struct.fromJson({ say: 'hello', n: 3 });
      for (const Client of [sdk.CameraClient, sdk.GenericComponentClient]) {
        const name = Client === sdk.CameraClient ? 'cam' : 'gadget';
        ok(Array.isArray(await new Client(robot, name).getGeometries()), `${name}: a list`);
      }
      await rejects(
        () => new sdk.CameraClient(robot, 'cam').doCommand(command),
        [code.UNKNOWN, code.UNIMPLEMENTED],
        /DoCommand|unimplemented/i,
      );
      equal(
        await new sdk.GenericComponentClient(robot, 'gadget').doCommand(command),
        { say: 'hello', n: 3 },
        'the fake generic component answers what it is told',
      );
      equal(
        await new sdk.GenericServiceClient(robot, 'helper').doCommand(command),
        { say: 'hello', n: 3 },
        'and so does the service',
      );
    },
  },
  {
    name: 'sensor GetReadings gives named values',
    async run({ sdk, robot }) {
      const readings = await new sdk.SensorClient(robot, 'climate').getReadings();
      equal(readings, { a: 1, b: 2, c: 3 }, 'readings of the fake sensor');
    },
  },
  {
    name: 'a resource that does not exist is named in the error, whatever the API',
    async run({ sdk, robot }) {
      const calls = [
        () => new sdk.CameraClient(robot, 'nobody').getImages(),
        () => new sdk.SensorClient(robot, 'nobody').getReadings(),
        () => new sdk.GenericComponentClient(robot, 'nobody').doCommand(new sdk.Struct()),
        () => new sdk.GenericServiceClient(robot, 'nobody').doCommand(new sdk.Struct()),
        () => new sdk.MLModelClient(robot, 'nobody').metadata(),
        () => new sdk.VisionClient(robot, 'nobody').getProperties(),
      ];
      for (const call of calls) await rejects(call, [code.NOT_FOUND, code.UNKNOWN], unknownName);
    },
  },
  {
    name: 'a resource that could not be built says why',
    async run({ sdk, robot }) {
      await rejects(
        () => new sdk.CameraClient(robot, 'broken').getImages(),
        [code.UNAVAILABLE, code.UNKNOWN],
        /wide/,
      );
    },
  },
];
