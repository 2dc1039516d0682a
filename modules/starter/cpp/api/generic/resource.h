// SPDX-License-Identifier: Apache-2.0
//
// Takes the command {"add": [1, 2]} and answers {"sum": 3}, plus the attribute "offset".
#pragma once

#include "common/v1/common.pb.h"
#include "module.h"

class MyResource : public module::Resource {
 public:
  explicit MyResource(const module::Config& config);

  grpc::Status DoCommand(const viam::common::v1::DoCommandRequest& request,
                         viam::common::v1::DoCommandResponse& response);

 private:
  const double offset_;
};

// Tells the module of the model and its calls.
void Register(module::Module& program, const std::string& api, const std::string& model);
