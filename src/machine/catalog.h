// SPDX-License-Identifier: Apache-2.0
//
// Which models of which APIs this program can build, and how. Modules add and remove theirs at run
// time; a machine then rebuilds what is affected.
#pragma once

#include <cstdint>
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

namespace bowerbird::infer {
class ModelProbe;
class PoolSweeper;
}  // namespace bowerbird::infer

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
  // Of all models in this process. Shared: a call may hold its model beyond the machine's end.
  std::shared_ptr<infer::PoolSweeper> sweeper = nullptr;
  const infer::ModelProbe* model_probe = nullptr;  // asked before a model file is loaded
};

// "rdk:service:mlmodel/m" for "m"; a full name stays as it is. What validate should answer for an
// attribute that names a resource of one API: a bare name may be that of something else, too.
inline std::string FullName(const Api& api, const std::string& name) {
  return name.find('/') == std::string::npos ? ResourceName{api, name}.ToString() : name;
}

// Everything a constructor needs. The references are valid during the call only.
struct BuildRequest {
  const ResourceConfig& config;
  Attributes attributes;
  const Environment& environment;
  // Resolved dependencies, by the name under which they were asked for (bare or full).
  const std::map<std::string, std::shared_ptr<Resource>>& dependencies;
  // Ends when the build is no longer wanted or takes too long.
  Context context{};
  // Full names of the dependencies, each once.
  std::vector<std::string> dependency_names{};

  // `name` as it stands in the attributes, whether validate asked for it by its bare or full name.
  template <typename T>
  absl::StatusOr<std::shared_ptr<T>> Dependency(const std::string& name) const {
    auto found = dependencies.find(FullName(T::kApi, name));
    if (found == dependencies.end()) found = dependencies.find(name);
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
  // Both functions run on threads of their own and may be slow.
  //
  // Checks the attributes without touching hardware and tells the names (bare or full) of resources
  // that must be built first ("cam?": if it is there). May be empty: no checks, no dependencies.
  std::function<absl::StatusOr<std::vector<std::string>>(const ResourceConfig&, const Attributes&)>
      validate;
  std::function<absl::StatusOr<std::shared_ptr<Resource>>(const BuildRequest&)> build;
  // A rebuilt resource normally replaces the old one when it is ready. With this, the old one (and
  // what depends on it) goes first: hardware that opens once, modules that know a name once.
  bool exclusive = false;
  // Set by the catalog; differs between any two entries.
  uint64_t generation = 0;
};

// Thread-safe.
class Catalog {
 public:
  // Ends a subscription; waits for a call that is under way.
  class Subscription {
   public:
    Subscription(const Catalog& catalog, uint64_t id) : catalog_(catalog), id_(id) {}
    ~Subscription();
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

   private:
    const Catalog& catalog_;
    const uint64_t id_;
  };

  // Replaces an entry of the same API and model.
  void Add(ModelEntry entry);
  // Resources built from it go.
  void Remove(const Api& api, const ModelName& model);

  // NOT_FOUND lists the models of that API.
  absl::StatusOr<ModelEntry> Find(const Api& api, const ModelName& model) const;
  // 0 if there is none.
  uint64_t Generation(const Api& api, const ModelName& model) const;
  std::vector<std::pair<Api, ModelName>> Models() const;

  // `on_change` is called after each change, on the thread that makes it; it must be quick and not
  // subscribe or unsubscribe.
  std::unique_ptr<Subscription> Subscribe(std::function<void()> on_change) const;

 private:
  void Notify() const;

  mutable Mutex mutex_;
  std::map<std::pair<Api, ModelName>, ModelEntry> entries_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_generation_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable Mutex listeners_mutex_;
  mutable std::map<uint64_t, std::function<void()>> listeners_ ABSL_GUARDED_BY(listeners_mutex_);
  mutable uint64_t last_listener_ ABSL_GUARDED_BY(listeners_mutex_) = 0;
};

// One function per model file, called by RegisterBuiltins; see builtins.cc.
void RegisterBuiltins(Catalog& catalog);

}  // namespace bowerbird::machine
