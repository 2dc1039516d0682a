// SPDX-License-Identifier: Apache-2.0
//
// A model that multiplies what it is given by the attribute "factor": float32 in and out, of any shape.
import { invalid } from './module.mjs';

export class Resource {
  /** Names what it needs: {required: ['other'], optional: []}; throws if the attributes are wrong. */
  static validate({ factor = 1 }) {
    if (typeof factor !== 'number') throw invalid('attribute "factor" must be a number');
    return {};
  }

  constructor({ name, attributes }) {
    this.name = name;
    this.factor = attributes.factor ?? 1;
  }

  metadata() {
    return {
      metadata: {
        name: this.name,
        inputInfo: [{ name: 'x', dataType: 'float32', shape: [-1] }],
        outputInfo: [{ name: 'y', dataType: 'float32', shape: [-1] }],
      },
    };
  }

  infer({ inputTensors }) {
    const x = inputTensors?.tensors.x;
    if (!x?.floatTensor) throw invalid('the tensor "x" of float32 is missing');
    const data = (x.floatTensor.data ?? []).map((value) => value * this.factor);
    return { outputTensors: { tensors: { y: { shape: x.shape, floatTensor: { data } } } } };
  }
}
