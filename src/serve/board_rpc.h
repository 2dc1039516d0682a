// SPDX-License-Identifier: Apache-2.0
//
// viam.component.board.v1.BoardService
#pragma once

#include "serve/resource_rpc.h"

namespace bowerbird::serve {

class BoardRpc : public ResourceRpc {
 public:
  BoardRpc(Admission& admission, const machine::ResourceFinder& finder);

 private:
  // Each registers the calls of one concern.
  void AddPins();
  void AddPwm();
  void AddAnalogs();
  void AddInterrupts();
};

}  // namespace bowerbird::serve
