// SPDX-License-Identifier: Apache-2.0
//
// FlatTensors of the wire as typed arrays, and back, without an array of numbers in between: a
// picture of 640 x 640 is 1.2 million of them. Fields and types: proto/service/mlmodel/v1.
import { createRequire } from 'node:module';

// grpc-js brings it; its reader and writer know varints and tags.
const { Reader, Writer } = createRequire(import.meta.url)('protobufjs/minimal.js');

/** Wire name -> {field of FlatTensor, array of its elements}; Words: 16-bit elements travel in words of 32. */
export const TYPES = {
  int8: { field: 2, Elements: Int8Array },
  uint8: { field: 3, Elements: Uint8Array },
  int16: { field: 4, Elements: Int16Array, Words: Int32Array },
  uint16: { field: 5, Elements: Uint16Array, Words: Uint32Array },
  int32: { field: 6, Elements: Int32Array },
  uint32: { field: 7, Elements: Uint32Array },
  int64: { field: 8, Elements: BigInt64Array },
  uint64: { field: 9, Elements: BigUint64Array },
  float32: { field: 10, Elements: Float32Array },
  float64: { field: 11, Elements: Float64Array },
};
const BY_FIELD = Object.fromEntries(Object.entries(TYPES).map(([name, type]) => [type.field, { name, ...type }]));

export const count = (shape) => shape.reduce((product, extent) => product * extent, 1);

// All bytes of field 1, which packed numbers may be split over; unpacked ones stand one by one.
function dataOf(bytes) {
  const reader = Reader.create(bytes);
  const parts = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const wire = tag & 7;
    if (tag >>> 3 !== 1) reader.skipType(wire);
    else if (wire === 2) parts.push(reader.bytes());
    else {
      const size = wire === 5 ? 4 : 8;
      parts.push(reader.buf.subarray(reader.pos, reader.pos + size));
      reader.skip(size);
    }
  }
  return parts.length === 1 ? parts[0] : Buffer.concat(parts);
}

// A copy: the bytes of a message lie anywhere, elements must be aligned.
const aligned = (bytes, Elements) => {
  const whole = bytes.length - (bytes.length % Elements.BYTES_PER_ELEMENT);
  return new Elements(new Uint8Array(bytes.subarray(0, whole)).buffer);
};

// Two elements a word, or one: implementations differ, and the shape tells which. With one a word, the
// upper half is the sign or 0; anything else gives no elements, so that the count does not match.
function elementsOf({ Elements, Words }, bytes, shape) {
  if (!Words) return aligned(bytes, Elements);
  if (bytes.length / 4 !== count(shape)) return aligned(bytes, Elements).subarray(0, count(shape));
  const words = aligned(bytes, Words);
  const elements = Elements.from(words);
  return words.every((word, i) => word === elements[i] || word === (elements[i] & 0xffff)) ? elements : new Elements(0);
}

function readTensor(bytes) {
  const reader = Reader.create(bytes);
  const shape = [];
  let type;
  let data;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1 && (tag & 7) === 2) {
      const end = reader.uint32() + reader.pos;
      while (reader.pos < end) shape.push(Number(reader.fixed64()));
    } else if (tag >>> 3 === 1) {
      shape.push(Number(reader.fixed64()));
    } else if (BY_FIELD[tag >>> 3]) {
      type = BY_FIELD[tag >>> 3];
      data = dataOf(reader.bytes());
    } else reader.skipType(tag & 7);
  }
  return type && { type: type.name, shape, data: elementsOf(type, data, shape) };
}

/** The bytes of FlatTensors: Map of name to {type, shape, data}, undefined where it has no data. */
function readTensors(bytes) {
  const tensors = new Map();
  const reader = Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag !== 10) {
      reader.skipType(tag & 7);
      continue;
    }
    const entry = Reader.create(reader.bytes());
    let name = '';
    let tensor;
    while (entry.pos < entry.len) {
      const inner = entry.uint32();
      if (inner === 10) name = entry.string();
      else if (inner === 18) tensor = readTensor(entry.bytes());
      else entry.skipType(inner & 7);
    }
    tensors.set(name, tensor);
  }
  return tensors;
}

/** An InferRequest: {name, tensors}. Throws what protobufjs throws where the bytes are none. */
export function readInferRequest(bytes) {
  const reader = Reader.create(bytes);
  const request = { name: '', tensors: new Map() };
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === 10) request.name = reader.string();
    else if (tag === 26) request.tensors = readTensors(reader.bytes());
    else reader.skipType(tag & 7);
  }
  return request;
}

const bytesOf = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

// 16-bit elements: one a word, with its sign, as the machine itself writes them.
const wireBytes = ({ Words }, data) => bytesOf(Words ? Words.from(data) : data);

/** The bytes of an InferResponse with `tensors`, a Map of name to {type, shape, data}. */
export function writeInferResponse(tensors) {
  const writer = Writer.create();
  writer.uint32(26).fork();
  for (const [name, { type, shape, data }] of tensors) {
    writer.uint32(10).fork().uint32(10).string(name).uint32(18).fork();
    writer.uint32(10).uint32(8 * shape.length);
    for (const extent of shape) writer.fixed64(extent);
    writer.uint32((TYPES[type].field << 3) | 2).fork().uint32(10).bytes(wireBytes(TYPES[type], data)).ldelim();
    writer.ldelim().ldelim();
  }
  return Buffer.from(writer.ldelim().finish());
}
