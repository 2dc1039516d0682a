#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// The module onnx: bowerbird:mlmodel:onnx, an ML model service over .onnx files. The same under the
// name that configs of the public registry use.
import { Module, serviceOf, APIS } from './module.mjs';
import { OnnxModel, readAttributes } from './model.mjs';
import { readInferRequest, writeInferResponse } from './tensors.mjs';

const API = 'rdk:service:mlmodel';

// Tensors pass as bytes: arrays of numbers, which a general decoder makes, cost more than most models.
const definition = serviceOf(APIS[API]);
definition.Infer = { ...definition.Infer, requestDeserialize: readInferRequest, responseSerialize: writeInferResponse };

const module = new Module();
for (const model of ['bowerbird:mlmodel:onnx', 'viam:mlmodel:onnx-cpu'])
  module.add({
    api: API,
    model,
    validate: (attributes) => void readAttributes(attributes) ?? {},
    create: ({ attributes }) => OnnxModel.load(attributes),
  });
await module.run(undefined, { [API]: definition });
