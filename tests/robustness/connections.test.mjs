// SPDX-License-Identifier: Apache-2.0
//
// Connections that are slow, that stop half-way, or whose client goes away.
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, Server } from '../server.mjs';
import { dial, sdk } from '../conformance/clients.mjs';
import { Watch } from './watch.mjs';

const METHOD = '/viam.component.camera.v1.CameraService/GetImages';

// GetImagesRequest{name: "big"}, framed.
const REQUEST = Buffer.from([0, 0, 0, 0, 5, 0x0a, 3, ...Buffer.from('big')]);

const WEB_REQUEST = Buffer.concat([
  Buffer.from(
    `POST ${METHOD} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/grpc-web+proto\r\n` +
      `x-grpc-web: 1\r\ncontent-length: ${REQUEST.length}\r\n\r\n`,
  ),
  REQUEST,
]);

function open(port) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', reject);
  });
}

describe('difficult connections', () => {
  let server;
  before(async () => {
    server = await Server.start({
      config: {
        components: [
          {
            name: 'big',
            api: 'rdk:component:camera',
            model: 'fake',
            attributes: { width: 3840, height: 2160, animated: true },
          },
        ],
      },
    });
    const robot = await dial(server.url, 'grpc');
    await eventually(() => new sdk.CameraClient(robot, 'big').getImages(), 30_000);
  });
  after(async () => {
    await server?.close();
    setTimeout(() => process.exit(), 200).unref();
  });

  it('answers others while 200 connections send their request a byte at a time', async () => {
    const watch = new Watch(server);
    const head = Buffer.from(`GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: ${'y'.repeat(200)}`);
    const sockets = await Promise.all(Array.from({ length: 200 }, () => open(server.port)));
    for (const socket of sockets) socket.on('error', () => {});
    for (let at = 0; at < 30; at++) {
      for (const socket of sockets) if (socket.writable) socket.write(head.subarray(at, at + 1));
      const began = performance.now();
      const answer = await fetch(`${server.url}/healthz`);
      assert.equal(answer.status, 200);
      assert.ok(performance.now() - began < 1000, `took ${performance.now() - began} ms`);
      await sleep(50);
    }
    for (const socket of sockets) socket.destroy();
    await watch.unharmed();
  });

  it('hangs up on a request that does not get on', { timeout: 120_000 }, async () => {
    const socket = await open(server.port);
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nhost: local');
    const began = Date.now();
    await new Promise((resolve) => {
      socket.on('close', resolve);
      socket.on('data', () => {});
      socket.on('end', () => socket.destroy());
    });
    assert.ok(Date.now() - began < 90_000, `after ${Date.now() - began} ms`);
  });

  it('hangs up on a connection that says nothing at all', { timeout: 120_000 }, async () => {
    const socket = await open(server.port);
    socket.on('error', () => {});
    const began = Date.now();
    await new Promise((resolve) => {
      socket.on('close', resolve);
      socket.on('data', () => {});
      socket.on('end', () => socket.destroy());
    });
    assert.ok(Date.now() - began < 90_000, `after ${Date.now() - began} ms`);
  });

  it('survives gRPC-Web clients that go away in the middle of the answer', { timeout: 60_000 }, async () => {
    await dropMany(5);
    const watch = new Watch(server);
    await dropMany(100);
    await watch.unharmed({ moreMb: 96 });

    async function dropMany(count) {
      for (let i = 0; i < count; i++) {
        const socket = await open(server.port);
        socket.on('error', () => {});
        socket.write(WEB_REQUEST);
        await new Promise((resolve) => {
          socket.once('data', resolve);
          socket.once('close', resolve);
          setTimeout(resolve, i % 20);
        });
        socket.resetAndDestroy?.() ?? socket.destroy();
      }
    }
  });

  it('survives gRPC clients that go away in the middle of a call', { timeout: 60_000 }, async () => {
    await dropMany(5);
    const watch = new Watch(server);
    await dropMany(100);
    await watch.unharmed({ moreMb: 96 });

    async function dropMany(count) {
      for (let i = 0; i < count; i++) {
        const session = http2.connect(server.url);
        session.on('error', () => {});
        const stream = session.request({
          ':method': 'POST',
          ':path': METHOD,
          'content-type': 'application/grpc',
          te: 'trailers',
        });
        stream.on('error', () => {});
        stream.write(REQUEST);
        await new Promise((resolve) => {
          stream.once('data', resolve);
          stream.once('close', resolve);
          setTimeout(resolve, 5 + (i % 20));
        });
        session.destroy();
      }
    }
  });

  it('survives uploads that stop half-way', { timeout: 60_000 }, async () => {
    const watch = new Watch(server);
    for (let i = 0; i < 100; i++) {
      const socket = await open(server.port);
      socket.on('error', () => {});
      socket.write(
        `POST ${METHOD} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/grpc-web+proto\r\n` +
          `content-length: ${30 << 20}\r\n\r\n`,
      );
      socket.write(Buffer.alloc(100_000));
      await sleep(2);
      socket.destroy();
    }
    await watch.unharmed();
  });

  it('refuses a message beyond its limit and stays small', { timeout: 60_000 }, async () => {
    const watch = new Watch(server);
    const robot = await dial(server.url, 'grpc-web');
    const vision = new sdk.VisionClient(robot, 'none');
    await assert.rejects(vision.getDetections(new Uint8Array(40 << 20), 1, 1, 'image/jpeg'));
    await watch.unharmed({ moreMb: 96 });
  });
});
