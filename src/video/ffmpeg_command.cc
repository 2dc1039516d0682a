// SPDX-License-Identifier: Apache-2.0
#include "video/ffmpeg_command.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <string_view>

namespace bowerbird::video {
namespace {

// "rtsp" of "rtsp://host/"; "" for paths.
std::string SchemeOf(const std::string& input) {
  const size_t end = input.find("://");
  if (end == std::string::npos) return "";
  std::string scheme = input.substr(0, end);
  for (char& c : scheme) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '+' && c != '-' && c != '.') return "";
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return scheme;
}

// The value that follows the last `option` in `args`, "" if it is not there.
std::string ValueOf(const std::vector<std::string>& args, std::string_view option) {
  for (size_t i = args.size(); i-- > 1;) {
    if (args[i - 1] == option) return args[i];
  }
  return "";
}

bool Has(const std::vector<std::string>& args, std::string_view option) {
  return std::find(args.begin(), args.end(), option) != args.end();
}

bool HasVideoFileExtension(const std::string& url) {
  constexpr std::array<std::string_view, 12> kExtensions = {".mp4",  ".m4v", ".mov", ".mkv",
                                                            ".webm", ".avi", ".mpg", ".mpeg",
                                                            ".ts",   ".ogv", ".flv", ".gif"};
  std::string path = url.substr(0, url.find_first_of("?#"));
  std::transform(path.begin(), path.end(), path.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::any_of(kExtensions.begin(), kExtensions.end(),
                     [&](std::string_view extension) { return path.ends_with(extension); });
}

// What an input may open. It matters for inputs that name others, such as playlists: one from the
// network must not reach files. "" = ffmpeg's own rules.
std::string_view ProtocolsFor(const std::string& scheme) {
  if (scheme.empty() || scheme == "file") return "file,crypto,data,pipe,udp,rtp";
  if (scheme == "http" || scheme == "https") return "http,https,httpproxy,tcp,tls,crypto,data";
  if (scheme == "rtsp" || scheme == "rtsps") return "rtsp,rtsps,rtp,srtp,udp,tcp,tls,crypto";
  if (scheme == "rtmp" || scheme == "rtmps") return "rtmp,rtmps,rtmpt,http,https,tcp,tls";
  if (scheme == "udp" || scheme == "rtp" || scheme == "tcp" || scheme == "srt") {
    return "udp,rtp,srtp,tcp,srt";
  }
  return "";
}

void AddInputOptions(const FrameReaderOptions& options, std::vector<std::string>& argv) {
  const std::string scheme = SchemeOf(options.input);
  const auto add = [&](std::initializer_list<std::string_view> words) {
    argv.insert(argv.end(), words.begin(), words.end());
  };
  const std::string format = ValueOf(options.input_args, "-f");
  if (const auto protocols = ProtocolsFor(scheme); !protocols.empty() && format.empty())
    add({"-protocol_whitelist", protocols});
  if (IsLive(options)) {
    // By default ffmpeg looks at five seconds of a stream before its first picture. low_delay also
    // keeps the decoder from one picture of delay a thread.
    add({"-fflags", "nobuffer", "-flags", "low_delay", "-analyzeduration", "500000"});
    // Datagrams are lost silently; a dead connection must end the child, who is then started again.
    if (scheme == "rtsp" || scheme == "rtsps") add({"-rtsp_transport", "tcp"});
    if (scheme == "rtsp" || scheme == "rtsps") add({"-timeout", "10000000"});
    if (scheme == "http" || scheme == "https") add({"-rw_timeout", "10000000"});
  } else {
    if (options.realtime) add({"-re"});
    if (options.loop && format != "lavfi") add({"-stream_loop", "-1"});
  }
  argv.insert(argv.end(), options.input_args.begin(), options.input_args.end());
}

std::string Filters(const FrameReaderOptions& options) {
  std::string filters;
  const auto add = [&](const std::string& filter) {
    filters += (filters.empty() ? "" : ",") + filter;
  };
  char text[128];
  if (options.max_fps > 0) {
    // Drops pictures and never repeats one, as the fps filter would. A little less than the
    // interval: timestamps are rounded.
    std::snprintf(text, sizeof text, "select=isnan(prev_selected_t)+gte(t-prev_selected_t\\,%.6f)",
                  0.98 / options.max_fps);
    add(text);
  }
  if (!options.filters.empty()) add(options.filters);
  if (options.size.width > 0 || options.size.height > 0) {
    std::snprintf(text, sizeof text, "scale=%d:%d", std::max(options.size.width, 0),
                  std::max(options.size.height, 0));
    std::string scale = text;
    if (options.size.width <= 0) scale = "scale=-2:" + std::to_string(options.size.height);
    if (options.size.height <= 0) scale = "scale=" + std::to_string(options.size.width) + ":-2";
    add(scale);
  }
  return filters;
}

}  // namespace

bool IsLive(const FrameReaderOptions& options) {
  if (ValueOf(options.input_args, "-f") == "lavfi") return false;  // made as fast as it is read
  const std::string scheme = SchemeOf(options.input);
  if (scheme.empty()) return options.input.starts_with("/dev/");
  if (scheme == "http" || scheme == "https") return !HasVideoFileExtension(options.input);
  return scheme != "file";
}

std::string PrintableInput(const std::string& input) {
  const size_t scheme = input.find("://");
  if (scheme == std::string::npos) return input;
  const size_t start = scheme + 3;
  const size_t host_end = std::min(input.find_first_of("/?#", start), input.size());
  const size_t at = input.rfind('@', host_end);
  if (at == std::string::npos || at < start || at >= host_end) return input;
  return input.substr(0, start) + input.substr(at + 1);
}

bool IsLocalFile(const FrameReaderOptions& options) {
  if (Has(options.input_args, "-f") || Has(options.input_args, "-pattern_type")) return false;
  if (!SchemeOf(options.input).empty()) return false;
  // Numbered pictures ("shot-%04d.jpg"), and ffmpeg's protocols without "//" ("concat:a|b").
  if (options.input.find_first_of("%:") == std::string::npos) return true;
  std::error_code ignored;
  return std::filesystem::exists(options.input, ignored);
}

std::vector<std::string> FfmpegCommand(const FrameReaderOptions& options) {
  std::vector<std::string> argv = {options.ffmpeg, "-nostdin", "-hide_banner", "-loglevel",
                                   "error"};
  AddInputOptions(options, argv);
  const bool hides_a_protocol =
      IsLocalFile(options) && options.input.find(':') < options.input.find('/');
  argv.insert(argv.end(), {"-i", (hides_a_protocol ? "file:" : "") + options.input});
  argv.insert(argv.end(), {"-an", "-sn", "-dn"});
  if (const std::string filters = Filters(options); !filters.empty())
    argv.insert(argv.end(), {"-vf", filters});
  // Every picture once. A frame rate of the caller's needs ffmpeg's own way of keeping it.
  if (!Has(options.output_args, "-r") && !Has(options.output_args, "-fps_mode") &&
      !Has(options.output_args, "-vsync")) {
    argv.insert(argv.end(), {"-fps_mode", "passthrough"});
  }
  argv.insert(argv.end(),
              {"-c:v", "mjpeg", "-q:v", std::to_string(std::clamp(options.quality, 2, 31))});
  argv.insert(argv.end(), options.output_args.begin(), options.output_args.end());
  argv.insert(argv.end(), {"-flush_packets", "1", "-f", "image2pipe", "pipe:1"});
  return argv;
}

}  // namespace bowerbird::video
