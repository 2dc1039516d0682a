// SPDX-License-Identifier: Apache-2.0
//
// What this machine has found out about model files, kept from one start to the next: whether a
// file is safe to load, how it is best prepared. A fact belongs to the contents of a file (its
// SHA-256) and to the conditions under which it was found; under others it is simply not there.
//
// On disk: one small file a fact (docs/formats/model-facts.md), replaced by rename, so that a
// reader sees a whole fact or none. A damaged one is as good as none, and is said once. The number
// of facts is bounded; the oldest go first. Without a folder that can be written, facts live as
// long as this object.
//
// A type of facts has
//   static constexpr std::string_view kKind;              // "verdict": letters and dashes
//   nlohmann::json ToJson() const;
//   static absl::StatusOr<T> FromJson(const nlohmann::json&);  // an error where it makes no sense
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "nlohmann/json_fwd.hpp"

namespace bowerbird::infer {

struct FactSubject {
  std::string file_sha256;  // of the model file, hexadecimal
  std::string conditions;   // one line: versions, machine, options; whatever the fact depends on
};

// The parts of conditions that are the same for everything that concerns this runtime here: its
// version, that of this program, the processor and the memory.
std::string RuntimeConditions(std::string_view program_version);

// Thread-safe. Several processes may share a folder.
class ModelFacts {
 public:
  // `folder` is made when there is something to keep; "" = keep nothing on disk.
  explicit ModelFacts(std::string folder, size_t max_facts = 512);

  template <typename Fact>
  std::optional<Fact> Find(const FactSubject& subject) const {
    const std::string name = NameOf(Fact::kKind, subject);
    const auto json = Read(Fact::kKind, name, subject);
    if (!json.has_value()) return std::nullopt;
    absl::StatusOr<Fact> fact = Fact::FromJson(*json);
    if (fact.ok()) return *std::move(fact);
    Distrust(name, fact.status());
    return std::nullopt;
  }

  template <typename Fact>
  void Keep(const FactSubject& subject, const Fact& fact) {
    Write(Fact::kKind, subject, fact.ToJson());
  }

  // "": nothing is kept on disk.
  const std::string& folder() const { return folder_; }

  // The file that a fact is kept in, for messages; "" if it is not on disk.
  std::string FileOf(std::string_view kind, const FactSubject& subject) const;

 private:
  static std::string NameOf(std::string_view kind, const FactSubject& subject);
  std::optional<nlohmann::json> Read(std::string_view kind, const std::string& name,
                                     const FactSubject& subject) const;
  void Write(std::string_view kind, const FactSubject& subject, const nlohmann::json& fact);
  absl::Status WriteFile(const std::string& name, const std::string& text);
  void DropOldest() const;
  void Distrust(const std::string& name, const absl::Status& why) const;

  const std::string folder_;
  const size_t max_facts_;
  mutable Mutex mutex_;
  // Facts that could not be kept on disk, by name.
  std::map<std::string, std::string> unkept_ ABSL_GUARDED_BY(mutex_);
  mutable std::map<std::string, bool> distrusted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace bowerbird::infer
