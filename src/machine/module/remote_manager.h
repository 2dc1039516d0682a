// SPDX-License-Identifier: Apache-2.0
//
// The remotes of a machine: other machines, whose resources can be used here as if they were of
// this one, under REMOTE:NAME and under PREFIX + NAME. docs/modules.md, "Remotes".
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "machine/config.h"
#include "machine/machine.h"

namespace bowerbird::machine {

struct RemoteStatus {
  std::string name;
  bool connected = false;
  std::string error;  // "" while it is connected or has not been tried yet
  std::chrono::system_clock::time_point last_updated;
};

// Thread-safe. One thread a remote, "remote".
class RemoteManager {
 public:
  // `machine` outlives it.
  explicit RemoteManager(Machine& machine);
  // Disconnects all; their resources go.
  ~RemoteManager();

  // Makes the remotes of `config` those that are connected to. Those whose entry has not changed
  // stay connected.
  void Apply(const Config& config);

  std::vector<RemoteStatus> Status() const;

  // This run of this machine, and all machines that it has as remotes, directly or through others,
  // by random ids: who finds itself behind a remote has a loop, and refuses it.
  std::vector<std::string> Reach() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

// The header of RobotService.ResourceNames that carries Reach, with commas.
inline constexpr char kReachHeader[] = "bowerbird-machines";

}  // namespace bowerbird::machine
