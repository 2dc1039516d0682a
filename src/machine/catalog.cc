// SPDX-License-Identifier: Apache-2.0
#include "machine/catalog.h"

#include "base/status.h"

namespace bowerbird::machine {

Catalog::Subscription::~Subscription() {
  MutexLock lock(catalog_.listeners_mutex_);
  catalog_.listeners_.erase(id_);
}

std::unique_ptr<Catalog::Subscription> Catalog::Subscribe(std::function<void()> on_change) const {
  MutexLock lock(listeners_mutex_);
  const uint64_t id = ++last_listener_;
  listeners_[id] = std::move(on_change);
  return std::make_unique<Subscription>(*this, id);
}

void Catalog::Notify() const {
  MutexLock lock(listeners_mutex_);
  for (const auto& [id, listener] : listeners_) listener();
}

void Catalog::Add(ModelEntry entry) {
  {
    MutexLock lock(mutex_);
    entry.generation = ++last_generation_;
    const std::pair key(entry.api, entry.model);
    entries_[key] = std::move(entry);
  }
  Notify();
}

void Catalog::Remove(const Api& api, const ModelName& model) {
  {
    MutexLock lock(mutex_);
    entries_.erase({api, model});
  }
  Notify();
}

absl::StatusOr<ModelEntry> Catalog::Find(const Api& api, const ModelName& model) const {
  MutexLock lock(mutex_);
  if (const auto found = entries_.find({api, model}); found != entries_.end()) return found->second;
  std::string known;
  for (const auto& [key, entry] : entries_) {
    if (key.first == api) known += (known.empty() ? "" : ", ") + key.second.ToString();
  }
  return NotFound("unknown model " + model.ToString() + " of " + api.ToString() + "; " +
                  (known.empty() ? "no model of this API is known: a module must bring it"
                                 : "known: " + known));
}

uint64_t Catalog::Generation(const Api& api, const ModelName& model) const {
  MutexLock lock(mutex_);
  const auto found = entries_.find({api, model});
  return found == entries_.end() ? 0 : found->second.generation;
}

std::vector<std::pair<Api, ModelName>> Catalog::Models() const {
  MutexLock lock(mutex_);
  std::vector<std::pair<Api, ModelName>> models;
  for (const auto& [key, entry] : entries_) models.push_back(key);
  return models;
}

}  // namespace bowerbird::machine
