// SPDX-License-Identifier: Apache-2.0
//
// What every module in Node.js needs: it listens where the machine says, answers the calls of the
// module protocol, keeps the resources, and finds those of the machine. The messages are described
// by the .proto files in proto/, which @grpc/proto-loader reads at the start.
import { existsSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export const { status } = grpc;

const MAX_MESSAGE = 32 << 20; // bytes; what machines send and take at most
const CALL_DEADLINE_MS = 30_000; // of calls to the machine

/** API -> [its .proto file, its service]. */
export const APIS = {
  'rdk:component:sensor': ['component/sensor/v1/sensor.proto', 'viam.component.sensor.v1.SensorService'],
  'rdk:component:camera': ['component/camera/v1/camera.proto', 'viam.component.camera.v1.CameraService'],
  'rdk:component:generic': ['component/generic/v1/generic.proto', 'viam.component.generic.v1.GenericService'],
  'rdk:service:generic': ['service/generic/v1/generic.proto', 'viam.service.generic.v1.GenericService'],
  'rdk:service:mlmodel': ['service/mlmodel/v1/mlmodel.proto', 'viam.service.mlmodel.v1.MLModelService'],
  'rdk:service:vision': ['service/vision/v1/vision.proto', 'viam.service.vision.v1.VisionService'],
};
const MODULE = ['module/v1/module.proto', 'viam.module.v1.ModuleService'];

/** What a caller is told: a gRPC status code and a sentence. */
export class CallError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}
export const invalid = (message) => new CallError(status.INVALID_ARGUMENT, message);

/** google.protobuf.Struct to a plain object, and back. */
export const fromStruct = (struct) =>
  Object.fromEntries(Object.entries(struct?.fields ?? {}).map(([key, value]) => [key, fromValue(value)]));
export const toStruct = (object) => ({
  fields: Object.fromEntries(Object.entries(object).map(([key, value]) => [key, toValue(value)])),
});

export function fromValue(value) {
  if (value?.structValue) return fromStruct(value.structValue);
  if (value?.listValue) return (value.listValue.values ?? []).map(fromValue);
  return value?.numberValue ?? value?.stringValue ?? value?.boolValue ?? null;
}

export function toValue(value) {
  if (typeof value === 'number') return { numberValue: value };
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (Array.isArray(value)) return { listValue: { values: value.map(toValue) } };
  if (value === null || value === undefined) return { nullValue: 'NULL_VALUE' };
  return { structValue: toStruct(value) };
}

const target = (address) => (address.startsWith('/') ? `unix:${address}` : address);
const shortName = (fullName) => fullName.split('/').at(-1);
const apiOf = (config) => config.api || `${config.namespace || 'rdk'}:component:${config.type}`;

/** The .proto files beside this one, or in a folder above it that has them. */
function protoFolder() {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'proto', MODULE[0]))) {
    if (folder === path.dirname(folder)) throw new Error('the folder proto/ is missing beside the module');
    folder = path.dirname(folder);
  }
  return path.join(folder, 'proto');
}

/** The definition of a service: {method: {path, requestDeserialize, ...}}. */
export function serviceOf([file, service]) {
  const options = { keepCase: false, longs: Number, enums: String, includeDirs: [protoFolder()] };
  return loadSync(file, options)[service];
}

/** The machine that runs the module. */
class Machine {
  #clients = new Map();

  connect(address) {
    this.address = address;
  }

  /** Calls `method` (as the .proto file names it) of the machine's resource `request.name`. */
  call(api, method, request, deadlineMs = CALL_DEADLINE_MS) {
    if (!this.#clients.has(api)) {
      const Client = grpc.makeGenericClientConstructor(serviceOf(APIS[api]), api);
      this.#clients.set(api, new Client(target(this.address), grpc.credentials.createInsecure(), {
        'grpc.max_receive_message_length': MAX_MESSAGE,
        'grpc.max_send_message_length': MAX_MESSAGE,
      }));
    }
    const client = this.#clients.get(api);
    return new Promise((resolve, reject) => {
      client[method](request, { deadline: Date.now() + deadlineMs }, (error, response) =>
        error ? reject(new CallError(error.code, error.details)) : resolve(response));
    });
  }
}

