// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"

#include <system_error>

namespace bowerbird {

absl::Status InvalidArgument(std::string_view message) {
  return absl::InvalidArgumentError(ToAbsl(message));
}
absl::Status NotFound(std::string_view message) { return absl::NotFoundError(ToAbsl(message)); }
absl::Status FailedPrecondition(std::string_view message) {
  return absl::FailedPreconditionError(ToAbsl(message));
}
absl::Status Unimplemented(std::string_view message) {
  return absl::UnimplementedError(ToAbsl(message));
}
absl::Status Unavailable(std::string_view message) {
  return absl::UnavailableError(ToAbsl(message));
}
absl::Status Internal(std::string_view message) { return absl::InternalError(ToAbsl(message)); }
absl::Status ResourceExhausted(std::string_view message) {
  return absl::ResourceExhaustedError(ToAbsl(message));
}
absl::Status Unknown(std::string_view message) { return absl::UnknownError(ToAbsl(message)); }

absl::Status Annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  std::string message(context);
  message += ": ";
  message += ToStd(status.message());
  return absl::Status(status.code(), ToAbsl(message));
}

absl::Status ErrnoStatus(int error, std::string_view what) {
  std::string message(what);
  message += ": ";
  message += std::generic_category().message(error);
  return absl::Status(absl::ErrnoToStatusCode(error), ToAbsl(message));
}

}  // namespace bowerbird
