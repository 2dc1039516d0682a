// SPDX-License-Identifier: Apache-2.0
#include "audio/sound_reader.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/status.h"

namespace bowerbird::audio {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kTimeToExit{2};
constexpr std::chrono::seconds kTimeToProbe{20};
constexpr size_t kMaxProbeOutput = 65536;

absl::Status CheckFile(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return InvalidArgument("sound file " + path + ": this is a folder");
  if (!std::filesystem::exists(path, ignored))
    return NotFound("sound file " + path + ": there is no such file");
  return absl::OkStatus();
}

// Reads as soon as there is something, looking at the context meanwhile.
absl::StatusOr<size_t> ReadSome(const Context& context, Subprocess& child, std::span<char> buffer) {
  for (;;) {
    RETURN_IF_ERROR(context.Check());
    const auto deadline = context.cancelled
                              ? std::min(context.deadline, Clock::now() + kCancellationPoll)
                              : context.deadline;
    auto count = child.Read(buffer, deadline);
    if (!absl::IsDeadlineExceeded(count.status())) return count;
  }
}

// "key=value" of a line of ffprobe; 0 if it is not there.
int NumberAfter(const std::string& text, const std::string& key) {
  const size_t at = text.find(key + "=");
  if (at == std::string::npos) return 0;
  int value = 0;
  const char* begin = text.data() + at + key.size() + 1;
  std::from_chars(begin, text.data() + text.size(), value);
  return value;
}

// ffmpeg's own "file:", so that no name is taken for another protocol or an option.
std::string AsInput(const std::string& path) { return "file:" + path; }

}  // namespace

