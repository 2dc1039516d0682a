// SPDX-License-Identifier: Apache-2.0
#include "infer/verdict.h"

#include "base/status.h"
#include "nlohmann/json.hpp"

namespace bowerbird::infer {

bool IsDayOld(int64_t unix_time, int64_t now) {
  // A clock that was set back makes it stale, too, rather than eternal.
  return now < unix_time || now - unix_time > 24 * 3600;
}

bool Verdict::IsStale(int64_t now) const {
  return absl::IsResourceExhausted(status) && IsDayOld(unix_time, now);
}

nlohmann::json Verdict::ToJson() const {
  return {{"code", status.raw_code()},
          {"message", MessageOf(status)},
          {"allow_delegate", clearance.allow_delegate},
          {"warning", clearance.warning},
          {"unix_time", unix_time}};
}

absl::StatusOr<Verdict> Verdict::FromJson(const nlohmann::json& json) {
  const auto member = [&](const char* key, nlohmann::json::value_t type) {
    const auto found = json.find(key);
    const bool is_number = found != json.end() && found->is_number_integer() &&
                           type == nlohmann::json::value_t::number_integer;
    return found != json.end() && (is_number || found->type() == type);
  };
  using Type = nlohmann::json::value_t;
  if (!json.is_object() || !member("code", Type::number_integer) ||
      !member("message", Type::string) || !member("allow_delegate", Type::boolean) ||
      !member("warning", Type::string) || !member("unix_time", Type::number_integer)) {
    return InvalidArgument("it is no verdict");
  }
  Verdict verdict;
  const auto code = static_cast<absl::StatusCode>(json["code"].get<int>());
  if (code != absl::StatusCode::kOk && code != absl::StatusCode::kInvalidArgument &&
      code != absl::StatusCode::kResourceExhausted) {
    return InvalidArgument("a verdict has no such status");
  }
  verdict.status = absl::Status(code, ToAbsl(json["message"].get<std::string>()));
  verdict.clearance.allow_delegate = json["allow_delegate"].get<bool>();
  verdict.clearance.warning = json["warning"].get<std::string>();
  verdict.unix_time = json["unix_time"].get<int64_t>();
  return verdict;
}

}  // namespace bowerbird::infer
