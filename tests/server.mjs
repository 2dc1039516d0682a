// SPDX-License-Identifier: Apache-2.0
//
// The built program as a child: started on a free port with a config of its own, watched, stopped.
// Nothing of its inside is used; what it writes to stderr is kept for the failure message.
import { spawn, spawnSync } from 'node:child_process';
import dns from 'node:dns';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

// The SDK wants a host with "local" in its name; Node 18 would try ::1 only.
dns.setDefaultResultOrder('ipv4first');

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
export const program =
  process.env.BOWERBIRD_PROGRAM ?? path.join(root, 'build/release/bin/bowerbird');

/** A file below examples/media, or null: the media are fetched, not committed (script/media). */
export function media(name) {
  const file = path.join(root, 'examples/media', name);
  return existsSync(file) ? file : null;
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

export class Server {
  /** `config`: an object, or the path of a file. Waits until /healthz answers. */
  static async start({ config, args = [], env = {}, ready = true }) {
    if (!existsSync(program)) throw new Error(`${program} is not there: run script/build`);
    const server = new Server(await freePort(), args, env);
    server.configure(config);
    await server.launch(ready);
    return server;
  }

  constructor(port, args, env) {
    this.port = port;
    this.url = `http://localhost:${port}`;
    this.folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-test-'));
    this.args = args;
    this.env = env;
    this.output = '';
    this.child = null;
  }

  configure(config) {
    this.config = typeof config === 'string' ? config : path.join(this.folder, 'machine.json');
    if (typeof config !== 'string') writeFileSync(this.config, JSON.stringify(config, null, 2));
  }

  async launch(ready = true) {
    const data = path.join(this.folder, 'data');
    const args = ['serve', '--config', this.config, '--data-dir', data];
    if (!this.args.includes('--listen')) args.push('--listen', `127.0.0.1:${this.port}`);
    args.push(...this.args);
    this.child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...this.env },
    });
    this.exited = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.on('data', (chunk) => {
        this.output = (this.output + chunk).slice(-200_000);
      });
    if (ready) await this.answers();
  }

  get pid() {
    return this.child.pid;
  }

  get running() {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
  }

  async answers(timeoutMs = 60_000) {
    const end = Date.now() + timeoutMs;
    while (Date.now() < end) {
      if (!this.running) break;
      try {
        if ((await fetch(`${this.url}/healthz`)).ok) return;
      } catch {
        // not yet
      }
      await sleep(25);
    }
    throw new Error(`the server does not answer at ${this.url}. It wrote:\n${this.output}`);
  }

  /** Ends it with a signal and tells how it ended. */
  async stop(signal = 'SIGTERM') {
    if (this.child === null) return null;
    if (this.running) this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 15_000);
    const end = await this.exited;
    clearTimeout(timer);
    return end;
  }

  async close() {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  descriptors() {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  residentMb() {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024;
  }

  /** Another command of the program, on the same data directory. */
  command(...args) {
    const data = path.join(this.folder, 'data');
    const done = spawnSync(program, [...args, '--data-dir', data], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`bowerbird ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
  }
}

/** Asks again until `probe` gives something, or fails with what it said last. */
export async function eventually(probe, timeoutMs = 20_000, everyMs = 50) {
  const end = Date.now() + timeoutMs;
  for (;;) {
    let last;
    try {
      const value = await probe();
      if (value) return value;
      last = new Error('not yet');
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw last;
    await sleep(everyMs);
  }
}
