// SPDX-License-Identifier: Apache-2.0
//
// The entry to this room: makes the model `rdk:service:data_manager` / `rdk:builtin:builtin` known
// to a catalog, and tells its instance what the config says about capture.
//
//   capture::CaptureHost host(options);
//   host.Register(catalog);
//   machine::Machine machine(catalog, ...);
//   host.SetConfig(config);  machine.Apply(config);   // at each config
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "capture/config.h"
#include "capture/uploader.h"
#include "machine/catalog.h"

namespace bowerbird::capture {

// What is to be captured, and the resources there are, at one moment. Immutable.
struct Wanted {
  uint64_t version = 0;
  CaptureMethods capture;
  std::vector<machine::ResourceName> names;
};

// Thread-safe. Outlives the catalog's machines.
class CaptureHost {
 public:
  struct Options {
    FileSystem* files = nullptr;  // outlives the host, as does:
    Metrics* metrics = nullptr;
    std::string default_capture_dir;
    HubLink hub;
    bool fixed_capture_dir = false;  // the config may not choose another
  };

  explicit CaptureHost(Options options);

  void Register(machine::Catalog& catalog);
  void SetConfig(const machine::Config& config);

  // For the data manager. Never null; shared with readers of an older version.
  std::shared_ptr<const Wanted> wanted() const;
  const Options& options() const { return options_; }

 private:
  const Options options_;
  mutable Mutex mutex_;
  std::shared_ptr<const Wanted> wanted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace bowerbird::capture
