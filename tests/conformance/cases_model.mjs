// SPDX-License-Identifier: Apache-2.0
import * as code from './codes.mjs';
import { equal, ok, rejects } from './expect.mjs';

const SIDE = 300;

const tensor = (shape, kind, data) => ({
  shape: shape.map(BigInt),
  tensor: { case: kind, value: { data } },
});
const picture = (fill) =>
  tensor([1, SIDE, SIDE, 3], 'floatTensor', new Array(SIDE * SIDE * 3).fill(fill));

const model = (sdk, robot) => new sdk.MLModelClient(robot, 'detector');

export const modelCases = [
  {
    name: 'MLModel Metadata describes inputs and outputs',
    async run({ sdk, robot }) {
      const { metadata } = await model(sdk, robot).metadata();
      equal(metadata.inputInfo.length, 1, 'inputs');
      equal(metadata.inputInfo[0].dataType, 'float32', 'type of the input');
      equal(metadata.inputInfo[0].shape, [1, SIDE, SIDE, 3], 'shape of the input');
      equal(metadata.outputInfo.length, 2, 'outputs');
      const names = metadata.outputInfo.map((one) => one.name);
      ok(names.every((name) => name !== '') && names[0] !== names[1], `names ${names}`);
      const shapes = metadata.outputInfo.map((one) => `${one.shape}`).sort();
      equal(shapes, ['1,1917,24', '1,1917,4'], 'shapes of the outputs');
      ok(
        metadata.outputInfo.some((one) => `${one.extra?.toJson().labels}`.endsWith('labels.txt')),
        'an output tells where the labels are',
      );
    },
  },
  {
    name: 'MLModel Infer gives every output, and the same for the same input',
    async run({ sdk, robot }) {
      const { metadata } = await model(sdk, robot).metadata();
      const [input] = metadata.inputInfo;
      const ask = async () =>
        (await model(sdk, robot).infer({ tensors: { [input.name]: picture(0.25) } })).outputTensors
          .tensors;
      const [first, second] = [await ask(), await ask()];
      equal(
        Object.keys(first).sort(),
        metadata.outputInfo.map((one) => one.name).sort(),
        'names of the outputs',
      );
      for (const [name, output] of Object.entries(first)) {
        equal(output.tensor.case, 'floatTensor', `type of ${name}`);
        const { data } = output.tensor.value;
        const elements = output.shape.reduce((product, one) => product * Number(one), 1);
        equal(data.length, elements, `elements of ${name}`);
        ok(data.every(Number.isFinite), `${name} holds numbers`);
        const again = second[name].tensor.value.data;
        ok(data.every((value, index) => value === again[index]), `${name} is the same twice`);
      }
    },
  },
  {
    name: 'MLModel Infer takes the only input under any name',
    async run({ sdk, robot }) {
      const answer = await model(sdk, robot).infer({ tensors: { image: picture(0) } });
      equal(Object.keys(answer.outputTensors.tensors).length, 2, 'outputs');
    },
  },
  {
    name: 'MLModel Infer refuses a wrong shape and says what fits',
    async run({ sdk, robot }) {
      const wrong = tensor([1, 2, 2, 3], 'floatTensor', new Array(12).fill(0));
      await rejects(
        () => model(sdk, robot).infer({ tensors: { image: wrong } }),
        code.INVALID_ARGUMENT,
        /300/,
      );
    },
  },
  {
    name: 'MLModel Infer refuses a shape that its data does not fill',
    async run({ sdk, robot }) {
      const short = tensor([1, SIDE, SIDE, 3], 'floatTensor', [1, 2, 3]);
      await rejects(
        () => model(sdk, robot).infer({ tensors: { image: short } }),
        code.INVALID_ARGUMENT,
      );
    },
  },
  {
    name: 'MLModel Infer refuses a wrong type and says which is right',
    async run({ sdk, robot }) {
      const bytes = tensor([1, SIDE, SIDE, 3], 'uint8Tensor', new Uint8Array(SIDE * SIDE * 3));
      await rejects(
        () => model(sdk, robot).infer({ tensors: { image: bytes } }),
        code.INVALID_ARGUMENT,
        /float32/,
      );
    },
  },
  {
    name: 'MLModel Infer refuses names that the model does not have',
    async run({ sdk, robot }) {
      await rejects(
        () => model(sdk, robot).infer({ tensors: { left: picture(0), right: picture(0) } }),
        code.INVALID_ARGUMENT,
      );
    },
  },
  {
    name: 'MLModel Infer refuses a call without tensors',
    async run({ sdk, robot }) {
      await rejects(() => model(sdk, robot).infer({ tensors: {} }), code.INVALID_ARGUMENT);
    },
  },
];
