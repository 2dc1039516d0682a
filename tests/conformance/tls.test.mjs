// SPDX-License-Identifier: Apache-2.0
//
// TLS on the one port: gRPC and gRPC-Web by the SDK, the page, and what happens to those without it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import tls from 'node:tls';
import { createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { eventually, Server } from '../server.mjs';
import { sdk } from './clients.mjs';
import { jpegSize } from './cases_components.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-tls-'));
const certificate = path.join(folder, 'cert.pem');
const key = path.join(folder, 'key.pem');

function makeCertificate() {
  const done = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=localhost'],
    ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
  ]);
  assert.equal(done.status, 0, `openssl: ${done.stderr}`);
}

const CREDENTIAL = { type: 'api-key', authEntity: 'a-key-id', payload: 'its secret' };

describe('TLS', () => {
  let server, ca, url;

  before(async () => {
    makeCertificate();
    ca = readFileSync(certificate);
    server = await Server.start({
      config: {
        components: [
          {
            name: 'cam',
            api: 'rdk:component:camera',
            model: 'fake',
            attributes: { width: 64, height: 48 },
          },
        ],
        auth: { handlers: [{ type: 'api-key', config: { keys: ['a-key-id'], 'a-key-id': 'its secret' } }] },
      },
      args: ['--tls-cert', certificate, '--tls-key', key],
      ready: false,
    });
    url = `https://localhost:${server.port}`;
    await eventually(async () => (await get('/healthz')).status === 200);
  });

  after(async () => {
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
    setTimeout(() => process.exit(), 200).unref();
  });

  function get(where) {
    return new Promise((resolve, reject) => {
      const request = https.get(url + where, { ca }, (response) => {
        const parts = [];
        response.on('data', (part) => parts.push(part));
        response.on('end', () =>
          resolve({ status: response.statusCode, text: Buffer.concat(parts).toString() }),
        );
      });
      request.on('error', reject);
    });
  }

  for (const [name, transport] of Object.entries({
    gRPC: (options) => createGrpcTransport({ httpVersion: '2', nodeOptions: { ca }, ...options }),
    'gRPC-Web': (options) =>
      createGrpcWebTransport({ httpVersion: '1.1', nodeOptions: { ca }, ...options }),
  }))
    it(`carries ${name}, with a key`, async () => {
      globalThis.VIAM = { GRPC_TRANSPORT_FACTORY: transport };
      const robot = await new sdk.RobotClient().dial({
        host: url,
        credentials: CREDENTIAL,
        noReconnect: true,
        disableSessions: true,
      });
      const camera = new sdk.CameraClient(robot, 'cam');
      const { images } = await eventually(() => camera.getImages());
      assert.deepEqual(jpegSize(images[0].image), { height: 48, width: 64 });
    });

  it('carries the page', async () => {
    const page = await get('/');
    assert.equal(page.status, 200);
    assert.match(page.text, /<div id="app">/);
  });

  it('speaks no version before 1.2', async () => {
    for (const [version, wanted] of [
      ['TLSv1.1', false],
      ['TLSv1.2', true],
      ['TLSv1.3', true],
    ]) {
      const connected = await new Promise((resolve) => {
        const socket = tls.connect(
          {
            port: server.port,
            host: 'localhost',
            ca,
            minVersion: version,
            maxVersion: version,
            ciphers: 'DEFAULT@SECLEVEL=0',
          },
          () => resolve(true),
        );
        socket.on('error', () => resolve(false));
        socket.on('secureConnect', () => socket.destroy());
      });
      assert.equal(connected, wanted, version);
    }
  });

  it('does not serve who speaks without it', async () => {
    const outcome = await new Promise((resolve) => {
      http
        .get(`http://localhost:${server.port}/`, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
        .on('error', () => resolve('hung up'));
    });
    assert.ok(outcome === 'hung up' || outcome >= 300, `${outcome}`);
    assert.equal((await get('/healthz')).status, 200);
  });
});