export class Module {
  #models = []; // {api, model, validate, create}
  #resources = new Map(); // name -> {api, resource}
  machine = new Machine();

  /**
   * `model`: "namespace:family:name" of `api`, which stands in APIS.
   * `validate(attributes)` gives {required, optional}, names of resources, or throws.
   * `create({name, attributes, dependencies}, machine)` gives the resource, or throws: an object whose
   * methods are named as those of the API, first letter small. They get the request and give the answer.
   * close(), if it has one, is called at its end.
   */
  add({ api, model, validate = () => ({}), create }) {
    if (!APIS[api]) throw new Error(`${api} does not stand in APIS of module.mjs`);
    this.#models.push({ api, model, validate, create });
  }

  #entry(config) {
    const found = this.#models.find(({ api, model }) => api === apiOf(config) && model === config.model);
    if (!found) throw invalid(`this module has no model ${config.model} of ${apiOf(config)}`);
    return found;
  }

  #protocol = {
    Ready: ({ parentAddress, rawParentAddress }) => {
      this.machine.connect(rawParentAddress || parentAddress);
      const handlers = this.#models.map(({ api, model }) => {
        const [namespace, type, subtype] = api.split(':');
        return { subtype: { subtype: { namespace, type, subtype }, protoService: APIS[api][1] }, models: [model] };
      });
      return { ready: true, handlermap: { handlers } };
    },
    ValidateConfig: async ({ config }) => {
      const { required = [], optional = [] } = await this.#entry(config).validate(fromStruct(config.attributes));
      return { dependencies: required, optionalDependencies: optional };
    },
    AddResource: async ({ config, dependencies }) => {
      const { api, create } = this.#entry(config);
      await this.#close(config.name);
      const given = { name: config.name, attributes: fromStruct(config.attributes), dependencies };
      this.#resources.set(config.name, { api, resource: await create(given, this.machine) });
      return {};
    },
    ReconfigureResource: (request) => this.#protocol.AddResource(request),
    RemoveResource: async ({ name }) => {
      await this.#close(shortName(name));
      return {};
    },
  };

  async #close(name) {
    const known = this.#resources.get(name);
    this.#resources.delete(name);
    await known?.resource.close?.();
  }

  // A call for a resource, by the name in its request.
  #dispatch(api, method) {
    const own = method[0].toLowerCase() + method.slice(1);
    return (request) => {
      const known = this.#resources.get(request.name);
      if (known?.api !== api) throw new CallError(status.NOT_FOUND, `no resource of ${api} is named "${request.name}"`);
      if (!known.resource[own]) throw new CallError(status.UNIMPLEMENTED, `${method} is not served by "${request.name}"`);
      return known.resource[own](request);
    };
  }

  #serve(server, definition, handlerOf) {
    const unary = Object.entries(definition).filter(([, { requestStream, responseStream }]) => !requestStream && !responseStream);
    const answer = (handler) => async (call, done) => {
      try {
        done(null, await handler(call.request));
      } catch (error) {
        if (error.code === undefined) console.error(error.stack);
        done({ code: Number.isInteger(error.code) ? error.code : status.INTERNAL, details: error.message });
      }
    };
    server.addService(
      Object.fromEntries(unary),
      Object.fromEntries(unary.map(([method]) => [method, answer(handlerOf(method))])),
    );
  }

  /** `definitions`: definitions to use in place of those of serviceOf, by API. */
  async run([address] = process.argv.slice(2), definitions = {}) {
    if (!address) throw new Error('usage: the machine starts this program with the path of a socket');
    const server = new grpc.Server({
      'grpc.max_receive_message_length': MAX_MESSAGE,
      'grpc.max_send_message_length': MAX_MESSAGE,
    });
    this.#serve(server, serviceOf(MODULE), (method) => this.#protocol[method]);
    for (const api of new Set(this.#models.map((entry) => entry.api)))
      this.#serve(server, definitions[api] ?? serviceOf(APIS[api]), (method) => this.#dispatch(api, method));
    process.once('SIGTERM', async () => {
      for (const name of [...this.#resources.keys()]) await this.#close(name);
      server.forceShutdown();
      if (existsSync(address)) unlinkSync(address);
      process.exit();
    });
    await new Promise((resolve, reject) =>
      server.bindAsync(target(address), grpc.ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())));
  }
}
