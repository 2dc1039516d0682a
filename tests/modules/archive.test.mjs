// SPDX-License-Identifier: Apache-2.0
//
// Modules that come as archives and packages: unpacked, prepared once, replaced, refused.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Struct } from '@viamrobotics/sdk';
import { dial, sdk } from '../conformance/clients.mjs';
import { eventually, Server } from '../server.mjs';
import { pythonMessages } from './messages.mjs';
import { moduleStatus } from './raw.mjs';

const READY = 3;
const UNHEALTHY = 4;
const PYTHON = '/usr/bin/python3';
const gizmo = path.join(path.dirname(fileURLToPath(import.meta.url)), 'gizmo.py');
const skip = spawnSync(PYTHON, ['-c', 'import grpc, google.protobuf']).status === 0 ? false : 'python3-grpcio is not installed';

after(() => setTimeout(() => process.exit(), 200).unref());

describe('modules that come as archives', { skip }, () => {
  let messages, server, robot, folder;

  const config = (modules, rest = {}) => ({
    modules,
    components: [{ name: 'count', api: 'rdk:component:sensor', model: 'test:demo:counter' }],
    ...rest,
  });
  const entry = (fields) => ({ name: 'packed', env: { PYTHONPATH: messages.folder }, ...fields });

  // An archive of a folder with the module, meta.json and what else `fill` puts there.
  function archive(name, meta, fill = () => {}) {
    const source = mkdtempSync(path.join(folder, 'source-'));
    mkdirSync(path.join(source, 'bin'));
    copyFileSync(gizmo, path.join(source, 'bin/gizmo.py'));
    if (meta) writeFileSync(path.join(source, 'meta.json'), JSON.stringify(meta));
    fill(source);
    const file = path.join(folder, name);
    execFileSync('tar', ['-czf', file, '-C', source, '.']);
    return file;
  }
  const script = (source, name, text) => {
    writeFileSync(path.join(source, name), `#!/bin/sh\n${text}\n`);
    chmodSync(path.join(source, name), 0o755);
  };
  const is = (state) => eventually(async () => (await moduleStatus(server.url)).packed?.state === state, 30_000);
  const ready = () => eventually(async () => (await robot.resourceNames()).some(({ name }) => name === 'count'), 30_000);
  const gone = () => eventually(async () => !(await robot.resourceNames()).some(({ name }) => name === 'count'), 30_000);
  const says = (pattern) => eventually(async () => pattern.test(server.output), 30_000);
  const unload = async () => {
    server.configure(config([]));
    await gone();
  };

  before(async () => {
    messages = pythonMessages();
    folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-archives-'));
    server = await Server.start({ config: config([]) });
    robot = await dial(server.url, 'grpc');
  });
  after(async () => {
    await server?.close();
    messages?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('are unpacked, prepared by first_run once, and run from their folder', async () => {
    const file = archive('a.tar.gz', { entrypoint: 'bin/gizmo.py', first_run: 'prepare.sh' }, (source) =>
      script(source, 'prepare.sh', 'echo "prepared $VIAM_MODULE_NAME in $PWD"; echo once >> "$VIAM_MODULE_DATA/prepared"'));
    const local = entry({ type: 'local', executable_path: file });
    server.configure(config([local]));
    await ready();
    await is(READY);
    assert.match(server.output, /prepared packed in \S+packages-local\/data\/module\/synthetic-packed-/);
    const prepared = path.join(server.folder, 'data/module-data/local/packed/prepared');
    assert.equal(readFileSync(prepared, 'utf8'), 'once\n');
    await unload();
    server.configure(config([local]));
    await ready();
    assert.equal(readFileSync(prepared, 'utf8'), 'once\n', 'not a second time');
  });

  it('are unpacked anew when the archive is another, and the old files go', async () => {
    const file = archive('a.tar.gz', { entrypoint: 'bin/gizmo.py' }, (source) => writeFileSync(path.join(source, 'two'), ''));
    utimesSync(file, new Date(), new Date());
    await robot.restartModule(undefined, 'packed');
    const unpacked = path.join(server.folder, 'data/packages-local/data/module');
    await eventually(() => {
      const folders = readdirSync(unpacked);
      return folders.length === 1 && existsSync(path.join(unpacked, folders[0], 'two'));
    }, 30_000);
    await ready();
    await unload();
  });

  it('that are not what the config expects are refused', async () => {
    const file = archive('sum.tgz', { entrypoint: 'bin/gizmo.py' });
    const sum = createHash('sha256').update(readFileSync(file)).digest('hex');
    server.configure(config([entry({ type: 'local', executable_path: file, sha256: '0'.repeat(64) })]));
    await says(new RegExp(`has the SHA-256 ${sum}`));
    await is(UNHEALTHY);
    server.configure(config([entry({ type: 'local', executable_path: file, sha256: sum })]));
    await ready();
    await unload();
  });

  it('that lead out are refused, and nothing of them stays', async () => {
    const evil = archive('evil.tar.gz', { entrypoint: 'bin/gizmo.py' }, (source) => symlinkSync('/etc/passwd', path.join(source, 'passwd')));
    const before = readdirSync(path.join(server.folder, 'data/packages-local/data/module'));
    server.configure(config([entry({ type: 'local', executable_path: evil })]));
    await says(/entry "passwd": is a link to an absolute path/);
    const sly = archive('sly.tar.gz', { entrypoint: 'bin/gizmo.py' }, (source) => symlinkSync('../../outside', path.join(source, 'bin/sly')));
    server.configure(config([entry({ type: 'local', executable_path: sly })]));
    await says(/"bin\/sly" is a link that leads out of the archive/);
    assert.deepEqual(readdirSync(path.join(server.folder, 'data/packages-local/data/module')), before);
  });

  it('that lack what they need say so', async () => {
    server.configure(config([entry({ type: 'local', executable_path: archive('none.tar.gz', null) })]));
    await says(/meta\.json is missing/);
    server.configure(config([entry({ type: 'local', executable_path: archive('empty.tar.gz', {}) })]));
    await says(/has no "entrypoint"/);
    server.configure(config([entry({ type: 'local', executable_path: archive('out.tar.gz', { entrypoint: '../../../bin/sh' }) })]));
    await says(/entrypoint "\.\.\/\.\.\/\.\.\/bin\/sh" is not in the archive/);
  });

  it('whose first_run fails or hangs are told of, and not started', async () => {
    const failing = archive('fail.tar.gz', { entrypoint: 'bin/gizmo.py', first_run: 'f.sh' }, (source) => script(source, 'f.sh', 'echo "no licence" >&2; exit 3'));
    server.configure(config([entry({ type: 'local', executable_path: failing })]));
    await says(/first_run \S+f\.sh: exited with 3: no licence/);
    const hanging = archive('hang.tar.gz', { entrypoint: 'bin/gizmo.py', first_run: 'h.sh' }, (source) => script(source, 'h.sh', 'sleep 600'));
    server.configure(config([entry({ type: 'local', executable_path: hanging, first_run_timeout: '300ms' })]));
    await says(/first_run \S+h\.sh: .*deadline/i);
    assert.ok(!(await robot.resourceNames()).some(({ name }) => name === 'count'));
  });

  it('of the registry are found by id and version, by their package, or as an archive beside it', async () => {
    const packages = path.join(server.folder, 'data/packages/data/module');
    const registry = entry({ type: 'registry', module_id: 'acme:gizmo', version: '1.2.3' });
    server.configure(config([registry]));
    await says(/put the archive at \S+acme-gizmo-1_2_3\.tar\.gz/);
    mkdirSync(packages, { recursive: true });
    copyFileSync(archive('r.tar.gz', { entrypoint: 'bin/gizmo.py' }), path.join(packages, 'acme-gizmo-1_2_3.tar.gz'));
    await robot.restartModule(undefined, 'packed');
    await ready();
    const { id } = (await new sdk.SensorClient(robot, 'count').doCommand(Struct.fromJson({ environment: 'VIAM_MODULE_ID' }))) ?? {};
    assert.equal(id, 'acme:gizmo');
    await unload();
    const renamed = path.join(packages, 'org-gizmo-7');
    execFileSync('mv', [path.join(packages, 'acme-gizmo-1_2_3'), renamed]);
    server.configure(config(
      [entry({ type: 'registry', executable_path: '${packages.module.mine}/bin/gizmo.py', name: 'packed' })],
      { packages: [{ name: 'mine', package: 'org/gizmo', version: '7', type: 'module' }] }));
    await ready();
  });
});
