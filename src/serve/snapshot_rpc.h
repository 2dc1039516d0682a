// SPDX-License-Identifier: Apache-2.0
//
// bowerbird.v1.SnapshotService
#pragma once

#include "serve/hub_rpc.h"

namespace bowerbird::serve {

class SnapshotRpc : public HubRpc {
 public:
  SnapshotRpc(Admission& admission, Hub hub);

 private:
  void AddKeeping();
  void AddReading();
};

}  // namespace bowerbird::serve
