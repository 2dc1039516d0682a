// SPDX-License-Identifier: Apache-2.0
//
// As much of a MongoDB server as a client needs that inserts: OP_MSG (opcode 2013) over TCP, `hello`
// and `insert`. Debian has the client's library and no server.
import { createServer } from 'node:net';

const OP_MSG = 2013;
const HEADER = 16;

/** One BSON document as an object; types that a reading has. */
export function decode(bytes) {
  let at = 4;
  const document = {};
  const cString = () => {
    const end = bytes.indexOf(0, at);
    const text = bytes.toString('utf8', at, end);
    at = end + 1;
    return text;
  };
  const take = (size, read) => {
    const value = read(at);
    at += size;
    return value;
  };
  const nested = () => {
    const size = bytes.readInt32LE(at);
    return take(size, (from) => decode(bytes.subarray(from, from + size)));
  };
  const readers = {
    0x01: () => take(8, (from) => bytes.readDoubleLE(from)),
    0x02: () => {
      const size = take(4, (from) => bytes.readInt32LE(from));
      return take(size, (from) => bytes.toString('utf8', from, from + size - 1));
    },
    0x03: nested,
    0x04: () => Object.values(nested()),
    0x05: () => take(5 + bytes.readInt32LE(at), () => 'binary'),
    0x07: () => take(12, (from) => bytes.toString('hex', from, from + 12)),
    0x08: () => take(1, (from) => bytes[from] !== 0),
    0x09: () => take(8, (from) => new Date(Number(bytes.readBigInt64LE(from)))),
    0x0a: () => null,
    0x10: () => take(4, (from) => bytes.readInt32LE(from)),
    0x12: () => take(8, (from) => bytes.readBigInt64LE(from)),
  };
  for (let type = bytes[at++]; type !== 0; type = bytes[at++]) {
    const name = cString();
    if (!readers[type]) throw new Error(`no reader for the BSON type ${type} of ${name}`);
    document[name] = readers[type]();
  }
  return document;
}

/** An object of booleans and whole numbers of 32 bits, which is what clients take, as BSON. */
function encode(object) {
  const parts = [Buffer.alloc(4)];
  for (const [name, value] of Object.entries(object)) {
    const isFlag = typeof value === 'boolean';
    const body = Buffer.alloc(isFlag ? 1 : 4);
    if (isFlag) body[0] = value ? 1 : 0;
    else body.writeInt32LE(value);
    parts.push(Buffer.from([isFlag ? 0x08 : 0x10]), Buffer.from(`${name}\0`), body);
  }
  parts.push(Buffer.alloc(1));
  const bytes = Buffer.concat(parts);
  bytes.writeInt32LE(bytes.length);
  return bytes;
}

const HELLO = {
  isWritablePrimary: true, helloOk: true, minWireVersion: 0, maxWireVersion: 17, readOnly: false,
  maxBsonObjectSize: 16777216, maxMessageSizeBytes: 48000000, maxWriteBatchSize: 100000, ok: 1,
};

/** The command of a message and the documents that follow it. */
function readMessage(message) {
  let command;
  const documents = [];
  for (let at = HEADER + 4; at < message.length; ) {
    const kind = message[at++];
    const size = message.readInt32LE(at);
    const section = message.subarray(at, at + size);
    at += size;
    if (kind === 0) command = decode(section);
    else
      for (let from = section.indexOf(0, 4) + 1; from < section.length; ) {
        const length = section.readInt32LE(from);
        documents.push(decode(section.subarray(from, from + length)));
        from += length;
      }
  }
  return { command, documents: documents.length > 0 ? documents : (command.documents ?? []) };
}

export class MongoServer {
  /** Documents by "database.collection". */
  collections = new Map();
  commands = new Set();
  #sockets = new Set();

  static async start(port = 0) {
    const server = new MongoServer();
    server.listener = createServer((socket) => server.#serve(socket));
    await new Promise((done) => server.listener.listen(port, '127.0.0.1', done));
    server.port = server.listener.address().port;
    return server;
  }

  #serve(socket) {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    let waiting = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      waiting = Buffer.concat([waiting, bytes]);
      while (waiting.length >= 4 && waiting.length >= waiting.readInt32LE(0)) {
        const size = waiting.readInt32LE(0);
        this.#answer(socket, waiting.subarray(0, size));
        waiting = waiting.subarray(size);
      }
    });
  }

  #answer(socket, message) {
    if (message.readInt32LE(12) !== OP_MSG) return socket.destroy();
    const { command, documents } = readMessage(message);
    const [name] = Object.keys(command);
    this.commands.add(name);
    if (name === 'insert') {
      const key = `${command.$db}.${command.insert}`;
      this.collections.set(key, [...(this.collections.get(key) ?? []), ...documents]);
    }
    const isHello = name === 'hello' || name === 'isMaster' || name === 'ismaster';
    const body = encode(isHello ? HELLO : { n: documents.length, ok: 1 });
    const reply = Buffer.alloc(HEADER + 5);
    reply.writeInt32LE(reply.length + body.length, 0);
    reply.writeInt32LE(message.readInt32LE(4), 8);
    reply.writeInt32LE(OP_MSG, 12);
    socket.write(Buffer.concat([reply, body]));
  }

  async close() {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.listener.close(done));
  }
}
