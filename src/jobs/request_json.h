// SPDX-License-Identifier: Apache-2.0
//
// What a job was asked for as JSON, as it is kept with the job. Internal to this room.
#pragma once

#include <string>
#include <string_view>

#include "jobs/job.h"

namespace bowerbird::jobs {

std::string JsonOfRequest(const NewJob& request);
// What is missing or of another type has its default.
NewJob RequestOfJson(std::string_view text);

// "single", "multi", "detection", "unknown".
std::string_view NameOf(registry::ModelTask task);

}  // namespace bowerbird::jobs
