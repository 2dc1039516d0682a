// SPDX-License-Identifier: Apache-2.0
//
// Expected failure is a value: absl::Status and absl::StatusOr, with the codes of gRPC. A message
// says what failed, on which thing, and what to do about it.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace bowerbird {

// Debian's absl::string_view is its own type, not std's; these convert in both directions.
inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view ToStd(absl::string_view text) { return {text.data(), text.size()}; }

// The message of `status` as a std::string.
inline std::string MessageOf(const absl::Status& status) {
  return std::string(ToStd(status.message()));
}

absl::Status InvalidArgument(std::string_view message);
absl::Status NotFound(std::string_view message);
absl::Status FailedPrecondition(std::string_view message);
absl::Status Unimplemented(std::string_view message);
absl::Status Unavailable(std::string_view message);
absl::Status Internal(std::string_view message);
absl::Status ResourceExhausted(std::string_view message);
// The code of machine servers for plain errors: clients of the wire expect UNKNOWN there.
absl::Status Unknown(std::string_view message);

// The same code, with "`context`: " before the message. OK stays OK.
absl::Status Annotate(const absl::Status& status, std::string_view context);

// An errno value as a status: "open /x/y: No such file or directory".
absl::Status ErrnoStatus(int error, std::string_view what);

}  // namespace bowerbird

#define BOWERBIRD_CONCAT_INNER(a, b) a##b
#define BOWERBIRD_CONCAT(a, b) BOWERBIRD_CONCAT_INNER(a, b)

// Returns the status from the enclosing function unless it is OK.
#define RETURN_IF_ERROR(expression)                                         \
  do {                                                                      \
    if (absl::Status status_of_macro = (expression); !status_of_macro.ok()) \
      return status_of_macro;                                               \
  } while (false)

// ASSIGN_OR_RETURN(auto value, Compute()): declares or assigns, or returns the error.
#define ASSIGN_OR_RETURN(declaration, expression) \
  ASSIGN_OR_RETURN_INNER(BOWERBIRD_CONCAT(status_or_, __LINE__), declaration, expression)
#define ASSIGN_OR_RETURN_INNER(temporary, declaration, expression) \
  auto temporary = (expression);                                   \
  if (!temporary.ok()) return std::move(temporary).status();       \
  declaration = *std::move(temporary)
