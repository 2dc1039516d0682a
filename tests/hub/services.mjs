// SPDX-License-Identifier: Apache-2.0
//
// Every service of the program as clients made from its .proto files, so that a test can go over
// all calls there are, those of bowerbird.v1 included, and call each with JSON.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createRegistryFromDescriptors, MethodKind } from '@bufbuild/protobuf';
import { createPromiseClient } from '@connectrpc/connect';
import { grpc } from '../conformance/clients.mjs';
import { root } from '../server.mjs';

const PROTO = path.join(root, 'proto');
// bowerbird.v1 is read as a whole: a service that is new is in no list and must fail the test.
const BOWERBIRD = readdirSync(path.join(PROTO, 'bowerbird/v1')).filter((one) => one.endsWith('.proto'));
const AUTH = 'proto/rpc/v1/auth.proto';
const FILES = [
  ...['app/data/v1/data.proto', 'app/dataset/v1/dataset.proto'],
  ...['app/datasync/v1/data_sync.proto', 'app/v1/app.proto'],
  'app/mltraining/v1/ml_training.proto',
  ...BOWERBIRD.map((one) => `bowerbird/v1/${one}`),
];

function loadRegistry() {
  const folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-services-'));
  const set = path.join(folder, 'set');
  const done = spawnSync(
    'protoc',
    [`-I${PROTO}`, '--include_imports', `--descriptor_set_out=${set}`, AUTH, ...FILES],
    { encoding: 'utf8' },
  );
  if (done.status !== 0) throw new Error(`protoc: ${done.error ?? done.stderr}`);
  const registry = createRegistryFromDescriptors(readFileSync(set));
  rmSync(folder, { recursive: true });
  return registry;
}

const registry = loadRegistry();
const authService = registry.findService('proto.rpc.v1.AuthService');

/** The services of stored data and of the fleet: those of the public API that the hub serves, and
 * all of bowerbird.v1. */
export function loadServices() {
  const names = FILES.flatMap((file) => {
    const text = readFileSync(path.join(PROTO, file), 'utf8');
    const pack = /^package ([\w.]+);/m.exec(text)[1];
    return [...text.matchAll(/^service (\w+)/gm)].map((one) => `${pack}.${one[1]}`);
  });
  return names.map((name) => registry.findService(name));
}

/** A service by its full name, for clients made by hand. */
export const findService = (name) => registry.findService(name);

/** A caller with a key: `call(service, 'Method', json)`; a stream takes or gives several messages. */
export function caller(url, key, options = {}) {
  let token;
  const credentials = { type: 'api-key', payload: key.key };
  const authenticate = () =>
    createPromiseClient(authService, grpc(url, options)).authenticate({ entity: key.id, credentials });
  const sign = (next) => async (request) => {
    token ??= (await authenticate()).accessToken;
    request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
  const transport = grpc(url, { ...options, interceptors: [sign] });
  return async (service, methodName, json) => {
    const [name, method] = Object.entries(service.methods).find(([, one]) => one.name === methodName);
    const client = createPromiseClient(service, transport);
    const read = (one) => method.I.fromJson(one);
    if (method.kind === MethodKind.Unary) return (await client[name](read(json))).toJson();
    if (method.kind === MethodKind.ClientStreaming)
      return (await client[name](each(json.map(read)))).toJson();
    const answers = [];
    for await (const answer of client[name](read(json))) answers.push(answer.toJson());
    return answers;
  };
}

async function* each(messages) {
  yield* messages;
}
