// SPDX-License-Identifier: Apache-2.0
#include "audio/sound_writer.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "audio/sound_reader.h"
#include "base/status.h"

namespace bowerbird::audio {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kTimeToExit{2};
// Small enough that a cancelled call ends soon, large enough that nothing stutters.
constexpr size_t kPieceBytes = 4096;

}  // namespace

std::vector<std::string> PlayCommand(const SoundSink& sink) {
  return {sink.ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error", "-f", "f32le", "-ar",
          std::to_string(sink.format.sample_rate_hz), "-ac", std::to_string(sink.format.channels),
          // Nothing is waited for before the first sound: the format is known.
          "-probesize", "32", "-analyzeduration", "0", "-protocol_whitelist", "pipe", "-i",
          "pipe:0", "-f", "alsa", sink.device};
}

SoundWriter::SoundWriter(SoundSink sink, std::unique_ptr<Subprocess> child)
    : sink_(std::move(sink)), child_(std::move(child)) {}

SoundWriter::~SoundWriter() { child_->Signal(SIGKILL); }

absl::StatusOr<std::unique_ptr<SoundWriter>> SoundWriter::Open(SoundSink sink) {
  RETURN_IF_ERROR(CheckFormat(sink.format));
  Subprocess::Options options;
  options.argv = PlayCommand(sink);
  options.name = "ffmpeg";
  options.input = Subprocess::Stream::kPipe;
  options.output = Subprocess::Stream::kNull;
  auto child = Subprocess::Start(std::move(options));
  if (absl::IsNotFound(child.status()))
    return NotFound(sink.ffmpeg + " not found: install the Debian package ffmpeg");
  RETURN_IF_ERROR(child.status());
  return std::unique_ptr<SoundWriter>(new SoundWriter(std::move(sink), *std::move(child)));
}

absl::Status SoundWriter::Write(const Context& context, std::span<const float> samples) {
  const std::string bytes = Encode(Codec::kPcm32Float, samples);
  for (size_t at = 0; at < bytes.size(); at += kPieceBytes) {
    RETURN_IF_ERROR(context.Check());
    const std::string_view piece = std::string_view(bytes).substr(at, kPieceBytes);
    // A pipe that stays full for long is one that nobody reads: a device plays on.
    const absl::Status written =
        child_->Write(piece, std::min(context.deadline, Clock::now() + std::chrono::seconds(30)));
    if (absl::IsUnavailable(written)) return Broken();
    RETURN_IF_ERROR(written);
  }
  return absl::OkStatus();
}

absl::Status SoundWriter::Finish(const Context& context) {
  child_->CloseInput();
  for (;;) {
    RETURN_IF_ERROR(context.Check());
    const auto exit = child_->Wait(std::min(context.deadline, Clock::now() + kCancellationPoll));
    if (!exit) continue;
    return exit->ok() ? absl::OkStatus() : Broken();
  }
}

absl::Status SoundWriter::Broken() {
  auto exit = child_->Wait(Clock::now() + kTimeToExit);
  if (!exit) exit = child_->Kill();
  const std::string said = child_->LastStderrLine();
  return Unavailable("loudspeaker " + sink_.device + ": " +
                     (said.empty() ? exit->ToString() : said) + SoundCardHint());
}

}  // namespace bowerbird::audio
