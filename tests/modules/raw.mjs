// SPDX-License-Identifier: Apache-2.0
//
// gRPC without generated code, for APIs that only a module knows.
import http2 from 'node:http2';

/** One message in, all messages out: {messages: [Buffer], status, message}. */
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
    const head = Buffer.alloc(5);
    head.writeUInt32BE(bytes.length, 1);
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
    stream.end(Buffer.concat([head, bytes]));
  });
}

/** The message whose field 1 is this text. */
export function named(name) {
  const text = Buffer.from(name);
  return Buffer.concat([Buffer.from([0x0a, text.length]), text]);
}
