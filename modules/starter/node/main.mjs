#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { Module } from './module.mjs';
import { Resource } from './resource.mjs';

const module = new Module();
module.add({
  api: '@API@',
  model: '@MODEL@',
  validate: Resource.validate,
  create: (config, machine) => new Resource(config, machine),
});
await module.run();
