// SPDX-License-Identifier: Apache-2.0
//
// A hub with one organization that has something of everything, made through the public API, and
// keys of all kinds: its owner and its operator, the owner of another organization, an operator of
// a location beside.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { eventually, root, Server } from '../server.mjs';
import { caller, loadServices } from './services.mjs';

export const ADMIN = { id: '3c1b7a52-77b4-4c5e-8a55-1f5f30d0aa01', key: 'the-key-of-the-operator' };

export const services = Object.fromEntries(
  loadServices().map((service) => [service.typeName, service]),
);
const [data, dataset, datasync, app] = [
  ...['viam.app.data.v1.DataService', 'viam.app.dataset.v1.DatasetService'],
  ...['viam.app.datasync.v1.DataSyncService', 'viam.app.v1.AppService'],
].map((name) => services[name]);
const training = services['viam.app.mltraining.v1.MLTrainingService'];
const snapshots = services['bowerbird.v1.SnapshotService'];
const annotations = services['bowerbird.v1.AnnotationService'];

export async function startHub(args = []) {
  const keys = { keys: [ADMIN.id], [ADMIN.id]: ADMIN.key };
  const server = await Server.start({
    config: { auth: { handlers: [{ type: 'api-key', config: keys }] } },
    args: ['--role', 'hub', ...args],
  });
  // Enough to submit a job; no trainer can begin with it.
  mkdirSync(path.join(server.folder, 'data/bases'), { recursive: true });
  writeFileSync(path.join(server.folder, 'data/bases/default.tflite'), 'no model');
  return server;
}

/** A key with one role, made by `call`. */
export function makeKey(call, kind, id, role, name = `${kind} ${role}`) {
  const authorization = {
    authorizationType: 'role',
    authorizationId: `${kind}_${role}`,
    resourceType: kind,
    resourceId: id,
    identityType: 'api-key',
  };
  return call(app, 'CreateKey', { name, authorizations: [authorization] });
}

export function uploadBinary(call, part, second, content, more = {}) {
  const time = new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
  return call(datasync, 'DataCaptureUpload', {
    metadata: {
      partId: part,
      componentType: 'rdk:component:camera',
      componentName: 'cam',
      methodName: 'ReadImage',
      type: 'DATA_TYPE_BINARY_SENSOR',
      fileExtension: '.jpg',
      ...more,
    },
    sensorContents: [
      {
        metadata: { timeRequested: time, timeReceived: time },
        binary: Buffer.from(content).toString('base64'),
      },
    ],
  }).then((answer) => answer.binaryDataId);
}

export function uploadReading(call, part, second, struct) {
  const time = new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
  return call(datasync, 'DataCaptureUpload', {
    metadata: {
      partId: part,
      componentType: 'rdk:component:sensor',
      componentName: 'gauge',
      methodName: 'Readings',
      type: 'DATA_TYPE_TABULAR_SENSOR',
    },
    sensorContents: [{ metadata: { timeRequested: time, timeReceived: time }, struct }],
  });
}

export const picture = readFileSync(path.join(root, 'tests/hub/picture.jpg'));

async function fill(w, call) {
  w.item = await uploadBinary(call, w.part, 1, picture);
  w.file = w.item.split('/').at(-1);
  w.spareComponent = 'spare';
  w.spareItem = await uploadBinary(call, w.part, 2, 'spare', { componentName: 'spare' });
  await uploadReading(call, w.part, 3, { readings: { kelvin: 271.828 } });
  w.tag = 'tag-of-a';
  await call(data, 'AddTagsToBinaryDataByIDs', { binaryDataIds: [w.item], tags: [w.tag] });
  const corners = { xMinNormalized: 0, yMinNormalized: 0, xMaxNormalized: 0.5, yMaxNormalized: 0.5 };
  const box = { binaryDataId: w.item, label: 'label-of-a', ...corners };
  w.box = (await call(data, 'AddBoundingBoxToImageByID', box)).bboxId;
  const history = await call(annotations, 'ListAnnotationChanges', { binaryDataId: w.item });
  w.change = history.changes[0].id;
  w.datasetName = 'dataset-of-a';
  const make = (name) => call(dataset, 'CreateDataset', { organizationId: w.organization, name });
  w.dataset = (await make(w.datasetName)).id;
  w.spareDataset = (await make('spare-of-a')).id;
  await call(data, 'AddBinaryDataToDatasetByIDs', { binaryDataIds: [w.item], datasetId: w.dataset });
  const made = await call(snapshots, 'CreateSnapshot', { datasetId: w.dataset, name: 'first' });
  w.snapshot = made.snapshot.id;
  const job = { organizationId: w.organization, datasetId: w.dataset, modelName: 'model-of-a' };
  const type = 'MODEL_TYPE_MULTI_LABEL_CLASSIFICATION';
  w.job = (await call(training, 'SubmitTrainingJob', { ...job, modelType: type })).id;
  await eventually(async () => {
    const { metadata } = await call(training, 'GetTrainingJob', { id: w.job });
    return metadata.status === 'TRAINING_STATUS_FAILED';
  });
}

/** The ids of everything in `server`'s first organization, and the callers. */
export async function makeWorld(server) {
  const admin = caller(server.url, ADMIN);
  const w = { admin };
  w.organization = (await admin(app, 'ListOrganizations', {})).organizations[0].id;
  const own = (name) => admin(app, 'ListLocations', { organizationId: name });
  w.location = (await own(w.organization)).locations[0].id;
  w.robot = (await admin(app, 'ListRobots', { locationId: w.location })).robots[0].id;
  w.part = (await admin(app, 'GetRobotParts', { robotId: w.robot })).parts[0].id;
  const place = (organizationId, name) => admin(app, 'CreateLocation', { organizationId, name });
  w.spareLocation = (await place(w.organization, 'spare')).location.id;
  w.beside = (await place(w.organization, 'beside')).location.id;
  w.spareRobot = (await admin(app, 'NewRobot', { name: 'spare', location: w.location })).id;
  const spare = { robotId: w.robot, partName: 'spare' };
  w.sparePart = (await admin(app, 'NewRobotPart', spare)).partId;
  const other = await admin(app, 'CreateOrganization', { name: 'other' });
  w.otherOrganization = other.organization.id;

  const key = async (...what) => caller(server.url, await makeKey(admin, ...what));
  w.owner = await key('organization', w.organization, 'owner');
  w.operator = await key('organization', w.organization, 'operator');
  w.stranger = await key('organization', w.otherOrganization, 'owner');
  w.neighbour = await key('location', w.beside, 'owner');
  w.spareKey = (await makeKey(admin, 'robot', w.robot, 'operator', 'spare-key-of-a')).id;
  await fill(w, w.owner);
  return w;
}
