// SPDX-License-Identifier: Apache-2.0
//
// gRPC without generated code, for APIs that only a module knows.
import http2 from 'node:http2';

/** One message in, or a list of them, all messages out: {messages: [Buffer], status, message}. */
export function rawCall(url, method, bytes, headers = {}) {
  return new Promise((resolve, reject) => {
    const session = http2.connect(url);
    session.once('error', reject);
    const stream = session.request({
      ':method': 'POST',
      ':path': `/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    const framed = (message) => {
      const head = Buffer.alloc(5);
      head.writeUInt32BE(message.length, 1);
      return Buffer.concat([head, message]);
    };
    const chunks = [];
    let trailers = {};
    stream.on('response', (received) => (trailers = { ...trailers, ...received }));
    stream.on('trailers', (received) => (trailers = { ...trailers, ...received }));
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.once('error', reject);
    stream.once('end', () => {
      session.close();
      const all = Buffer.concat(chunks);
      const messages = [];
      for (let at = 0; at < all.length; ) {
        const size = all.readUInt32BE(at + 1);
        messages.push(all.subarray(at + 5, at + 5 + size));
        at += 5 + size;
      }
      resolve({
        messages,
        status: Number(trailers['grpc-status']),
        message: decodeURIComponent(trailers['grpc-message'] ?? ''),
      });
    });
    stream.end(Buffer.concat([bytes].flat().map(framed)));
  });
}

/** The message whose field 1 is this text. */
export function named(name) {
  const text = Buffer.from(name);
  return Buffer.concat([Buffer.from([0x0a, text.length]), text]);
}

/** The fields of a message as they stand on the wire: [{number, value}], a Buffer or a number each. */
export function fields(bytes) {
  const all = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asUintN(64, value));
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = tag >> 3;
    if ((tag & 7) === 0) {
      all.push({ number, value: varint() });
      continue;
    }
    const size = (tag & 7) === 2 ? varint() : (tag & 7) === 1 ? 8 : 4;
    all.push({ number, value: bytes.subarray(at, at + size) });
    at += size;
  }
  return all;
}

/** What GetMachineStatus says of modules, which the SDK leaves out: {name: {state, error, failures}}. */
export async function moduleStatus(url) {
  const { messages } = await rawCall(url, 'viam.robot.v1.RobotService/GetMachineStatus', Buffer.alloc(0));
  const states = {};
  for (const { number, value } of fields(messages[0])) {
    if (number !== 5) continue;
    const of = Object.fromEntries(fields(value).map((field) => [field.number, field.value]));
    states[of[1].toString()] = { state: of[2] ?? 0, error: of[4]?.toString() ?? '', failures: of[5] ?? 0 };
  }
  return states;
}
