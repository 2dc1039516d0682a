#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// The module filtered-camera: bowerbird:camera:filtered-camera, and the same under the name that
// configs of the public registry use.
import { Module } from './module.mjs';
import { FilteredCamera } from './camera.mjs';
import { readConfig } from './config.mjs';

const module = new Module();
for (const model of ['bowerbird:camera:filtered-camera', 'viam:camera:filtered-camera'])
  module.add({
    api: 'rdk:component:camera',
    model,
    validate: (attributes) => {
      const { camera, services } = readConfig(attributes);
      const visions = new Set(services.map(({ vision }) => `rdk:service:vision/${vision}`));
      return { required: [`rdk:component:camera/${camera}`, ...visions] };
    },
    create: (config, machine) => new FilteredCamera(config, machine),
  });
await module.run();
