// SPDX-License-Identifier: Apache-2.0
//
// A sensor that counts how often it was read, in steps of the attribute "step".
import { fromStruct, invalid, toStruct, toValue } from './module.mjs';

export class Resource {
  /** Names what it needs: {required: ['other'], optional: []}; throws if the attributes are wrong. */
  static validate({ step = 1 }) {
    if (typeof step !== 'number') throw invalid('attribute "step" must be a number');
    return {};
  }

  constructor({ name, attributes }, machine) {
    this.name = name;
    this.step = attributes.step ?? 1;
    this.machine = machine; // its call() reaches the other resources of the machine
    this.count = 0;
  }

  getReadings() {
    this.count += this.step;
    return { readings: { count: toValue(this.count) } };
  }

  doCommand({ command }) {
    if (fromStruct(command).reset) this.count = 0;
    return { result: toStruct({ count: this.count }) };
  }
}
