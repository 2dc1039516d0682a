// SPDX-License-Identifier: Apache-2.0
//
// What sensors said (on the wire: tabular data). Thread-safe, durable on return.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "data/filter.h"

namespace bowerbird::data {

class Core;

struct ReadingSource {
  Source source{};                  // mime_type is not used
  std::vector<std::string> tags{};  // of the upload
};

struct NewReading {
  Time time_requested{}, time_received{};
  std::string payload{};  // a JSON object
};

struct Reading {
  std::string organization_id{};
  // Of a page: index into ReadingPage::sources.
  uint32_t source_index = 0;
  Time time_requested{}, time_received{}, time_stored{};
  std::string payload{};
};

struct ReadingPage {
  std::vector<ReadingSource> sources{};  // each once
  std::vector<Reading> readings{};
  std::string last{};
};

// ExportTabularData and GetLatestTabularData name their resource so. Empty fields are not asked
// for, but part_id, resource_name and method_name must be there (INVALID_ARGUMENT).
struct ResourceMethod {
  std::string part_id{};
  std::string resource_name{};
  std::string resource_subtype{};  // "rdk:component:sensor"
  std::string method_name{};
  std::optional<std::string> method_parameters{};  // a JSON object
};

// What a query answered, before it is given the form of the wire.
struct SqlValue {
  enum class Kind { kNull, kInteger, kReal, kText, kBytes, kTime, kJson };
  Kind kind = Kind::kNull;
  int64_t integer = 0;
  double real = 0;
  std::string text{};  // of kText, kBytes and kJson
  Time time{};
};

struct SqlResult {
  std::vector<std::string> columns{};
  std::vector<std::vector<SqlValue>> rows{};
};

class Readings {
 public:
  explicit Readings(Core& core);

  // All or none. A reading that is there already (same source, times and payload) is passed over.
  // The id of the upload: the same for the same upload. INVALID_ARGUMENT: a payload that is no JSON
  // object or has more than 4 MB.
  absl::StatusOr<std::string> Add(const Caller& caller, const ReadingSource& source,
                                  const std::vector<NewReading>& readings);

  absl::StatusOr<ReadingPage> List(const Caller& caller, const PageRequest& request);
  absl::StatusOr<Totals> Count(const Caller& caller, const Filter& filter);

  // Oldest first, in bounded memory; no transaction is held while `visit` runs.
  absl::Status Export(
      const Caller& caller, const ResourceMethod& what, std::optional<Time> start,
      std::optional<Time> end,
      const std::function<absl::Status(const ReadingSource&, const Reading&)>& visit);
  // Of the last year; nullopt where there is none.
  absl::StatusOr<std::optional<Reading>> Latest(const Caller& caller, const ResourceMethod& what);

  // Received more than so many days before now, 0 = all. `filter`: fields of where they come from,
  // and tags.
  absl::StatusOr<uint64_t> Delete(const Caller& caller, uint32_t older_than_days,
                                  const Filter& filter);

  // One SELECT over the table `readings` (docs/data.md), which shows the caller's organization. It
  // cannot write, see another table, read files or load code (INVALID_ARGUMENT, PERMISSION_DENIED),
  // and ends after ten seconds, 10,000 rows or 64 MB (DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED).
  absl::StatusOr<SqlResult> Sql(const Context& context, const Caller& caller,
                                const std::string& query);

 private:
  Core& core_;
};

}  // namespace bowerbird::data
