// SPDX-License-Identifier: Apache-2.0
//
// Every call of the hub's services with a request that means things of one organization, for tests
// that make it as somebody else. A call that is missing here fails them.
//
// `request`: of the world (world.mjs). `write`: takes the owner's role, so an operator is refused.
// `upload`: an operator may, for that is what machines are. `ends`: of the owner's calls, after the
// others. `owner`: the code for its owner, if it is not a success; `seen`: for whoever may see, where
// the world has none. `admin`: only for keys of the server's own. `refused`: not served, for whomever.
import { FAILED_PRECONDITION, NOT_FOUND } from '../conformance/codes.mjs';

const filter = (w) => ({ organizationIds: [w.organization] });
const page = (w) => ({ dataRequest: { filter: filter(w) } });
// The same without naming the organization: whoever sees nothing of it gets an empty answer.
const unnamed = (w) => ({ robotId: w.robot });

const metadata = (w, more = {}) => ({
  partId: w.part,
  componentType: 'rdk:component:camera',
  componentName: 'cam',
  methodName: 'ReadImage',
  type: 'DATA_TYPE_BINARY_SENSOR',
  fileExtension: '.bin',
  ...more,
});
const sensor = { timeRequested: '2026-02-01T00:00:00Z', timeReceived: '2026-02-01T00:00:01Z' };
const bytes = Buffer.from('sent by the table of calls').toString('base64');
const readings = (w) => ({
  partId: w.part,
  resourceName: 'gauge',
  resourceSubtype: 'rdk:component:sensor',
  methodName: 'Readings',
});
const boxOf = (w) => ({ binaryDataId: w.item, bboxId: w.box });
const read = (request, more = {}) => ({ request, ...more });
const write = (request, more = {}) => ({ request, write: true, ...more });
const refused = { request: () => ({}), refused: true };

const data = {
  TabularDataByFilter: [read(page), read((w) => ({ dataRequest: { filter: unnamed(w) } }))],
  TabularDataBySQL: read((w) => ({
    organizationId: w.organization,
    sqlQuery: 'SELECT * FROM readings',
  })),
  ExportTabularData: read(readings),
  GetLatestTabularData: read(readings),
  BinaryDataByFilter: [
    read((w) => ({ ...page(w), includeBinary: true })),
    read((w) => ({ dataRequest: { filter: unnamed(w) } })),
    read((w) => ({ dataRequest: { filter: { datasetId: w.dataset } } })),
    read((w) => ({ dataRequest: { filter: { tagsFilter: { tags: [w.tag] } } }, countOnly: true })),
  ],
  BinaryDataByIDs: [
    read((w) => ({ binaryDataIds: [w.item] })),
    read((w) => ({ binaryDataIds: [w.file] })),
    read((w) => ({
      binaryIds: [{ fileId: w.file, organizationId: w.organization, locationId: w.location }],
    })),
  ],
  DeleteTabularData: write((w) => ({ organizationId: w.organization, deleteOlderThanDays: 0 }), {
    ends: true,
  }),
  DeleteBinaryDataByFilter: [
    write((w) => ({ filter: { ...filter(w), componentName: w.spareComponent } }), { ends: true }),
    write((w) => ({ filter: { componentName: w.spareComponent } }), { ends: true }),
  ],
  DeleteBinaryDataByIDs: write((w) => ({ binaryDataIds: [w.spareItem] }), { ends: true }),
  AddTagsToBinaryDataByIDs: write((w) => ({ binaryDataIds: [w.item], tags: ['added'] })),
  AddTagsToBinaryDataByFilter: [
    write((w) => ({ filter: filter(w), tags: ['added'] })),
    write((w) => ({ filter: unnamed(w), tags: ['added'] })),
  ],
  RemoveTagsFromBinaryDataByIDs: write((w) => ({ binaryDataIds: [w.item], tags: [w.tag] }), {
    ends: true,
  }),
  RemoveTagsFromBinaryDataByFilter: [
    write((w) => ({ filter: filter(w), tags: [w.tag] }), { ends: true }),
    write((w) => ({ filter: unnamed(w), tags: [w.tag] }), { ends: true }),
  ],
  TagsByFilter: [read((w) => ({ filter: filter(w) })), read((w) => ({ filter: unnamed(w) }))],
  AddBoundingBoxToImageByID: write((w) => ({
    binaryDataId: w.item,
    label: 'added',
    xMinNormalized: 0.1,
    yMinNormalized: 0.1,
    xMaxNormalized: 0.5,
    yMaxNormalized: 0.5,
  })),
  UpdateBoundingBox: write((w) => ({ ...boxOf(w), label: 'changed' })),
  RemoveBoundingBoxFromImageByID: write(boxOf, { ends: true }),
  BoundingBoxLabelsByFilter: [
    read((w) => ({ filter: filter(w) })),
    read((w) => ({ filter: unnamed(w) })),
  ],
  AddBinaryDataToDatasetByIDs: write((w) => ({ binaryDataIds: [w.item], datasetId: w.dataset })),
  RemoveBinaryDataFromDatasetByIDs: write(
    (w) => ({ binaryDataIds: [w.item], datasetId: w.dataset }),
    { ends: true },
  ),
  CreateBinaryDataSignedURL: read((w) => ({ binaryDataId: w.item })),
  TabularDataByMQL: refused,
  GetDatabaseConnection: refused,
  ConfigureDatabaseUser: refused,
  AddSequencesToDataset: refused,
  RemoveSequencesFromDataset: refused,
  CreateIndex: refused,
  ListIndexes: refused,
  DeleteIndex: refused,
  CreateSavedQuery: refused,
  UpdateSavedQuery: refused,
  GetSavedQuery: refused,
  DeleteSavedQuery: refused,
  ListSavedQueries: refused,
  CreateSequence: refused,
  GetSequence: refused,
  UpdateSequence: refused,
  DeleteSequence: refused,
  ListSequences: refused,
  SequencesByDatasetID: refused,
  GetSequenceBinaryData: refused,
};

