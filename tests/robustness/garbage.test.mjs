// SPDX-License-Identifier: Apache-2.0
//
// 10,000 connections and requests that make no sense, of every kind that the port tells apart.
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import { Server } from '../server.mjs';
import { Noise, Watch } from './watch.mjs';

const AT_ONCE = 64;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const METHODS = [
  '/viam.robot.v1.RobotService/ResourceNames',
  '/viam.service.vision.v1.VisionService/GetDetections',
  '/viam.service.mlmodel.v1.MLModelService/Infer',
  '/no.such.Service/Call',
  '/',
];

function post(path, type, body, length = body.length) {
  const head =
    `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\n` +
    `content-length: ${length}\r\nconnection: close\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

function webFrame(body, length = body.length, flag = 0) {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(length >>> 0, 1);
  return Buffer.concat([head, body]);
}

const WEB = 'application/grpc-web+proto';

/** Each makes the bytes of one connection. */
const KINDS = {
  'random bytes': (noise) => noise.bytes(1 + noise.below(600)),
  'an HTTP/2 preface, then random bytes': (noise) =>
    Buffer.concat([PREFACE, noise.bytes(noise.below(600))]),
  'HTTP/2 frames with random contents': (noise) => {
    const body = noise.bytes(noise.below(200));
    const head = noise.bytes(9);
    head.writeUIntBE(body.length, 0, 3);
    head[3] = noise.below(12);
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    return Buffer.concat([PREFACE, settings, head, body]);
  },
  'a TLS hello on a port without TLS': (noise) =>
    Buffer.concat([Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]), noise.bytes(300)]),
  'a random request line': (noise) =>
    Buffer.concat([noise.bytes(40), Buffer.from('\r\n\r\n'), noise.bytes(40)]),
  'a header that does not end': (noise) =>
    Buffer.from(`GET / HTTP/1.1\r\nx: ${'a'.repeat(20_000 + noise.below(80_000))}`),
  'gRPC-Web with a random message': (noise) =>
    post(METHODS[noise.below(METHODS.length)], WEB, webFrame(noise.bytes(noise.below(400)))),
  'gRPC-Web with a wrong length': (noise) =>
    post(METHODS[noise.below(METHODS.length)], WEB, webFrame(noise.bytes(60), noise.next())),
  'gRPC-Web with a random flag and several frames': (noise) =>
    post(
      METHODS[noise.below(METHODS.length)],
      WEB,
      Buffer.concat([webFrame(noise.bytes(9), 9, noise.below(256)), webFrame(noise.bytes(9))]),
    ),
  'gRPC-Web that is no frame at all': (noise) =>
    post(METHODS[noise.below(METHODS.length)], WEB, noise.bytes(noise.below(5))),
  'gRPC-Web that promises a gigabyte': (noise) => post(METHODS[1], WEB, noise.bytes(50), 1 << 30),
  'a random path and type': (noise) =>
    post(`/${noise.bytes(20).toString('hex')}`, noise.bytes(8).toString('hex'), noise.bytes(100)),
};

/** Sends the bytes, reads what comes, and ends. The server may hang up at any point. */
function send(port, bytes, patienceMs) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const timer = setTimeout(() => socket.destroy(), patienceMs);
    socket.on('connect', () => socket.end(bytes));
    socket.on('data', () => {});
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

async function storm(port, count, noise) {
  const makers = Object.values(KINDS);
  let sent = 0;
  const one = async () => {
    while (sent < count) {
      const index = sent++;
      await send(port, makers[index % makers.length](noise), 2000);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

describe('garbage on the port', () => {
  let server;
  before(async () => {
    server = await Server.start({
      config: { components: [{ name: 'cam', api: 'rdk:component:camera', model: 'fake' }] },
    });
  });
  after(() => server?.close());

  for (const [kind, make] of Object.entries(KINDS))
    it(`survives ${kind}`, { timeout: 60_000 }, async () => {
      const noise = new Noise(7);
      for (let i = 0; i < 5; i++) await send(server.port, make(noise), 2000);
      await new Watch(server).unharmed();
    });

  it('10,000 of all kinds leave neither descriptors nor memory behind', { timeout: 280_000 }, async (t) => {
    const noise = new Noise(20_260_101);
    await storm(server.port, 1000, noise); // fills the pools
    const watch = new Watch(server);
    await storm(server.port, 10_000, noise);
    const grown = await watch.unharmed();
    t.diagnostic(`memory grew by ${grown.toFixed(1)} MB`);
  });
});
