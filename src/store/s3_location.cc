// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string_view>

#include "base/status.h"
#include "store/s3_client.h"

namespace bowerbird::store {
namespace {

int DigitOf(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

std::string Decoded(std::string_view text) {
  std::string plain;
  for (size_t at = 0; at < text.size(); ++at) {
    const int high = at + 2 < text.size() ? DigitOf(text[at + 1]) : -1;
    const int low = high >= 0 ? DigitOf(text[at + 2]) : -1;
    if (text[at] == '%' && low >= 0) {
      plain += static_cast<char>(high * 16 + low);
      at += 2;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

absl::Status TakeOption(std::string_view option, S3Location& location) {
  const size_t equals = option.find('=');
  const std::string_view name = option.substr(0, equals);
  const std::string value =
      equals == std::string_view::npos ? "" : Decoded(option.substr(equals + 1));
  if (name == "endpoint") {
    location.endpoint = value;
  } else if (name == "region") {
    location.region = value;
  } else {
    return InvalidArgument("s3:// takes the options endpoint and region, not " + std::string(name));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<S3Location> ParseS3Location(const std::string& text) {
  std::string_view rest = text;
  constexpr std::string_view kScheme = "s3://";
  if (!rest.starts_with(kScheme)) return InvalidArgument(text + " is no s3:// location");
  rest.remove_prefix(kScheme.size());
  S3Location location;
  if (const size_t question = rest.find('?'); question != std::string_view::npos) {
    std::string_view options = rest.substr(question + 1);
    rest = rest.substr(0, question);
    while (!options.empty()) {
      const size_t end = std::min(options.find('&'), options.size());
      RETURN_IF_ERROR(TakeOption(options.substr(0, end), location));
      options.remove_prefix(std::min(end + 1, options.size()));
    }
  }
  const size_t slash = rest.find('/');
  location.bucket = rest.substr(0, slash);
  if (slash != std::string_view::npos) location.prefix = rest.substr(slash + 1);
  while (location.prefix.ends_with('/')) location.prefix.pop_back();
  if (!location.prefix.empty()) location.prefix += '/';
  if (location.bucket.empty()) {
    return InvalidArgument(text + " names no bucket: s3://BUCKET/PREFIX");
  }
  if (location.region.empty()) location.region = "us-east-1";
  if (location.endpoint.empty()) {
    location.endpoint = "https://s3." + location.region + ".amazonaws.com";
  }
  while (location.endpoint.ends_with('/')) location.endpoint.pop_back();
  if (!location.endpoint.starts_with("http://") && !location.endpoint.starts_with("https://")) {
    return InvalidArgument("the S3 endpoint " + location.endpoint +
                           " must begin with http:// or https://");
  }
  return location;
}

}  // namespace bowerbird::store
