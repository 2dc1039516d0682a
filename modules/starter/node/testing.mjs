// SPDX-License-Identifier: Apache-2.0
//
// The module as a machine starts it, with one resource, for its tests.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import grpc from '@grpc/grpc-js';
import { APIS, serviceOf, toStruct } from './module.mjs';

const API = '@API@';
const MODULE = ['module/v1/module.proto', 'viam.module.v1.ModuleService'];

export class RunningModule {
  static async start() {
    const running = new RunningModule();
    const main = path.join(path.dirname(fileURLToPath(import.meta.url)), 'main.mjs');
    running.folder = mkdtempSync(path.join(tmpdir(), 'module-'));
    const socket = path.join(running.folder, 'm.sock');
    running.child = spawn(process.execPath, [main, socket], { stdio: 'inherit' });
    for (let i = 0; i < 200 && !existsSync(socket); ++i) await sleep(50);
    running.clients = [serviceOf(MODULE), serviceOf(APIS[API])].map((definition) =>
      new (grpc.makeGenericClientConstructor(definition, ''))(`unix:${socket}`, grpc.credentials.createInsecure()));
    await running.#call(0, 'Ready', { parentAddress: socket, rawParentAddress: socket });
    return running;
  }

  #call(client, method, request) {
    return new Promise((resolve, reject) =>
      this.clients[client][method](request, { deadline: Date.now() + 10_000 }, (error, answer) => (error ? reject(error) : resolve(answer))));
  }

  #config(attributes) {
    return { name: 'mine', api: API, model: '@MODEL@', attributes: toStruct(attributes) };
  }

  validate(attributes) {
    return this.#call(0, 'ValidateConfig', { config: this.#config(attributes) });
  }

  add(attributes) {
    return this.#call(0, 'AddResource', { config: this.#config(attributes) });
  }

  /** A call of the API to the resource that was added. */
  call(method, request = {}) {
    return this.#call(1, method, { name: 'mine', ...request });
  }

  stop() {
    this.clients.forEach((client) => client.close());
    this.child.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
