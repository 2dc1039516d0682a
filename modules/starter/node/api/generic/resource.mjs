// SPDX-License-Identifier: Apache-2.0
//
// Takes the command {"add": [1, 2]} and answers {"sum": 3}, plus the attribute "offset".
import { fromStruct, invalid, toStruct } from './module.mjs';

export class Resource {
  /** Names what it needs: {required: ['other'], optional: []}; throws if the attributes are wrong. */
  static validate({ offset = 0 }) {
    if (typeof offset !== 'number') throw invalid('attribute "offset" must be a number');
    return {};
  }

  constructor({ name, attributes }, machine) {
    this.name = name;
    this.offset = attributes.offset ?? 0;
    this.machine = machine; // its call() reaches the other resources of the machine
  }

  doCommand({ command }) {
    const { add } = fromStruct(command);
    if (!Array.isArray(add) || !add.every((one) => typeof one === 'number'))
      throw invalid('the command must be {"add": [numbers]}');
    return { result: toStruct({ sum: add.reduce((sum, one) => sum + one, this.offset) }) };
  }
}
