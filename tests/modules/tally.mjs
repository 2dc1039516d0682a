#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// A module in Node.js, without any SDK and without a gRPC library: HTTP/2 of the standard library, and
// messages by hand. test:node:tally is a sensor that counts how often it was read.
import { unlinkSync } from 'node:fs';
import http2 from 'node:http2';

const [address] = process.argv.slice(2);
const tallies = new Map(); // name -> times read

const text = (value) => Buffer.from(value);
// A field whose value is bytes, shorter than 128.
const field = (number, bytes) => Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
const double = (number, value) => {
  const bytes = Buffer.alloc(9, (number << 3) | 1);
  bytes.writeDoubleLE(value, 1);
  return bytes;
};

// The first field `number` of a message that holds bytes; the fields before it hold bytes, too.
function first(message, number) {
  for (let at = 0; at < message.length; ) {
    const tag = message[at++];
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++];
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (tag >> 3 === number) return message.subarray(at, at + size);
    at += size;
  }
  return Buffer.alloc(0);
}

const ready = () => {
  const api = Buffer.concat([field(1, text('rdk')), field(2, text('component')), field(3, text('sensor'))]);
  const subtype = Buffer.concat([field(1, api), field(2, text('viam.component.sensor.v1.SensorService'))]);
  const handler = Buffer.concat([field(1, subtype), field(2, text('test:node:tally'))]);
  return Buffer.concat([Buffer.from([0x08, 1]), field(2, field(1, handler))]);
};

const methods = {
  '/viam.module.v1.ModuleService/Ready': ready,
  '/viam.module.v1.ModuleService/AddResource': (request) => {
    tallies.set(first(first(request, 1), 1).toString(), 0);
    return Buffer.alloc(0);
  },
  '/viam.module.v1.ModuleService/RemoveResource': (request) => {
    tallies.delete(first(request, 1).toString().split('/').at(-1));
    return Buffer.alloc(0);
  },
  '/viam.component.sensor.v1.SensorService/GetReadings': (request) => {
    const name = first(request, 1).toString();
    if (!tallies.has(name)) throw new Error(`no tally named ${name}`);
    tallies.set(name, tallies.get(name) + 1);
    const entry = (key, value) => field(1, Buffer.concat([field(1, text(key)), field(2, double(2, value))]));
    return Buffer.concat([entry('times', tallies.get(name)), entry('pid', process.pid)]);
  },
};

const server = http2.createServer();
server.on('stream', (stream, headers) => {
  const chunks = [];
  stream.on('error', () => {});
  stream.on('data', (chunk) => chunks.push(chunk));
  stream.on('end', () => {
    const method = methods[headers[':path']];
    let status = { 'grpc-status': '0' };
    let answer = null;
    if (method === undefined) {
      status = { 'grpc-status': '12', 'grpc-message': 'not served' };
    } else {
      try {
        answer = method(Buffer.concat(chunks).subarray(5));
      } catch (error) {
        status = { 'grpc-status': '5', 'grpc-message': error.message };
      }
    }
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(status));
    if (answer === null) return stream.end();
    const head = Buffer.alloc(5);
    head.writeUInt32BE(answer.length, 1);
    stream.end(Buffer.concat([head, answer]));
  });
});
process.on('SIGTERM', () => {
  try {
    unlinkSync(address);
  } catch {
    // it is gone
  }
  process.exit();
});
server.listen(address);
