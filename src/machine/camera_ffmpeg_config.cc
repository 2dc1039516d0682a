// SPDX-License-Identifier: Apache-2.0
#include "machine/camera_ffmpeg_config.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <optional>

#include "base/status.h"
#include "machine/cameras.h"

namespace bowerbird::machine {
namespace {

constexpr int kMaxFps = 1000;

std::optional<std::string> Scalar(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "1" : "0";
  if (value.is_number_integer()) return value.dump();
  if (!value.is_number()) return std::nullopt;
  char text[32];
  std::snprintf(text, sizeof text, "%.12g", value.get<double>());
  return text;
}

bool IsName(std::string_view text, std::string_view also) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return std::isalnum(c) || also.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

// ffmpeg reads a chain of filters twice: as a graph, then each filter's options. What is special
// for either is quoted for both.
std::string EscapedForFilter(std::string_view value) {
  const auto escape = [](std::string_view text, std::string_view special) {
    std::string escaped;
    for (const char c : text) {
      if (special.find(c) != std::string_view::npos) escaped += '\\';
      escaped += c;
    }
    return escaped;
  };
  return escape(escape(value, "\\':"), "\\'[],;");
}

absl::StatusOr<std::string> ReadFilter(const Attributes& filter) {
  ASSIGN_OR_RETURN(std::string text, filter.RequiredString("name"));
  if (!IsName(text, "_@")) return filter.Error("name", "is not the name of a filter of ffmpeg");
  char separator = '=';
  const auto add = [&](const std::string& word) {
    text += separator + word;
    separator = ':';
  };
  if (filter.Has("args")) {
    const Json& args = filter.json()["args"];
    if (!args.is_array()) return filter.Error("args", "is not a list");
    for (const auto& arg : args) {
      const auto value = Scalar(arg);
      if (!value) return filter.Error("args", "holds something else than strings and numbers");
      add(EscapedForFilter(*value));
    }
  }
  ASSIGN_OR_RETURN(const Attributes named, filter.Object("kw_args"));
  for (const auto& [key, json] : named.json().items()) {
    const auto value = Scalar(json);
    if (!value || !IsName(key, "_")) return named.Error(key, "is no option of a filter");
    add(key + "=" + EscapedForFilter(*value));
  }
  return text;
}

absl::Status AddOption(const Attributes& from, const std::string& key, const Json& value,
                       std::vector<std::string>& words) {
  if (!IsName(key, "_:-.")) return from.Error(key, "is no option of ffmpeg");
  if (value.is_boolean() && !value.get<bool>()) return absl::OkStatus();
  const auto text = value.is_null() || value.is_boolean() ? "" : Scalar(value);
  if (!text) return from.Error(key, "is not a string, a number, true, false, or a list of them");
  words.push_back("-" + key);
  if (!text->empty()) words.push_back(*text);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ReadKeywordArguments(const Attributes& attributes,
                                                              std::string_view key) {
  std::vector<std::string> words;
  ASSIGN_OR_RETURN(const Attributes options, attributes.Object(key));
  for (const auto& [name, value] : options.json().items()) {
    if (!value.is_array()) {
      RETURN_IF_ERROR(AddOption(options, name, value, words));
      continue;
    }
    for (const auto& element : value) RETURN_IF_ERROR(AddOption(options, name, element, words));
  }
  return words;
}

absl::StatusOr<std::string> ReadFilters(const Attributes& attributes) {
  std::string chain;
  if (!attributes.Has("filters")) return chain;
  const Json& filters = attributes.json()["filters"];
  if (!filters.is_array()) return attributes.Error("filters", "is not a list");
  for (size_t i = 0; i < filters.size(); ++i) {
    const Attributes filter(filters[i], attributes.path() + ".filters[" + std::to_string(i) + "]");
    ASSIGN_OR_RETURN(const std::string text, ReadFilter(filter));
    chain += (chain.empty() ? "" : ",") + text;
  }
  return chain;
}

absl::StatusOr<FfmpegCameraOptions> ReadFfmpegOptions(const Attributes& attributes) {
  FfmpegCameraOptions options;
  video::FrameReaderOptions& reader = options.reader;
  ASSIGN_OR_RETURN(reader.input, attributes.RequiredString("video_path"));
  ASSIGN_OR_RETURN(reader.input_args, ReadKeywordArguments(attributes, "input_kw_args"));
  ASSIGN_OR_RETURN(reader.filters, ReadFilters(attributes));
  // The format is the camera's own business: the reference machine overrides these as well.
  ASSIGN_OR_RETURN(const Attributes output, attributes.Object("output_kw_args"));
  Json wanted = Json::object();
  wanted["output_kw_args"] = output.json();
  for (const char* own : {"f", "format", "update"}) wanted["output_kw_args"].erase(own);
  ASSIGN_OR_RETURN(reader.output_args,
                   ReadKeywordArguments(Attributes(wanted, attributes.path()), "output_kw_args"));
  ASSIGN_OR_RETURN(reader.loop, attributes.Bool("loop", true));
  ASSIGN_OR_RETURN(reader.realtime, attributes.Bool("realtime", true));
  ASSIGN_OR_RETURN(reader.max_fps, attributes.Double("max_fps", 0, 0, kMaxFps));
  ASSIGN_OR_RETURN(options.lens, ReadLens(attributes));
  return options;
}

void AddFfmpegCamera(Catalog& catalog) {
  catalog.Add({kCameraApi,
               {"rdk", "builtin", "ffmpeg"},
               [](const ResourceConfig&,
                  const Attributes& attributes) -> absl::StatusOr<std::vector<std::string>> {
                 RETURN_IF_ERROR(ReadFfmpegOptions(attributes).status());
                 return std::vector<std::string>{};
               },
               [](const BuildRequest& request) -> absl::StatusOr<std::shared_ptr<Resource>> {
                 ASSIGN_OR_RETURN(auto options, ReadFfmpegOptions(request.attributes));
                 // What cannot work at all shows as the resource's state, not at the first read.
                 RETURN_IF_ERROR(video::CheckInput(options.reader));
                 options.name = request.config.name.name;
                 options.metrics = request.environment.metrics;
                 return std::make_shared<FfmpegCamera>(std::move(options));
               }});
}

}  // namespace bowerbird::machine
