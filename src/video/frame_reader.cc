// SPDX-License-Identifier: Apache-2.0
#include "video/frame_reader.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "base/status.h"

namespace bowerbird::video {
namespace {

using Clock = std::chrono::steady_clock;

// How long a child may take to end after it closed its stdout.
constexpr std::chrono::seconds kTimeToExit{2};

absl::Status CheckFile(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return InvalidArgument("video file " + path + ": this is a folder");
  if (!std::filesystem::exists(path, ignored))
    return NotFound("video file " + path + ": there is no such file");
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckInput(const FrameReaderOptions& options) {
  if (options.input.empty()) return InvalidArgument("no video input is named");
  if (const auto program = FindProgram(options.ffmpeg); !program.ok()) {
    return NotFound(options.ffmpeg + " not found: install the Debian package ffmpeg");
  }
  return IsLocalFile(options) ? CheckFile(options.input) : absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<FrameReader>> FrameReader::Open(FrameReaderOptions options) {
  RETURN_IF_ERROR(CheckInput(options));
  Subprocess::Options child;
  child.argv = FfmpegCommand(options);
  child.name = "ffmpeg";
  ASSIGN_OR_RETURN(auto started, Subprocess::Start(std::move(child)));
  return std::unique_ptr<FrameReader>(
      new FrameReader(std::move(options.input), std::move(started)));
}

FrameReader::FrameReader(std::string input, std::unique_ptr<Subprocess> child)
    : input_(std::move(input)), child_(std::move(child)) {}

FrameReader::~FrameReader() {
  // It only writes to us; there is nothing it could save.
  child_->Signal(SIGKILL);
}

absl::StatusOr<std::optional<Frame>> FrameReader::Next(const Context& context) {
  std::array<char, 65536> buffer;
  while (true) {
    if (auto jpeg = stream_.Take()) {
      return Frame{*std::move(jpeg), frames_++, std::chrono::system_clock::now()};
    }
    if (ended_) break;
    RETURN_IF_ERROR(context.Check());
    const auto deadline = context.cancelled
                              ? std::min(context.deadline, Clock::now() + kCancellationPoll)
                              : context.deadline;
    const auto count = child_->Read(buffer, deadline);
    if (absl::IsDeadlineExceeded(count.status())) continue;
    if (absl::IsCancelled(count.status())) return count.status();
    if (count.ok() && *count > 0) {
      stream_.Append({buffer.data(), *count});
    } else {
      ended_ = true;
      end_ = count.ok() ? Ended() : count.status();
    }
  }
  if (!end_.ok()) return end_;
  return std::nullopt;
}

absl::Status FrameReader::Ended() {
  auto exit = child_->Wait(Clock::now() + kTimeToExit);
  if (!exit) exit = child_->Kill();
  if (exit->ok() && frames_ > 0) return absl::OkStatus();
  std::string message = "video " + PrintableInput(input_) + ": ";
  if (exit->ok() && child_->LastStderrLine().empty())
    return InvalidArgument(message + "there is no picture in it");
  message += frames_ == 0 ? "ffmpeg cannot read it"
                          : "ffmpeg stopped after frame " + std::to_string(frames_);
  message += ": " + LastMessage(*exit);
  return frames_ == 0 && exit->signal == 0 ? InvalidArgument(message)
                                           : absl::DataLossError(ToAbsl(message));
}

std::string FrameReader::LastMessage(const ExitStatus& exit) const {
  std::string message = child_->LastStderrLine();
  if (exit.signal != 0 || message.empty()) return exit.ToString();
  // ffmpeg names its input, which may hold a password.
  const std::string printable = PrintableInput(input_);
  if (printable == input_) return message;
  for (size_t at = 0; (at = message.find(input_, at)) != std::string::npos;) {
    message.replace(at, input_.size(), printable);
    at += printable.size();
  }
  return message;
}

void FrameReader::Stop() { child_->Interrupt(); }

absl::StatusOr<std::unique_ptr<FrameReader>> ReadFrames(const std::string& path) {
  FrameReaderOptions options;
  options.input = path;
  options.quality = 2;
  return FrameReader::Open(std::move(options));
}

}  // namespace bowerbird::video
