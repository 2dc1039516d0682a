// SPDX-License-Identifier: Apache-2.0
//
// Tensors of every type through a model that gives back what it gets, and what is refused.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { OnnxModel, readAttributes } from './model.mjs';
import { readInferRequest, TYPES, writeInferResponse } from './tensors.mjs';

const { Reader, Writer } = createRequire(import.meta.url)('protobufjs/minimal.js');

// Numbers of the ONNX format.
const ONNX_TYPE = { float32: 1, uint8: 2, int8: 3, uint16: 4, int16: 5, int32: 6, int64: 7, string: 8, bool: 9, float16: 10, float64: 11, uint32: 12, uint64: 13 };

/** An ONNX file: Identity of each type, "x-TYPE" to "y-TYPE", of shape [n, 2] with any n. */
function identities(types) {
  const writer = Writer.create().uint32(8).int64(8); // ir_version
  const text = (field, value) => writer.uint32((field << 3) | 2).string(value);
  const open = (field) => writer.uint32((field << 3) | 2).fork();
  const declare = (field, name, type) => {
    open(field);
    text(1, name);
    open(2);
    open(1);
    writer.uint32(8).int32(ONNX_TYPE[type]);
    open(2); // shape
    open(1);
    text(2, 'n').ldelim();
    open(1);
    writer.uint32(8).int64(2).ldelim();
    writer.ldelim().ldelim().ldelim().ldelim();
  };
  open(7); // graph
  for (const type of types) {
    open(1);
    text(1, `x-${type}`);
    text(2, `y-${type}`);
    text(4, 'Identity').ldelim();
  }
  text(2, 'main');
  for (const type of types) declare(11, `x-${type}`, type);
  for (const type of types) declare(12, `y-${type}`, type);
  writer.ldelim();
  open(8); // opset_import
  writer.uint32(16).int64(13).ldelim();
  return writer.finish();
}

/** The bytes of an InferRequest; `pack` turns elements into the bytes of field 1 of their message. */
function inferRequest(tensors) {
  const answer = Reader.create(writeInferResponse(tensors));
  const name = Writer.create().uint32(10).string('m').finish();
  return Buffer.concat([name, answer.buf]); // both have the tensors in field 3
}

const VALUES = {
  int8: Int8Array.of(-128, 127), uint8: Uint8Array.of(0, 255), int16: Int16Array.of(-32768, 32767), uint16: Uint16Array.of(1, 65535),
  int32: Int32Array.of(-(2 ** 31), 2 ** 31 - 1), uint32: Uint32Array.of(0, 2 ** 32 - 1), int64: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n),
  uint64: BigUint64Array.of(0n, 2n ** 64n - 1n), float32: Float32Array.of(-1.5, 3e38), float64: Float64Array.of(-1e300, 0.1),
};

