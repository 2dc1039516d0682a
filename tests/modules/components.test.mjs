// SPDX-License-Identifier: Apache-2.0
//
// Motors and boards, built in and of a remote; components that are only passed on; what is captured
// of all of these.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { dial, sdk } from '../conformance/clients.mjs';
import { eventually, Server } from '../server.mjs';
import { pythonMessages } from './messages.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const skip = spawnSync('/usr/bin/python3', ['-c', 'import grpc, google.protobuf']).status === 0 ? false : 'python3-grpcio is not installed';

after(() => setTimeout(() => process.exit(), 200).unref());

const capture = (method, additional_params = {}) => ({
  service_configs: [{ type: 'data_manager', attributes: { capture_methods: [{ method, capture_frequency_hz: 20, additional_params }] } }],
});
const THINGS = ['button', 'switch', 'servo', 'movement_sensor', 'power_sensor'];

describe('components', { skip }, () => {
  let messages, folder, far, near, robot, remote;

  before(async () => {
    messages = pythonMessages();
    folder = mkdtempSync(path.join(tmpdir(), 'bowerbird-components-'));
    const captured = { movement_sensor: capture('Readings'), power_sensor: capture('Readings') };
    far = await Server.start({ config: {
      modules: [{ name: 'things', type: 'local', executable_path: path.join(here, 'things.py'), env: { PYTHONPATH: messages.folder } }],
      components: [
        { name: 'motor', api: 'rdk:component:motor', model: 'fake', attributes: { max_rpm: 6000 }, ...capture('Position') },
        { name: 'second', api: 'rdk:component:motor', model: 'fake', ...capture('IsPowered') },
        { name: 'board', api: 'rdk:component:board', model: 'fake',
          attributes: { analogs: [{ name: 'level', pin: 'a0' }], digital_interrupts: [{ name: 'door', pin: '5' }] },
          ...capture('Analogs', { reader_name: 'level' }) },
        { name: 'pins', api: 'rdk:component:board', model: 'fake', ...capture('Gpios', { pin_name: '7' }) },
        ...THINGS.map((subtype) => ({ name: subtype, api: `rdk:component:${subtype}`, model: `test:things:${subtype}`, ...captured[subtype] })),
      ],
      services: [{ name: 'data', api: 'rdk:service:data_manager', model: 'builtin', attributes: { capture_dir: folder, sync_disabled: true } }],
    } });
    near = await Server.start({ config: { remotes: [{ name: 'far', address: `localhost:${far.port}`, insecure: true }] } });
    robot = await dial(far.url, 'grpc');
    remote = await dial(near.url, 'grpc');
    for (const one of [robot, remote])
      await eventually(async () => {
        const names = (await one.resourceNames()).map(({ name }) => name);
        return ['motor', 'board', ...THINGS].every((name) => names.includes(name));
      }, 40_000);
  });
  after(async () => {
    await near?.close();
    await far?.close();
    messages?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const [where, of] of [['here', () => robot], ['of a remote', () => remote]]) {
    it(`a motor ${where} goes as far as it is told`, async () => {
      const motor = new sdk.MotorClient(of(), 'motor');
      await motor.resetZeroPosition(0);
      await motor.goFor(6000, 1.5);
      assert.equal(await motor.getPosition(), 1.5);
      await motor.goTo(6000, -2);
      assert.equal(await motor.getPosition(), -2);
      assert.deepEqual({ ...(await motor.getProperties()) }.positionReporting, true);
      await motor.setPower(0.25);
      assert.equal(await motor.isMoving(), true);
      assert.deepEqual(await motor.isPowered(), [true, 0.25]);
      await motor.stop();
      assert.equal(await motor.isMoving(), false);
      await assert.rejects(() => motor.goFor(0, 1), /not 0/);
      await assert.rejects(() => new sdk.MotorClient(of(), 'nobody').stop(), /nobody/);
    });

    it(`a board ${where} has pins, analogs and interrupts`, async () => {
      const board = new sdk.BoardClient(of(), 'board');
      await board.setGPIO('5', false);
      const before = Number(await board.getDigitalInterruptValue('door'));
      await board.setGPIO('5', true);
      assert.equal(await board.getGPIO('5'), true);
      assert.equal(Number(await board.getDigitalInterruptValue('door')), before + 1);
      await board.setPWM('6', 0.5);
      assert.equal(await board.getPWM('6'), 0.5);
      await board.setPWMFrequency('6', 1000);
      assert.equal(Number(await board.getPWMFrequency('6')), 1000);
      await board.writeAnalog('a0', 1234);
      assert.equal((await board.readAnalogReader('level')).value, 1234);
      const ticks = [];
      const streamed = board.streamTicks(['door'], ticks);
      streamed.catch(() => {});
      await eventually(async () => {
        await board.setGPIO('5', false);
        await board.setGPIO('5', true);
        return ticks.length >= 2;
      });
      assert.equal(ticks[0].pinName, 'door');
    });

    it(`what only a module knows ${where} is passed on`, async () => {
      await new sdk.ButtonClient(of(), 'button').push();
      const position = where === 'here' ? 3 : 2;
      await new sdk.SwitchClient(of(), 'switch').setPosition(position);
      assert.equal(await new sdk.SwitchClient(of(), 'switch').getPosition(), position);
      await new sdk.ServoClient(of(), 'servo').move(90 + position);
      assert.equal(await new sdk.ServoClient(of(), 'servo').getPosition(), 90 + position);
      assert.equal(await new sdk.MovementSensorClient(of(), 'movement_sensor').getCompassHeading(), 42);
      assert.deepEqual(await new sdk.MovementSensorClient(of(), 'movement_sensor').getReadings(), { speed: 1.5 });
      assert.equal((await new sdk.PowerSensorClient(of(), 'power_sensor').getVoltage())[0], 12);
    });
  }

  it('are captured from', async () => {
    await far.stop();
    const files = (api, name, method) => {
      const at = path.join(folder, `rdk_component_${api}`, name, method);
      return readdirSync(at).map((file) => readFileSync(path.join(at, file), 'latin1')).join('');
    };
    assert.match(files('motor', 'motor', 'Position'), /position/);
    assert.match(files('motor', 'second', 'IsPowered'), /is_on[^]*power_pct/);
    assert.match(files('board', 'board', 'Analogs'), /max_range[^]*value/);
    assert.match(files('board', 'pins', 'Gpios'), /high/);
    assert.match(files('movement_sensor', 'movement_sensor', 'Readings'), /readings[^]*speed/);
    assert.match(files('power_sensor', 'power_sensor', 'Readings'), /readings[^]*volts/);
  });
});
