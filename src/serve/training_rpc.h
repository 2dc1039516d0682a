// SPDX-License-Identifier: Apache-2.0
//
// viam.app.mltraining.v1.MLTrainingService and bowerbird.v1.TrainingService: two views of the same
// jobs.
#pragma once

#include "serve/training_services.h"

namespace bowerbird::serve {

class MlTrainingRpc : public RpcService {
 public:
  MlTrainingRpc(Admission& admission, const Training& training);

 private:
  void AddChanges();
  void AddReading();
  const Training training_;
};

class TrainingRpc : public RpcService {
 public:
  TrainingRpc(Admission& admission, const Training& training);

 private:
  const Training training_;
};

}  // namespace bowerbird::serve