describe('the onnx model', () => {
  let folder, model;
  const types = [...Object.keys(VALUES), 'float16', 'bool'];
  const wire = (type) => ({ float16: 'float32', bool: 'uint8' })[type] ?? type;
  const data = (type) => ({ float16: Float32Array.of(0.5, -65504), bool: Uint8Array.of(0, 1) })[type] ?? VALUES[type];

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-onnx-unit-'));
    writeFileSync(path.join(folder, 'all.onnx'), identities(types));
    writeFileSync(path.join(folder, 'text.onnx'), identities(['string']));
    writeFileSync(path.join(folder, 'one.onnx'), identities(['float32']));
    model = await OnnxModel.load({ model_path: path.join(folder, 'all.onnx'), num_threads: 1 });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const tensors = () => new Map(types.map((type) => [`x-${type}`, { type: wire(type), shape: [1, 2], data: data(type) }]));

  it('takes and gives every type of the wire, half floats as float32 and truth values as uint8', async () => {
    const request = readInferRequest(inferRequest(tensors()));
    assert.equal(request.name, 'm');
    const found = readInferRequest(writeInferResponse(await model.infer(request))).tensors;
    for (const type of types) {
      assert.deepEqual([...found.get(`y-${type}`).data], [...data(type)], type);
      assert.equal(found.get(`y-${type}`).type, wire(type));
      assert.deepEqual(found.get(`y-${type}`).shape, [1, 2]);
    }
  });

  it('announces types as they travel, and dimensions without a number as -1', () => {
    const { inputInfo } = model.metadata().metadata;
    assert.deepEqual(inputInfo.map((one) => [one.name, one.dataType, one.shape]), types.map((type) => [`x-${type}`, wire(type), [-1, 2]]));
  });

  it('takes no rows, and many', async () => {
    const one = await OnnxModel.load({ model_path: path.join(folder, 'one.onnx') });
    for (const rows of [0, 1, 1000]) {
      const given = new Map([['any name', { type: 'float32', shape: [rows, 2], data: new Float32Array(2 * rows).fill(7) }]]);
      const { shape, data: out } = (await one.infer({ tensors: given })).get('y-float32');
      assert.deepEqual([shape, out.length], [[rows, 2], 2 * rows]);
    }
    await one.close();
  });

  it('reads numbers that are packed in pieces, one by one, and two 16-bit ones a word', () => {
    const message = (field, fill) => {
      const writer = Writer.create().uint32(26).fork().uint32(10).fork().uint32(10).string('x').uint32(18).fork();
      writer.uint32(10).fork().fixed64(3).ldelim().uint32((field << 3) | 2).fork();
      fill(writer);
      return writer.ldelim().ldelim().ldelim().ldelim().finish();
    };
    const read = (field, fill) => readInferRequest(message(field, fill)).tensors.get('x');
    const pieces = read(TYPES.float32.field, (w) => w.uint32(10).fork().float(1).float(2).ldelim().uint32(13).float(3));
    assert.deepEqual([pieces.shape, [...pieces.data]], [[3], [1, 2, 3]]);
    const words = read(TYPES.int16.field, (w) => w.uint32(10).fork().fixed32(0xffff0001).fixed32(0x00000003).ldelim());
    assert.deepEqual([...words.data], [1, -1, 3]);
    const wide = read(TYPES.int16.field, (w) => w.uint32(10).fork().fixed32(1).fixed32(0xfffffffe).fixed32(0x12345678).ldelim());
    assert.equal(wide.data.length, 0, 'a word that is no 16-bit number is not cut to one');
  });

  it('refuses tensors that the model does not take', async () => {
    const changed = (name, fields) => ({ tensors: tensors().set(name, fields && { ...tensors().get(name), ...fields }) });
    const without = tensors();
    without.delete('x-int8');
    for (const [request, error] of [
      [changed('x-int8', { type: 'uint8' }), /"x-int8" is uint8, and the model takes int8/],
      [changed('x-int8', { shape: [2] }), /the shape \[2\], and the model takes \[-1,2\]/],
      [changed('x-int8', { shape: [2, 2] }), /2 elements, and its shape \[2,2\] has 4/],
      [changed('x-int8', undefined), /"x-int8" has no data/],
      [{ tensors: without }, /"x-int8" is missing/],
      [{ tensors: tensors().set('z', tensors().get('x-int8')) }, /no input "z"/],
      [{ tensors: new Map() }, /is missing; given: none/],
    ])
      await assert.rejects(model.infer(request), (thrown) => error.test(thrown.message) && thrown.code === 3);
  });

  it('refuses models with text, and attributes that are wrong', async () => {
    await assert.rejects(OnnxModel.load({ model_path: path.join(folder, 'text.onnx') }), /"x-string" is of type string/);
    for (const [attributes, error] of [
      [{}, /"model_path" is missing/],
      [{ model_path: 7 }, /"model_path" must be text/],
      [{ model_path: 'a.tflite' }, /does not end in \.onnx/],
      [{ model_path: 'a.onnx', num_threads: 65 }, /"num_threads": 65/],
      [{ model_path: 'a.onnx', label_path: [] }, /"label_path" must be text/],
    ])
      assert.throws(() => readAttributes(attributes), error);
  });

  it('ends no process on bytes that are no message', () => {
    const good = inferRequest(tensors());
    for (let end = 0; end < good.length; end += 3) {
      try {
        readInferRequest(good.subarray(0, end));
      } catch (error) {
        assert.match(`${error.name} ${error.message}`, /RangeError|index out of range|invalid/i);
      }
    }
  });
});
