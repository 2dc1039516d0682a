// SPDX-License-Identifier: Apache-2.0
import * as code from './codes.mjs';
import { equal, ok, rejects } from './expect.mjs';

const READY = 3;
const UNHEALTHY = 5;
const RUNNING = 2;

const WORKING = [
  'rdk:component:camera/cam',
  'rdk:component:camera/half',
  'rdk:component:camera/moving',
  'rdk:component:camera/silent',
  'rdk:component:generic/gadget',
  'rdk:component:sensor/climate',
  'rdk:service:generic/helper',
  'rdk:service:mlmodel/detector',
  'rdk:service:vision/finder',
  'rdk:service:vision/pretender',
  'rdk:service:vision/yellow',
];

const full = (name) => `${name.namespace}:${name.type}:${name.subtype}/${name.name}`;

/** Waits until an operation of this method runs, and gives it. */
async function running(robot, method) {
  for (let i = 0; i < 200; i++) {
    const found = (await robot.getOperations()).find((one) => one.method.endsWith(method));
    if (found) return found;
  }
  throw new Error(`no ${method} in the list of operations`);
}

/** A call that only a deadline or a cancellation ends: the camera never sends a picture. */
function endless(sdk, robot, options) {
  const call = new sdk.CameraClient(robot, 'silent').getImages([], {}, options);
  call.catch(() => {}); // looked at later
  return call;
}

export const robotCases = [
  {
    name: 'ResourceNames lists every resource that works',
    async run({ robot }) {
      const names = (await robot.resourceNames()).map(full).sort();
      for (const name of WORKING) ok(names.includes(name), `${name} is not in ${names}`);
      ok(!names.includes('rdk:component:camera/broken'), 'a resource that was never built is listed');
    },
  },
  {
    name: 'GetMachineStatus tells state and error of each resource',
    async run({ robot }) {
      const status = await robot.getMachineStatus();
      equal(status.state, RUNNING, 'state');
      ok(status.config !== undefined, 'the config status is set');
      const byName = new Map(status.resources.map((one) => [full(one.name), one]));
      for (const name of WORKING) equal(byName.get(name)?.state, READY, name);
      const broken = byName.get('rdk:component:camera/broken');
      equal(broken?.state, UNHEALTHY, 'state of the broken camera');
      ok(/width/.test(broken.error) && /wide/.test(broken.error), `"${broken.error}" names the fault`);
    },
  },
  {
    name: 'ResourceRPCSubtypes names the service of each API in use',
    async run({ robot }) {
      const services = (await robot.resourceRPCSubtypes()).map((one) => one.protoService);
      for (const service of [
        'viam.component.camera.v1.CameraService',
        'viam.component.sensor.v1.SensorService',
        'viam.component.generic.v1.GenericService',
        'viam.service.generic.v1.GenericService',
        'viam.service.mlmodel.v1.MLModelService',
        'viam.service.vision.v1.VisionService',
      ])
        ok(services.includes(service), `${service} is not in ${services}`);
    },
  },
  {
    name: 'GetVersion says what runs',
    async run({ robot }) {
      const version = await robot.getVersion();
      ok(/^\S+$/.test(version.platform), `platform "${version.platform}"`);
      ok(/\d+\.\d+\.\d+/.test(version.version), `version "${version.version}"`);
      ok(version.apiVersion !== '', 'the API version is set');
    },
  },
  {
    name: 'FrameSystemConfig answers',
    async run({ robot }) {
      ok(Array.isArray(await robot.frameSystemConfig([])), 'a list');
    },
  },
  {
    name: 'StopAll stops everything, which here is nothing',
    async run({ robot }) {
      await robot.stopAll();
    },
  },
  {
    name: 'a session starts, is listed, is kept alive and ends unknown',
    async run({ robot }) {
      const session = await robot.robotService.startSession({});
      ok(session.id !== '', 'the session has an id');
      ok(session.heartbeatWindow !== undefined, 'the heartbeat window is set');
      await robot.robotService.sendSessionHeartbeat({ id: session.id });
      const listed = (await robot.getSessions()).map((one) => one.id);
      ok(listed.includes(session.id), `${session.id} is not in ${listed}`);
      await rejects(
        () => robot.robotService.sendSessionHeartbeat({ id: 'a2ba6b3e-0000-4000-8000-000000000000' }),
        [code.NOT_FOUND, code.INVALID_ARGUMENT, code.UNAVAILABLE],
      );
    },
  },
  {
    name: 'Log takes an entry of a module',
    async run({ robot }) {
      await robot.robotService.log({
        logs: [{ level: 'info', message: 'from the conformance suite', loggerName: 'test' }],
      });
    },
  },
  {
    name: 'a running call is in the list of operations and can be cancelled there',
    async run({ sdk, robot }) {
      const call = endless(sdk, robot);
      const operation = await running(robot, 'GetImages');
      ok(operation.id !== '', 'it has an id');
      ok(operation.started !== undefined, 'its start is set');
      const blocked = robot.blockForOperation(operation.id);
      await robot.cancelOperation(operation.id);
      await rejects(() => call, code.CANCELED);
      await blocked; // ends with the operation
      const left = (await robot.getOperations()).map((one) => one.id);
      ok(!left.includes(operation.id), 'it is gone from the list');
    },
  },
  {
    name: 'a deadline ends a call at the client and on the machine',
    async run({ sdk, robot }) {
      const began = Date.now();
      await rejects(() => endless(sdk, robot, { timeoutMs: 300 }), code.DEADLINE_EXCEEDED);
      ok(Date.now() - began < 3000, `it took ${Date.now() - began} ms`);
      await gone(robot);
    },
  },
  {
    name: 'a call that the client gives up ends on the machine too',
    async run({ sdk, robot }) {
      const stop = new AbortController();
      const call = endless(sdk, robot, { signal: stop.signal });
      await running(robot, 'GetImages');
      stop.abort();
      await rejects(() => call, code.CANCELED);
      await gone(robot);
    },
  },
  {
    name: 'calls that this machine does not serve are answered UNIMPLEMENTED',
    async run({ sdk, robot }) {
      await rejects(() => new sdk.ArmClient(robot, 'm').isMoving(), code.UNIMPLEMENTED);
      await rejects(() => robot.restartModule(undefined, 'none'), [code.UNIMPLEMENTED, code.NOT_FOUND]);
    },
  },
];

/** No GetImages runs any more, soon. */
async function gone(robot) {
  let left = [];
  for (let i = 0; i < 100; i++) {
    left = (await robot.getOperations()).filter((one) => one.method.endsWith('GetImages'));
    if (left.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`still running: ${left.map((one) => one.id)}`);
}
