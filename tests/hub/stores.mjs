// SPDX-License-Identifier: Apache-2.0
//
// The servers that a hub can keep its things in, each of the test's own in a temporary folder: a
// PostgreSQL from Debian's package on a socket without a network port, and s3rver from npm.
//
// Not installed: `start` gives null, and the test is skipped. Installed and not starting: it throws.
import { spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually, freePort, root } from '../server.mjs';

function postgresqlPrograms() {
  const folder = '/usr/lib/postgresql';
  if (!existsSync(folder)) return null;
  const programs = readdirSync(folder).map((version) => path.join(folder, version, 'bin'));
  return programs.find((one) => existsSync(path.join(one, 'initdb'))) ?? null;
}

async function end(child) {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
}

class Child {
  constructor(command, args, options = {}) {
    this.output = '';
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    this.child.on('error', (error) => (this.output += error.message));
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.on('data', (chunk) => (this.output = (this.output + chunk).slice(-20_000)));
  }

  /** Waits until `probe` is true; throws what the child wrote if it ends or takes too long. */
  async ready(what, probe) {
    try {
      await eventually(() => {
        if (this.child.exitCode !== null) throw new Error('it ended');
        return probe();
      });
    } catch (error) {
      await end(this.child);
      throw new Error(`${what} did not start (${error.message}): ${this.output}`);
    }
  }
}

export class Postgresql {
  static async start() {
    const programs = postgresqlPrograms();
    if (programs === null) return null;
    const server = new Postgresql(programs);
    try {
      await server.launch();
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  constructor(programs) {
    this.programs = programs;
    this.folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-postgresql-'));
    this.asUser = [];
    this.server = null;
    this.count = 0;
  }

  async launch() {
    // It refuses to run as root.
    if (process.getuid() === 0) {
      const id = (flag) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
      chownSync(this.folder, id('-u'), id('-g'));
      const as = ['--reuid=postgres', '--regid=postgres', '--clear-groups', '--pdeathsig=KILL'];
      this.asUser = ['setpriv', ...as, '--'];
    }
    const data = path.join(this.folder, 'data');
    const [program, ...args] = this.command('initdb', '-D', data, '-A', 'trust', '-U', 'bowerbird');
    const made = spawnSync(program, [...args, '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'], {
      encoding: 'utf8',
      cwd: '/',
    });
    if (made.status !== 0) throw new Error(`initdb: ${made.error ?? made.stderr}`);
    await this.serve();
  }

  /** Starts the server over what is there, and waits until it takes connections. */
  async serve() {
    const data = path.join(this.folder, 'data');
    const options = ['-D', data, '-k', this.folder, '-c', 'listen_addresses=', '-c', 'fsync=off'];
    const [server, ...rest] = this.command('postgres', ...options);
    this.server = new Child(server, rest, { cwd: '/' });
    const probe = path.join(this.programs, 'pg_isready');
    await this.server.ready(
      'PostgreSQL',
      () => spawnSync(probe, ['-q', '-h', this.folder]).status === 0,
    );
  }

  /** Ends it without a chance to finish anything; `serve` recovers what was committed. */
  async crash(signal = 'SIGKILL') {
    // The first line is the process that the others hang on; setpriv became it.
    const { child } = this.server;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await exited;
  }

  /** Every connection to a database ends, as when the network breaks. */
  dropConnections(uri) {
    const name = /\/\/\/(\w+)\?/.exec(uri)[1];
    const psql = path.join(this.programs, 'psql');
    const sql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`;
    const done = spawnSync(psql, ['-h', this.folder, '-U', 'bowerbird', '-d', 'postgres', '-c', sql], {
      encoding: 'utf8',
    });
    if (done.status !== 0) throw new Error(`psql: ${done.stderr}`);
  }

  command(name, ...args) {
    return [...this.asUser, path.join(this.programs, name), ...args];
  }

  /** The URI of a new, empty database. */
  createDatabase() {
    const name = `hub${(this.count += 1)}`;
    const createdb = path.join(this.programs, 'createdb');
    const made = spawnSync(createdb, ['-h', this.folder, '-U', 'bowerbird', name], {
      encoding: 'utf8',
    });
    if (made.status !== 0) throw new Error(`createdb: ${made.stderr}`);
    return `postgresql:///${name}?host=${this.folder}&user=bowerbird`;
  }

  async close() {
    if (this.server !== null) await end(this.server.child);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export class S3 {
  static async start() {
    const script = path.join(root, 'tests/node_modules/s3rver/bin/s3rver.js');
    if (!existsSync(script)) return null;
    const server = new S3();
    server.folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-s3-'));
    server.port = await freePort();
    const where = ['-d', server.folder, '-a', '127.0.0.1', '-p', `${server.port}`];
    server.server = new Child(process.execPath, [
      script,
      ...where,
      ...['--configure-bucket', 'blobs', '--silent'],
    ]);
    await server.server.ready('s3rver', () => listens(server.port));
    return server;
  }

  /** A place of its own in the bucket, and the credentials for it. */
  location(prefix) {
    return `s3://blobs/${prefix}?region=us-east-1&endpoint=http://127.0.0.1:${this.port}`;
  }
  get env() {
    return { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' };
  }

  /** The names of the objects there. */
  objects(prefix) {
    const folder = path.join(this.folder, 'blobs', prefix);
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name);
  }

  async close() {
    await end(this.server.child);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