const dataset = {
  CreateDataset: write((w) => ({ organizationId: w.organization, name: 'made by the table' })),
  RenameDataset: write((w) => ({ id: w.dataset, name: w.datasetName })),
  DeleteDataset: write((w) => ({ id: w.spareDataset }), { ends: true }),
  ListDatasetsByOrganizationID: read((w) => ({ organizationId: w.organization })),
  ListDatasetsByIDs: read((w) => ({ ids: [w.dataset] })),
  MergeDatasets: [
    write((w) => ({
      datasetIds: [w.dataset, w.spareDataset],
      name: 'merged by the table',
      organizationId: w.organization,
    })),
    write((w) => ({ datasetIds: [w.dataset, w.spareDataset], name: 'merged without a name' })),
  ],
  StartSequenceDatasetExport: refused,
  GetSequenceDatasetExport: refused,
};

const datasync = {
  DataCaptureUpload: read(
    (w) => ({ metadata: metadata(w), sensorContents: [{ metadata: sensor, binary: bytes }] }),
    { upload: true },
  ),
  FileUpload: read(
    (w) => [
      { metadata: metadata(w, { type: 'DATA_TYPE_FILE', fileName: 'a.bin' }) },
      { fileContents: { data: bytes } },
    ],
    { upload: true },
  ),
  StreamingDataCaptureUpload: read(
    (w) => [
      { metadata: { uploadMetadata: metadata(w), sensorMetadata: sensor } },
      { data: bytes },
    ],
    { upload: true },
  ),
};

const app = {
  CreateOrganization: write(() => ({ name: 'made by the table' }), { admin: true }),
  ListOrganizations: read(() => ({})),
  GetOrganization: read((w) => ({ organizationId: w.organization })),
  UpdateOrganization: write((w) => ({ organizationId: w.organization, region: 'here' })),
  CreateLocation: write((w) => ({ organizationId: w.organization, name: 'made by the table' })),
  GetLocation: read((w) => ({ locationId: w.location })),
  UpdateLocation: write((w) => ({ locationId: w.location, region: 'there' })),
  DeleteLocation: write((w) => ({ locationId: w.spareLocation }), { ends: true }),
  ListLocations: read((w) => ({ organizationId: w.organization })),
  GetRobot: read((w) => ({ id: w.robot })),
  GetRobotParts: read((w) => ({ robotId: w.robot })),
  GetRobotPart: read((w) => ({ id: w.part })),
  NewRobotPart: write((w) => ({ robotId: w.robot, partName: 'made by the table' })),
  DeleteRobotPart: write((w) => ({ partId: w.sparePart }), { ends: true }),
  GetRobotAPIKeys: write((w) => ({ robotId: w.robot })),
  ListRobots: read((w) => ({ locationId: w.location })),
  ListRobotsForLocations: read((w) => ({ locationIds: [w.location] })),
  ListRobotsForOrg: read((w) => ({ orgId: w.organization })),
  NewRobot: write((w) => ({ name: 'made by the table', location: w.location })),
  UpdateRobot: write((w) => ({ id: w.spareRobot, name: 'renamed by the table', location: w.location })),
  DeleteRobot: write((w) => ({ id: w.spareRobot }), { ends: true }),
  CreateKey: write((w) => ({
    name: 'made by the table',
    authorizations: [
      {
        authorizationType: 'role',
        authorizationId: 'organization_owner',
        resourceType: 'organization',
        resourceId: w.organization,
        identityType: 'api-key',
        organizationId: w.organization,
      },
    ],
  })),
  DeleteKey: write((w) => ({ id: w.spareKey }), { ends: true }),
  ListKeys: write((w) => ({ orgId: w.organization })),
  RenameKey: write((w) => ({ id: w.spareKey, name: 'renamed' })),
};

