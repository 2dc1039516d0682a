// SPDX-License-Identifier: Apache-2.0
//
// `bowerbird module new`: each starter builds, passes its own test, and runs under a machine from the
// archive that it packs.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Struct } from '@viamrobotics/sdk';
import { dial, sdk } from '../conformance/clients.mjs';
import { eventually, program, root, Server } from '../server.mjs';
import { packed } from './pictures.mjs';

const APIS = ['rdk:component:sensor', 'rdk:component:generic', 'rdk:service:generic', 'rdk:service:mlmodel'];
// C++ takes a minute for the messages of one API; the generic service differs from the component by a name.
const CASES = { node: APIS, python: APIS, cpp: ['rdk:component:sensor', 'rdk:service:mlmodel', 'rdk:service:generic'] };
const missing = {
  python: spawnSync('/usr/bin/python3', ['-c', 'import grpc, google.protobuf']).status === 0 ? false : 'python3-grpcio is not installed',
  cpp: spawnSync('pkg-config', ['--exists', 'grpc++']).status === 0 ? false : 'libgrpc++-dev is not installed',
  node: false,
};

after(() => setTimeout(() => process.exit(), 200).unref());

describe('bowerbird module new', () => {
  let folder, server, robot;

  const create = (...args) => spawnSync(program, ['module', 'new', ...args], { cwd: folder, encoding: 'utf8' });
  const run = (where, command) => {
    // Messages that two starters share are compiled once, where ccache is installed.
    const ccache = spawnSync('ccache', ['--version']).status === 0 ? { CMAKE_CXX_COMPILER_LAUNCHER: 'ccache' } : {};
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const done = spawnSync(command, { cwd: where, encoding: 'utf8', env: { ...env, ...ccache } });
    assert.equal(done.status, 0, `${command}: ${done.stdout}\n${done.stderr}`);
  };

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-starter-'));
    server = await Server.start({ config: {} });
    robot = await dial(server.url, 'grpc');
  });
  after(async () => {
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  // Each gives true once the resource answers as its starter says.
  const add = async (Client) => (await new Client(robot, 'mine').doCommand(Struct.fromJson({ add: [1, 2] }))).sum === 3;
  const calls = {
    sensor: async () => {
      const read = async () => (await new sdk.SensorClient(robot, 'mine').getReadings()).count;
      return (await read()) + 1 === (await read());
    },
    'component:generic': () => add(sdk.GenericComponentClient),
    'service:generic': () => add(sdk.GenericServiceClient),
    mlmodel: async () => {
      const x = { shape: [2n], tensor: { case: 'floatTensor', value: { data: [1, 2] } } };
      const { outputTensors } = await new sdk.MLModelClient(robot, 'mine').infer({ tensors: { x } });
      return `${outputTensors.tensors.y.tensor.value.data}` === '1,2';
    },
  };

  for (const [language, apis] of Object.entries(CASES))
    for (const api of apis)
      it(`${language}, ${api}`, { skip: missing[language] }, async () => {
        // One name: ccache knows files by their place.
        const name = 'my-module';
        rmSync(path.join(folder, name), { recursive: true, force: true });
        const model = `acme:${language}:${api.replaceAll(':', '-')}`;
        const made = create(name, '--language', language, '--api', api, '--model', model);
        assert.equal(made.status, 0, made.stderr);
        const where = path.join(folder, name);
        // What npm would install is there already, with the modules of our own.
        if (language === 'node') {
          packed('filtered-camera');
          cpSync(path.join(root, 'build/modules/filtered-camera/node_modules'), path.join(where, 'node_modules'), { recursive: true });
        }
        run(where, './build.sh');
        run(where, './test.sh');
        const section = api.includes(':service:') ? 'services' : 'components';
        server.configure({
          modules: [{ name: `${language}-${APIS.indexOf(api)}`, type: 'local', executable_path: path.join(where, `${name}.tar.gz`) }],
          [section]: [{ name: 'mine', api, model }],
        });
        const call = calls[Object.keys(calls).find((end) => api.endsWith(end))];
        await eventually(call, 30_000);
      });

  it('overwrites nothing, and says which names, languages and APIs there are', () => {
    mkdirSync(path.join(folder, 'taken'));
    writeFileSync(path.join(folder, 'taken/precious'), '');
    const taken = create('taken', '--language', 'node');
    assert.equal(taken.status, 1);
    assert.match(taken.stderr, /taken is there already/);
    assert.deepEqual(readdirSync(path.join(folder, 'taken')), ['precious']);
    for (const [args, error] of [
      [['Bad_Name', '--language', 'node'], /small letters, digits/],
      [['fine', '--language', 'cobol'], /cpp, node, python/],
      [['fine', '--language', 'node', '--api', 'rdk:component:arm'], /rdk:service:mlmodel/],
      [['fine', '--language', 'node', '--model', 'short'], /namespace:family:name/],
      [['fine'], /--language is required/],
    ]) {
      const refused = create(...args);
      assert.equal(refused.status, 2, args.join(' '));
      assert.match(refused.stderr, error);
    }
    assert.equal(existsSync(path.join(folder, 'fine')), false);
  });
});
