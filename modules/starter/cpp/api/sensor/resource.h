// SPDX-License-Identifier: Apache-2.0
//
// A sensor that counts how often it was read, in steps of the attribute "step".
#pragma once

#include <mutex>

#include "component/sensor/v1/sensor.pb.h"
#include "module.h"

class MyResource : public module::Resource {
 public:
  explicit MyResource(const module::Config& config);

  grpc::Status GetReadings(const viam::common::v1::GetReadingsRequest& request,
                           viam::common::v1::GetReadingsResponse& response);
  grpc::Status DoCommand(const viam::common::v1::DoCommandRequest& request,
                         viam::common::v1::DoCommandResponse& response);

 private:
  const double step_;
  std::mutex mutex_;
  double count_ = 0;  // of mutex_
};

// Tells the module of the model and its calls.
void Register(module::Module& program, const std::string& api, const std::string& model);
