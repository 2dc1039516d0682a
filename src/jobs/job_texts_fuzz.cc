// SPDX-License-Identifier: Apache-2.0
//
// Texts of jobs that come back from the database or from a trainer: requests survive being written
// again, and reports keep what they say of everything but items.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "jobs/report_items.h"
#include "jobs/request_json.h"

namespace bowerbird::jobs {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void CheckRequest(std::string_view text) {
  const NewJob request = RequestOfJson(text);
  Require(std::isfinite(request.choices.minutes));
  const std::string written = JsonOfRequest(request);
  Require(JsonOfRequest(RequestOfJson(written)) == written);
}

// The first line is the report, the rest the list of items.
void CheckReport(std::string_view text) {
  static const std::string path =
      (std::filesystem::temp_directory_path() / "job_texts_fuzz.jsonl").string();
  const size_t end = std::min(text.find('\n'), text.size());
  std::ofstream(path, std::ios::binary) << text.substr(end);
  const auto files = MakeFileSystem();
  const auto report = WithItems(*files, std::string(text.substr(0, end)), path);
  Require(report.ok());
  Require(WithItems(*files, *report, path).ok());
  Require(TextWithItems(*files, std::string(text), path).ok());
}

}  // namespace
}  // namespace bowerbird::jobs

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  bowerbird::jobs::CheckRequest(text);
  bowerbird::jobs::CheckReport(text);
  return 0;
}
