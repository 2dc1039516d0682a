// SPDX-License-Identifier: Apache-2.0
//
// A machine that captures and the hub that it sends to, on two ports, and the pieces of config that
// the capture suites put together.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { dial, sdk } from '../conformance/clients.mjs';
import { connectHub } from '../conformance/hub.mjs';
import { media, Server } from '../server.mjs';

/** The demo's video and detector, or null where script/media has not fetched them. */
export const demo = (() => {
  const files = {
    video: media('vtest.avi'),
    model: media('models/detector.tflite'),
    labels: media('models/labels.txt'),
    pictures: ['astronaut.png', 'coffee.png'].map(media),
  };
  return Object.values(files).flat().includes(null) ? null : files;
})();
export const withoutDemo = demo === null ? 'the demo media are not there: run script/media' : false;

/** A file of the test data, or null where BOWERBIRD_TEST_DATA is not set. */
export function testData(name) {
  const file = path.join(process.env.BOWERBIRD_TEST_DATA ?? '/nonexistent', name);
  return existsSync(file) ? file : null;
}

export const capturing = (...methods) => [
  { type: 'data_manager', attributes: { capture_methods: methods } },
];

export const camera = (name, model, attributes, ...methods) => ({
  name, api: 'rdk:component:camera', model, attributes, service_configs: capturing(...methods),
});
export const street = (...methods) =>
  camera('street', 'ffmpeg', { video_path: demo.video, loop: true, realtime: true }, ...methods);
export const model = (name, modelPath, labelPath) => ({
  name, api: 'rdk:service:mlmodel', model: 'viam:mlmodel-tflite:tflite_cpu',
  attributes: { model_path: modelPath, ...(labelPath ? { label_path: labelPath } : {}) },
});
export const vision = (name, attributes, ...methods) => ({
  name, api: 'rdk:service:vision', model: 'mlmodel', attributes,
  service_configs: capturing(...methods),
});

/** A sensor whose reading is the last line of a file. */
export const lineSensor = (name, file) => ({
  name, api: 'rdk:component:sensor', model: 'exec',
  attributes: { argv: ['tail', '-n', '1', '-F', '-s', '0.05', file] },
});

export class Pair {
  /** `manager`: attributes of the data manager. */
  static async start({ components = [], services = [], modules = [], manager = {} }) {
    const pair = new Pair();
    pair.hub = await Server.start({ config: {}, args: ['--role', 'hub'] });
    pair.client = await connectHub(pair.hub.url, 'grpc');
    pair.machine = await Server.start({
      config: pair.config({ components, services, modules, manager }),
      args: ['--role', 'machine', '--hub', pair.hub.url],
    });
    pair.robot = await dial(pair.machine.url, 'grpc');
    return pair;
  }

  config({ components = [], services = [], modules = [], manager = {} }) {
    const data = {
      name: 'data', api: 'rdk:service:data_manager', model: 'rdk:builtin:builtin',
      attributes: { sync_interval_mins: 0.003, ...manager },
    };
    return { modules, components, services: [...services, data] };
  }

  configure(config) {
    this.machine.configure(this.config(config));
  }

  get dataManager() {
    return new sdk.DataManagerClient(this.robot, 'data');
  }

  async status() {
    return this.dataManager.doCommand(sdk.Struct.fromJson({ command: 'status' }));
  }

  /** What the data manager says of one capture. */
  async collector(resource, method) {
    const { capture } = await this.status();
    return capture.collectors.find(
      (one) => one.resource.endsWith(`/${resource}`) && one.method === method);
  }

  /** All pictures that the hub has of a resource, oldest first. */
  async pictures(componentName) {
    const items = [];
    for (let last = ''; ; ) {
      const page = await this.client.data.binaryDataByFilter(
        { componentName }, 100, sdk.dataApi.Order.ASCENDING, last, false);
      items.push(...page.data);
      if (page.data.length === 0 || page.last === '') return items;
      last = page.last;
    }
  }

  async bytes(item) {
    const [found] = await this.client.data.binaryDataByIds([item.metadata.binaryDataId]);
    return found.binary;
  }

  async close() {
    await this.machine?.close();
    await this.hub?.close();
    // What the SDK keeps open would keep the test alive.
    setTimeout(() => process.exit(), 200).unref();
  }
}
