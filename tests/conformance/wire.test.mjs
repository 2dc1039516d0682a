// SPDX-License-Identifier: Apache-2.0
//
// What the SDK does not show: the port itself, its HTTP side, health, reflection, older calls.
import { proto3, MethodKind } from '@bufbuild/protobuf';
import { createPromiseClient } from '@connectrpc/connect';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Server } from '../server.mjs';
import { dial, grpc, grpcWeb } from './clients.mjs';
import { UNIMPLEMENTED } from './codes.mjs';
import { jpegSize } from './cases_components.mjs';
import { rejects } from './expect.mjs';
import { allReady, machineConfig } from './machine.mjs';

const message = (name, ...fields) =>
  proto3.makeMessageType(
    name,
    fields.map(([no, field, T]) => ({ no, name: field, kind: 'scalar', T })),
  );
const STRING = 9;
const BYTES = 12;
const ENUM_AS_INT32 = 5;

function service(typeName, ...methods) {
  return {
    typeName,
    methods: Object.fromEntries(
      methods.map(([name, I, O, kind = MethodKind.Unary]) => [
        name[0].toLowerCase() + name.slice(1),
        { name, I, O, kind },
      ]),
    ),
  };
}

// Calls that clients built before 2026 make.
const OldCamera = service(
  'viam.component.camera.v1.CameraService',
  [
    'GetImage',
    message('viam.component.camera.v1.GetImageRequest', [1, 'name', STRING], [2, 'mime_type', STRING]),
    message('viam.component.camera.v1.GetImageResponse', [1, 'mime_type', STRING], [2, 'image', BYTES]),
  ],
  [
    'RenderFrame',
    message('viam.component.camera.v1.RenderFrameRequest', [1, 'name', STRING], [2, 'mime_type', STRING]),
    message('google.api.HttpBody', [1, 'content_type', STRING], [2, 'data', BYTES]),
  ],
  ['NoSuchCall', message('google.protobuf.Empty'), message('google.protobuf.Empty')],
);

const Health = service('grpc.health.v1.Health', [
  'Check',
  message('grpc.health.v1.HealthCheckRequest', [1, 'service', STRING]),
  message('grpc.health.v1.HealthCheckResponse', [1, 'status', ENUM_AS_INT32]),
]);
const SERVING = 1;

const ORIGIN = 'http://elsewhere.example';

const ListedService = message('grpc.reflection.v1alpha.ServiceResponse', [1, 'name', STRING]);
const ListedServices = proto3.makeMessageType('grpc.reflection.v1alpha.ListServiceResponse', [
  { no: 1, name: 'service', kind: 'message', T: ListedService, repeated: true },
]);
const Reflection = service('grpc.reflection.v1alpha.ServerReflection', [
  'ServerReflectionInfo',
  message('grpc.reflection.v1alpha.ServerReflectionRequest', [7, 'list_services', STRING]),
  proto3.makeMessageType('grpc.reflection.v1alpha.ServerReflectionResponse', [
    { no: 6, name: 'list_services_response', kind: 'message', T: ListedServices },
  ]),
  MethodKind.BiDiStreaming,
]);

