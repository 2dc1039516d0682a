// SPDX-License-Identifier: Apache-2.0
#include "app/find_run.h"

#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include "app/picture_source.h"
#include "base/status.h"
#include "image/codec.h"

namespace bowerbird::app {
namespace {

namespace fs = std::filesystem;

constexpr int kDrawnQuality = 90;

// "  12/40 files, 35.2 frames/s, 1 s left" for a person who watches; nothing for a program.
class Progress {
 public:
  explicit Progress(size_t files) : files_(files) {
    // JSON lines on the same terminal are progress enough.
    shown_ = isatty(STDERR_FILENO) != 0 && isatty(STDOUT_FILENO) == 0;
  }
  ~Progress() { Clear(); }

  void Frame() {
    ++frames_;
    if (!shown_) return;
    const double now = Seconds();
    if (now - last_ < 0.2) return;
    last_ = now;
    const double rate = static_cast<double>(frames_) / std::max(now, 1e-3);
    std::fprintf(stderr, "\r  %zu/%zu files, %.1f frames/s", done_, files_, rate);
    if (done_ > 0) {
      std::fprintf(stderr, ", %.0f s left",
                   now / static_cast<double>(done_) * static_cast<double>(files_ - done_));
    }
    std::fputs("\033[K", stderr);
  }
  void File() { ++done_; }
  void Clear() const {
    if (shown_) std::fputs("\r\033[K", stderr);
  }

 private:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  const size_t files_;
  size_t done_ = 0;
  size_t frames_ = 0;
  double last_ = -1;
  bool shown_ = false;
};

// One run: what was drawn so far, and whether anything failed.
class Runner {
 public:
  explicit Runner(const FindRun& run) : run_(run), progress_(run.files.size()) {}

  int All() {
    if (!run_.draw.empty()) {
      std::error_code error;
      fs::create_directories(run_.draw, error);
      if (error) {
        Complain(ErrnoStatus(error.value(), "make folder " + run_.draw));
        return 1;
      }
    }
    for (const std::string& argument : run_.files) {
      const auto files = FilesOf(argument);
      if (!files.ok()) {
        Complain(files.status());
        continue;
      }
      for (const std::string& file : *files) One(file);
      progress_.File();
    }
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) failed_ = true;
    return failed_ ? 1 : 0;
  }

 private:
  void One(const std::string& file) {
    const absl::Status status = ForEachFrame(
        file, run_.every, [&](int64_t frame, const std::shared_ptr<const image::Picture>& picture) {
          return OneFrame(file, frame, *picture);
        });
    if (!status.ok()) Complain(status);
  }

  absl::Status OneFrame(const std::string& file, int64_t frame, const image::Picture& picture) {
    PhaseTimes phases;
    Context context;
    context.phases = &phases;
    ASSIGN_OR_RETURN(const nlohmann::ordered_json found, run_.find(context, picture));
    ASSIGN_OR_RETURN(const image::Header header, picture.header());
    const auto milliseconds = [&](Phase phase) {
      return std::round(phases.Milliseconds(phase) * 1000) / 1000;
    };
    const nlohmann::ordered_json line = {{"file", file},
                                         {"frame", frame},
                                         {"width", header.size.width},
                                         {"height", header.size.height},
                                         {run_.key, found},
                                         {"milliseconds",
                                          {{"decode", milliseconds(Phase::kDecode)},
                                           {"resize", milliseconds(Phase::kResize)},
                                           {"invoke", milliseconds(Phase::kInvoke)},
                                           {"postprocess", milliseconds(Phase::kPostprocess)}}}};
    // File names and label files need not be UTF-8; JSON must be.
    const std::string text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    std::puts(text.c_str());
    progress_.Frame();
    if (run_.draw.empty()) return absl::OkStatus();
    return Draw(file, frame, picture);
  }

  absl::Status Draw(const std::string& file, int64_t frame, const image::Picture& picture) {
    ASSIGN_OR_RETURN(const std::shared_ptr<const image::Image> image, picture.Decoded());
    image::Image marked = image::ToRgb(*image);
    run_.mark(marked);
    ASSIGN_OR_RETURN(const std::string jpeg, image::EncodeJpeg(marked, kDrawnQuality));
    const std::string path = DrawnPath(file, frame);
    std::ofstream out(path, std::ios::binary);
    out.write(jpeg.data(), static_cast<std::streamsize>(jpeg.size()));
    out.close();
    return out ? absl::OkStatus() : ErrnoStatus(errno, "write " + path);
  }

  // A name of its own for every picture: files of the same name come from different folders.
  std::string DrawnPath(const std::string& file, int64_t frame) {
    std::string stem = fs::path(file).stem().string();
    if (frame > 0) {
      char number[32];
      std::snprintf(number, sizeof number, "-%06lld", static_cast<long long>(frame));
      stem += number;
    }
    std::string name = stem;
    for (int copy = 2; !drawn_.insert(name).second; ++copy)
      name = stem + "-" + std::to_string(copy);
    return (fs::path(run_.draw) / (name + ".jpg")).string();
  }

  void Complain(const absl::Status& status) {
    failed_ = true;
    progress_.Clear();
    std::fflush(stdout);
    std::fprintf(stderr, "bowerbird %s: %s\n", run_.command.c_str(), MessageOf(status).c_str());
  }

  const FindRun& run_;
  Progress progress_;
  std::set<std::string> drawn_;
  bool failed_ = false;
};

}  // namespace

nlohmann::ordered_json ClassificationsJson(
    const std::vector<vision::Classification>& classifications) {
  auto list = nlohmann::ordered_json::array();
  for (const vision::Classification& classification : classifications) {
    list.push_back({{"label", classification.label},
                    {"class_id", classification.class_id},
                    {"confidence", Rounded(classification.confidence)}});
  }
  return list;
}

double Rounded(double value) { return std::round(value * 1e6) / 1e6; }

int RunFind(const FindRun& run) { return Runner(run).All(); }

}  // namespace bowerbird::app