std::vector<std::string> RecordCommand(const SoundSource& source) {
  const std::string rate = std::to_string(source.format.sample_rate_hz);
  const std::string channels = std::to_string(source.format.channels);
  std::vector<std::string> argv = {source.ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error"};
  if (!source.device.empty()) {
    for (const auto& one : {std::string("-f"), std::string("alsa"), std::string("-sample_rate"),
                            rate, std::string("-channels"), channels, std::string("-i")})
      argv.push_back(one);
    argv.push_back(source.device);
  } else {
    argv.insert(argv.end(), {"-protocol_whitelist", "file"});
    if (source.realtime) argv.push_back("-re");
    if (source.loop) argv.insert(argv.end(), {"-stream_loop", "-1"});
    argv.insert(argv.end(), {"-i", AsInput(source.path)});
  }
  argv.insert(argv.end(), {"-map", "0:a:0", "-vn", "-ar", rate, "-ac", channels, "-f", "f32le",
                           "-flush_packets", "1", "pipe:1"});
  return argv;
}

absl::StatusOr<Format> ProbeFile(const Context& context, const std::string& path) {
  RETURN_IF_ERROR(CheckFile(path));
  Subprocess::Options options;
  options.argv = {"ffprobe",
                  "-v",
                  "error",
                  "-protocol_whitelist",
                  "file",
                  "-select_streams",
                  "a:0",
                  "-show_entries",
                  "stream=sample_rate,channels",
                  "-of",
                  "default=noprint_wrappers=1",
                  "-i",
                  AsInput(path)};
  auto started = Subprocess::Start(std::move(options));
  if (absl::IsNotFound(started.status()))
    return NotFound("ffprobe not found: install the Debian package ffmpeg");
  RETURN_IF_ERROR(started.status());
  const std::unique_ptr<Subprocess> child = *std::move(started);
  const Context limited = context.WithTimeout(kTimeToProbe);
  std::string text;
  std::array<char, 1024> buffer{};
  for (;;) {
    ASSIGN_OR_RETURN(const size_t count, ReadSome(limited, *child, buffer));
    if (count == 0 || text.size() > kMaxProbeOutput) break;
    text.append(buffer.data(), count);
  }
  const ExitStatus exit = child->Kill();
  const Format format{NumberAfter(text, "sample_rate"), NumberAfter(text, "channels")};
  const absl::Status possible = CheckFormat(format);
  if (possible.ok()) return format;
  if (format.sample_rate_hz > 0 && format.channels > 0)
    return InvalidArgument("sound file " + path + ": " + MessageOf(possible));
  const std::string said = child->LastStderrLine();
  return InvalidArgument("sound file " + path + ": there is no sound in it that ffmpeg can read" +
                         (exit.ok() || said.empty() ? "" : ": " + said));
}

std::string SoundCardHint() {
  std::ifstream cards("/proc/asound/cards");
  std::string line;
  while (std::getline(cards, line))
    if (line.find('[') != std::string::npos) return "";
  return "; this computer has no sound card that Linux knows (/proc/asound/cards)";
}

SoundReader::SoundReader(SoundSource source, std::unique_ptr<Subprocess> child)
    : source_(std::move(source)), child_(std::move(child)) {}

SoundReader::~SoundReader() {
  // It only writes to us; there is nothing it could save.
  child_->Signal(SIGKILL);
}

absl::StatusOr<std::unique_ptr<SoundReader>> SoundReader::Open(SoundSource source) {
  RETURN_IF_ERROR(CheckFormat(source.format));
  if (source.device.empty()) RETURN_IF_ERROR(CheckFile(source.path));
  Subprocess::Options options;
  options.argv = RecordCommand(source);
  options.name = "ffmpeg";
  auto child = Subprocess::Start(std::move(options));
  if (absl::IsNotFound(child.status()))
    return NotFound(source.ffmpeg + " not found: install the Debian package ffmpeg");
  RETURN_IF_ERROR(child.status());
  return std::unique_ptr<SoundReader>(new SoundReader(std::move(source), *std::move(child)));
}

absl::StatusOr<std::vector<float>> SoundReader::Read(const Context& context, size_t frames) {
  const size_t frame = sizeof(float) * static_cast<size_t>(source_.format.channels);
  std::vector<char> buffer(std::max<size_t>(frames, 1) * frame);
  for (;;) {
    std::copy(rest_.begin(), rest_.end(), buffer.begin());
    ASSIGN_OR_RETURN(const size_t count,
                     ReadSome(context, *child_, std::span(buffer).subspan(rest_.size())));
    if (count == 0) {
      RETURN_IF_ERROR(Ended());
      return std::vector<float>();
    }
    const size_t have = rest_.size() + count;
    const size_t whole = have / frame * frame;
    rest_.assign(buffer.data() + whole, have - whole);
    if (whole == 0) continue;
    any_ = true;
    return Decode(Codec::kPcm32Float, {buffer.data(), whole});
  }
}

absl::Status SoundReader::Ended() {
  auto exit = child_->Wait(Clock::now() + kTimeToExit);
  if (!exit) exit = child_->Kill();
  const std::string said = child_->LastStderrLine();
  const std::string what = source_.Description();
  if (!source_.device.empty())
    return Unavailable(what + ": " + (said.empty() ? exit->ToString() : said) + SoundCardHint());
  if (exit->ok() && any_) return absl::OkStatus();
  if (exit->ok()) return InvalidArgument(what + ": there is no sound in it");
  return InvalidArgument(what + ": ffmpeg " + (any_ ? "stopped in it" : "cannot read it") + ": " +
                         (said.empty() ? exit->ToString() : said));
}

absl::StatusOr<std::vector<float>> ReadSound(const Context& context, const SoundSource& source,
                                             double max_seconds) {
  constexpr size_t kPiece = 16384;
  ASSIGN_OR_RETURN(const auto reader, SoundReader::Open(source));
  const auto limit = static_cast<size_t>(max_seconds * source.format.sample_rate_hz) *
                     static_cast<size_t>(source.format.channels);
  std::vector<float> all;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<float> piece, reader->Read(context, kPiece));
    if (piece.empty()) return all;
    all.insert(all.end(), piece.begin(), piece.end());
    if (all.size() > limit)
      return ResourceExhausted(source.Description() + " is longer than " +
                               std::to_string(static_cast<int64_t>(max_seconds)) +
                               " s: cut it into pieces");
  }
}

}  // namespace bowerbird::audio
