// SPDX-License-Identifier: Apache-2.0
//
// Which models of which APIs this program can build, and how. Modules will add theirs at run time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "machine/attributes.h"
#include "machine/config.h"
#include "machine/name.h"
#include "machine/resource.h"

namespace bowerbird::machine {

// Finds a resource at call time, for names that are looked up on each call (a vision service's
// camera). Thread-safe; outlives every resource.
class ResourceFinder {
 public:
  virtual ~ResourceFinder() = default;

  // NOT_FOUND "no node found with api A and name N"; UNAVAILABLE with the reason where the resource
  // is configured but not ready.
  virtual absl::StatusOr<std::shared_ptr<Resource>> Find(const ResourceName& name) const = 0;

  template <typename T>
  absl::StatusOr<std::shared_ptr<T>> FindAs(const std::string& name) const {
    auto found = Find({T::kApi, name});
    if (!found.ok()) return found.status();
    auto typed = std::dynamic_pointer_cast<T>(*std::move(found));
    if (typed == nullptr)
      return absl::InternalError(("resource " + name + " does not serve its API").c_str());
    return typed;
  }
};

// What a resource may use of the program. Outlives every resource.
struct Environment {
  Metrics* metrics = nullptr;
  const ResourceFinder* finder = nullptr;
  std::string data_dir;
};

// Everything a constructor needs. The references are valid during the call only.
struct BuildRequest {
  const ResourceConfig& config;
  Attributes attributes;
  const Environment& environment;
  // Resolved dependencies, by the name under which they were asked for (bare or full).
  const std::map<std::string, std::shared_ptr<Resource>>& dependencies;

  template <typename T>
  absl::StatusOr<std::shared_ptr<T>> Dependency(const std::string& name) const {
    const auto found = dependencies.find(name);
    auto typed =
        found == dependencies.end() ? nullptr : std::dynamic_pointer_cast<T>(found->second);
    if (typed == nullptr)
      return absl::NotFoundError(
          (T::kApi.ToString() + "/" + name + " is not among the dependencies").c_str());
    return typed;
  }
};

struct ModelEntry {
  Api api;
  ModelName model;
  // Checks the attributes without touching hardware and tells the names (bare or full) of resources
  // that must be built first. May be empty: no attributes checked, no dependencies.
  std::function<absl::StatusOr<std::vector<std::string>>(const ResourceConfig&, const Attributes&)>
      validate;
  std::function<absl::StatusOr<std::shared_ptr<Resource>>(const BuildRequest&)> build;
};

// Thread-safe.
class Catalog {
 public:
  void Add(ModelEntry entry);
  // NOT_FOUND lists the models of that API.
  absl::StatusOr<ModelEntry> Find(const Api& api, const ModelName& model) const;

 private:
  mutable Mutex mutex_;
  std::map<std::pair<Api, ModelName>, ModelEntry> entries_ ABSL_GUARDED_BY(mutex_);
};

// One function per model file, called by RegisterBuiltins; see builtins.cc.
void RegisterBuiltins(Catalog& catalog);

}  // namespace bowerbird::machine
