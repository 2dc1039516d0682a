// SPDX-License-Identifier: Apache-2.0
//
// A model that multiplies what it is given by the attribute "factor": float32 in and out, of any
// shape.
#pragma once

#include "module.h"
#include "service/mlmodel/v1/mlmodel.pb.h"

class MyResource : public module::Resource {
 public:
  explicit MyResource(const module::Config& config);

  grpc::Status Metadata(const viam::service::mlmodel::v1::MetadataRequest& request,
                        viam::service::mlmodel::v1::MetadataResponse& response);
  grpc::Status Infer(const viam::service::mlmodel::v1::InferRequest& request,
                     viam::service::mlmodel::v1::InferResponse& response);

 private:
  const std::string name_;
  const float factor_;
};

// Tells the module of the model and its calls.
void Register(module::Module& program, const std::string& api, const std::string& model);
