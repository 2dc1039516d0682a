// SPDX-License-Identifier: Apache-2.0
//
// What every client may rely on, once for all transports: each case gets the SDK and a connected
// RobotClient, in Node.js or in a browser. The machine is the one of machine.mjs.
import { robotCases } from './cases_robot.mjs';
import { componentCases } from './cases_components.mjs';
import { modelCases } from './cases_model.mjs';
import { visionCases } from './cases_vision.mjs';

export const cases = [...robotCases, ...componentCases, ...modelCases, ...visionCases];