const snapshot = {
  CreateSnapshot: write((w) => ({ datasetId: w.dataset, name: 'made by the table' })),
  ListSnapshots: read((w) => ({ datasetId: w.dataset })),
  GetSnapshot: read((w) => ({ id: w.snapshot })),
  ReadManifest: read((w) => ({ id: w.snapshot })),
  DiffSnapshots: read((w) => ({ fromId: w.snapshot, toId: w.snapshot })),
  RestoreSnapshot: write((w) => ({ id: w.snapshot })),
  GetStatistics: [
    read((w) => ({ datasetId: w.dataset })),
    read((w) => ({ snapshotId: w.snapshot })),
  ],
  GetLeakReport: read((w) => ({ snapshotId: w.snapshot })),
  DeleteSnapshot: write((w) => ({ id: w.snapshot }), { ends: true }),
};

const annotation = {
  ReadAnnotations: [
    read((w) => ({ filter: filter(w) })),
    read((w) => ({ filter: unnamed(w) })),
    read((w) => ({ filter: { datasetId: w.dataset } })),
  ],
  ListAnnotationChanges: read((w) => ({ binaryDataId: w.item })),
  // Changed again by the calls before, which its owner is told.
  UndoAnnotationChange: write((w) => ({ changeId: w.change }), { owner: FAILED_PRECONDITION }),
  SetAnnotations: write((w) => ({
    items: [{ binaryDataId: w.item, annotations: { classifications: [{ label: 'set' }] } }],
  }), { ends: true }),
};

const upkeep = {
  VerifyData: read(() => ({ quick: true })),
  ApplyRetention: [
    write((w) => ({ days: 1, filter: filter(w), dryRun: true })),
    write((w) => ({ days: 1, filter: unnamed(w), dryRun: true })),
  ],
};

const download = {
  ReadFile: [
    read((w) => ({ binaryDataId: w.item })),
    read((w) => ({ binaryDataId: w.item, preview: true })),
  ],
  // Whoever has the link may: it stands for the one who made it. Made up, it opens nothing.
  ReadSignedFile: read(
    (w) => ({ file: { binaryDataId: w.item }, expires: `${2 ** 40}`, signature: 'made-up' }),
    { forNobody: true },
  ),
};

const newJob = (w) => ({
  organizationId: w.organization,
  datasetId: w.dataset,
  modelName: 'made-by-the-table',
  modelType: 'MODEL_TYPE_MULTI_LABEL_CLASSIFICATION',
});
const job = (w) => ({ id: w.job });
// The world's only job has ended.
const late = { owner: FAILED_PRECONDITION };

const mltraining = {
  SubmitTrainingJob: write(newJob),
  GetTrainingJob: read(job),
  ListTrainingJobs: read((w) => ({ organizationId: w.organization })),
  GetTrainingJobLogs: read(job),
  CancelTrainingJob: write(job, late),
  DeleteCompletedTrainingJob: write(job, { ends: true }),
  SubmitCustomTrainingJob: refused,
  ListSupportedContainers: refused,
};

const training = {
  SubmitTraining: write((w) => ({ job: newJob(w), choices: { seed: '3' } })),
  GetTraining: read(job),
  WatchTraining: read(job),
  FinishTraining: write(job, late),
};

const noModel = { seen: NOT_FOUND };
const modelOf = (w) => ({ organizationId: w.organization, name: 'none', version: '1' });
const model = {
  ListModels: read((w) => ({ organizationId: w.organization })),
  GetModel: read(modelOf, noModel),
  ReadModelFile: read((w) => ({ ...modelOf(w), file: 'model.tflite' }), noModel),
  GetLineage: read(modelOf, noModel),
  FindNeighbours: [
    read((w) => ({ ...modelOf(w), image: 'AAAA' }), noModel),
    read((w) => ({ ...modelOf(w), binaryDataId: w.file }), noModel),
  ],
  DeleteModel: write(modelOf, noModel),
};

export const CALLS = {
  'viam.app.data.v1.DataService': data,
  'viam.app.dataset.v1.DatasetService': dataset,
  'viam.app.datasync.v1.DataSyncService': datasync,
  'viam.app.v1.AppService': app,
  'viam.app.mltraining.v1.MLTrainingService': mltraining,
  'bowerbird.v1.TrainingService': training,
  'bowerbird.v1.ModelService': model,
  'bowerbird.v1.SnapshotService': snapshot,
  'bowerbird.v1.AnnotationService': annotation,
  'bowerbird.v1.UpkeepService': upkeep,
  'bowerbird.v1.DownloadService': download,
};
