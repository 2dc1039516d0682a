// SPDX-License-Identifier: Apache-2.0
//
// An ONNX file as an ML model service: onnxruntime on the processor, the tensors of the wire.
import { existsSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { CallError, invalid, status } from './module.mjs';
import { halfFromSingle, singleFromHalf } from './half.mjs';
import { count, TYPES } from './tensors.mjs';

const MAX_THREADS = 64;

/** Type in the file -> type on the wire. Others cannot travel: text, 4-bit numbers. */
const wireType = (type) => (type === 'bool' ? 'uint8' : type === 'float16' ? 'float32' : TYPES[type] && type);

const text = (attributes, key) => {
  const value = attributes[key] ?? '';
  if (typeof value !== 'string') throw invalid(`attribute "${key}" must be text`);
  return value;
};

/** The attributes, checked: {modelPath, labelPath, threads}. */
export function readAttributes(attributes) {
  const modelPath = text(attributes, 'model_path');
  if (modelPath === '') throw invalid('attribute "model_path" is missing: the path of an .onnx file');
  if (!modelPath.endsWith('.onnx')) throw invalid(`attribute "model_path": "${modelPath}" does not end in .onnx`);
  const wanted = attributes.num_threads ?? 0;
  if (!Number.isInteger(wanted) || wanted < -1 || wanted > MAX_THREADS)
    throw invalid(`attribute "num_threads": ${JSON.stringify(wanted)} is no whole number from -1 to ${MAX_THREADS}`);
  // 0 and -1: as many as there are cores.
  const threads = wanted > 0 ? wanted : Math.min(os.cpus().length, MAX_THREADS);
  return { modelPath, labelPath: text(attributes, 'label_path'), threads };
}

function existing(file) {
  const absolute = path.resolve(file);
  if (!existsSync(absolute) || !statSync(absolute).isFile())
    throw new CallError(status.NOT_FOUND, `file not found at ${absolute}`);
  return absolute;
}

// What the file says of one of its inputs or outputs. A dimension without a number may be anything: -1.
function describe(file, { name, isTensor, type, shape }) {
  if (!isTensor || !wireType(type))
    throw invalid(`${file}: "${name}" is ${isTensor ? `of type ${type}` : 'not a tensor'}; the wire has numbers only`);
  return { name, type, shape: shape.map((extent) => (typeof extent === 'number' ? extent : -1)) };
}

export class OnnxModel {
  static async load(attributes) {
    const { modelPath, labelPath, threads } = readAttributes(attributes);
    const file = existing(modelPath);
    const labels = labelPath && existing(labelPath);
    let session;
    try {
      session = await InferenceSession.create(file, { intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 3 });
    } catch (error) {
      throw invalid(`${file} cannot be loaded as an ONNX model: ${error.message}`);
    }
    return new OnnxModel(session, file, labels, threads);
  }

  constructor(session, file, labels, threads) {
    this.session = session;
    this.file = file;
    this.labels = labels;
    this.threads = threads;
    this.inputs = session.inputMetadata.map((one) => describe(file, one));
    this.outputs = session.outputMetadata.map((one) => describe(file, one));
  }

  metadata() {
    const info = ({ name, type, shape }, extra) => ({ name, dataType: wireType(type), shape, extra: { fields: extra } });
    const labels = this.labels ? { labels: { stringValue: this.labels } } : {};
    return {
      metadata: {
        name: path.basename(this.file, '.onnx'),
        inputInfo: this.inputs.map((one) => info(one, {})),
        outputInfo: this.outputs.map((one) => info(one, labels)),
      },
    };
  }

  getStatus() {
    return { result: { fields: { model_path: { stringValue: this.file }, num_threads: { numberValue: this.threads } } } };
  }

  // The tensor that was sent for an input, as onnxruntime takes it.
  #feed({ name, type, shape }, given) {
    if (!given) throw invalid(`tensor "${name}" has no data`);
    const wanted = wireType(type);
    if (given.type !== wanted) throw invalid(`tensor "${name}" is ${given.type}, and the model takes ${wanted}`);
    const fits = given.shape.length === shape.length && shape.every((extent, i) => extent === -1 || extent === given.shape[i]);
    if (!fits) throw invalid(`tensor "${name}" has the shape [${given.shape}], and the model takes [${shape}] (-1: any)`);
    if (given.data.length !== count(given.shape))
      throw invalid(`tensor "${name}" has ${given.data.length} elements, and its shape [${given.shape}] has ${count(given.shape)}`);
    return new Tensor(type, type === 'float16' ? halfFromSingle(given.data) : given.data, given.shape);
  }

  #feeds(tensors) {
    const feeds = {};
    for (const input of this.inputs) {
      // One input on both sides: any name is accepted.
      const only = this.inputs.length === 1 && tensors.size === 1;
      if (!only && !tensors.has(input.name)) throw invalid(`tensor "${input.name}" is missing; given: ${[...tensors.keys()].join(', ') || 'none'}`);
      feeds[input.name] = this.#feed(input, only ? [...tensors.values()][0] : tensors.get(input.name));
    }
    const unknown = [...tensors.keys()].find((name) => this.inputs.length !== 1 && !(name in feeds));
    if (tensors.size > this.inputs.length || unknown !== undefined)
      throw invalid(`the model has no input "${unknown ?? [...tensors.keys()].find((name) => !(name in feeds))}"; it has: ${Object.keys(feeds).join(', ')}`);
    return feeds;
  }

  /** `request` and the answer are those of tensors.mjs. */
  async infer({ tensors }) {
    const feeds = this.#feeds(tensors);
    let found;
    try {
      found = await this.session.run(feeds);
    } catch (error) {
      throw invalid(`${this.file}: the model cannot run on these tensors: ${error.message}`);
    }
    return new Map(this.outputs.map(({ name, type }) => {
      const { data, dims } = found[name];
      return [name, { type: wireType(type), shape: [...dims], data: type === 'float16' ? singleFromHalf(data) : data }];
    }));
  }

  close() {
    return this.session.release();
  }
}