describe('the port', () => {
  let server;
  before(async () => {
    server = await Server.start({ config: machineConfig(), args: ['--allow-origin', ORIGIN] });
    await allReady(await dial(server.url, 'grpc'));
  });
  after(async () => {
    await server?.close();
    setTimeout(() => process.exit(), 200).unref();
  });

  for (const [name, transport] of Object.entries({ gRPC: grpc, 'gRPC-Web': grpcWeb }))
    describe(name, () => {
      it('serves GetImage and RenderFrame of older clients', async () => {
        const camera = createPromiseClient(OldCamera, transport(server.url));
        const image = await camera.getImage({ name: 'cam', mimeType: 'image/jpeg' });
        assert.equal(image.mimeType, 'image/jpeg');
        assert.deepEqual(jpegSize(image.image), { height: 240, width: 320 });
        const frame = await camera.renderFrame({ name: 'cam', mimeType: 'image/png' });
        assert.equal(frame.contentType, 'image/png');
        assert.equal(Buffer.from(frame.data.slice(1, 4)).toString(), 'PNG');
      });

      it('answers a call that does not exist by name', async () => {
        const camera = createPromiseClient(OldCamera, transport(server.url));
        await rejects(() => camera.noSuchCall({}), UNIMPLEMENTED);
      });

      it('says that it serves', async () => {
        const health = createPromiseClient(Health, transport(server.url));
        assert.equal((await health.check({ service: '' })).status, SERVING);
      });
    });

  it('lists its services by reflection', async () => {
    const reflection = createPromiseClient(Reflection, grpc(server.url));
    const ask = async function* () {
      yield { listServices: '*' };
    };
    const names = [];
    for await (const answer of reflection.serverReflectionInfo(ask()))
      names.push(...(answer.listServicesResponse?.service ?? []).map((one) => one.name));
    for (const name of ['viam.robot.v1.RobotService', 'viam.service.vision.v1.VisionService'])
      assert.ok(names.includes(name), `${name} is not in ${names}`);
  });

  it('takes and gives messages far beyond 4 MB', async () => {
    const { sdk } = await import('./clients.mjs');
    const gadget = new sdk.GenericComponentClient(await dial(server.url, 'grpc'), 'gadget');
    const text = 'x'.repeat(12 << 20);
    assert.equal((await gadget.doCommand(sdk.Struct.fromJson({ text }))).text.length, text.length);
  });

  it('counts calls, errors and phases for Prometheus', async () => {
    const { sdk } = await import('./clients.mjs');
    const robot = await dial(server.url, 'grpc');
    await new sdk.VisionClient(robot, 'finder').getDetectionsFromCamera('cam');
    await new sdk.CameraClient(robot, 'nobody').getImages().catch(() => {});
    const text = await (await fetch(`${server.url}/metrics`)).text();
    assert.match(text, /^# TYPE \S+ counter$/m);
    assert.match(text, /^# TYPE \S+ histogram$/m);
    assert.match(text, /^bowerbird_\S*\{[^}]*GetDetectionsFromCamera[^}]*\} [1-9]/m);
    for (const phase of ['decode', 'resize', 'invoke', 'postprocess'])
      assert.match(text, new RegExp(`^bowerbird_\\S*\\{[^}]*"${phase}"[^}]*\\} `, 'm'), phase);
    assert.match(text, /NOT_FOUND|UNKNOWN/, 'errors by code');
  });

  it('serves the page with types and caching, and nothing outside of it', async () => {
    const page = await fetch(`${server.url}/`);
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-type'), /^text\/html/);
    const script = /src="\.?(\/assets\/[^"]+\.js)"/.exec(await page.text())?.[1];
    assert.ok(script, 'the page names its script');
    const asset = await fetch(`${server.url}${script}`);
    assert.equal(asset.status, 200);
    assert.match(asset.headers.get('content-type'), /javascript/);
    assert.match(asset.headers.get('cache-control'), /max-age|immutable/);
    assert.match(page.headers.get('cache-control') ?? '', /no-cache|no-store|max-age=0/);
    assert.equal((await fetch(`${server.url}/no-such-file.js`)).status, 404);
    const { request } = await import('node:http');
    for (const path of ['/../../../../etc/passwd', '/%2e%2e/%2e%2e/%2e%2e/etc/passwd', '/assets/..%2f..%2fx']) {
      const status = await new Promise((resolve, reject) =>
        request({ port: server.port, host: '127.0.0.1', path }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end(),
      );
      assert.ok(status >= 400 && status < 500, `${path}: ${status}`);
    }
  });

  const preflight = (origin) =>
    fetch(`${server.url}/viam.robot.v1.RobotService/ResourceNames`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,viam_client,x-grpc-web',
      },
    });

  it('answers the preflight of a page of an allowed origin', async () => {
    const response = await preflight(ORIGIN);
    assert.equal(response.status, 204);
    assert.equal(response.headers.get('access-control-allow-origin'), ORIGIN);
    const allowed = response.headers.get('access-control-allow-headers').toLowerCase();
    for (const name of ['authorization', 'content-type', 'viam_client', 'x-grpc-web'])
      assert.ok(allowed.includes(name), `${name} is not in ${allowed}`);
  });

  it('lets pages of no other origin call a machine that asks for no key', async () => {
    const refused = await preflight('http://third.example');
    assert.equal(refused.headers.get('access-control-allow-origin'), null);
  });
});
