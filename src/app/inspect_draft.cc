// SPDX-License-Identifier: Apache-2.0
#include "app/inspect_draft.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/status.h"

namespace bowerbird::app {
namespace {

namespace fs = std::filesystem;

constexpr std::array<int, 3> kEnds = {SIGINT, SIGTERM, SIGHUP};

// What the handler may touch: the name of the draft that lives, or nothing.
std::atomic<const char*> draft_name{nullptr};
static_assert(std::atomic<const char*>::is_always_lock_free);

// Removes the draft, then ends as if there were no handler (SA_RESETHAND), so that a shell sees the
// signal.
extern "C" void RemoveDraftAndEnd(int signal) {
  const char* name = draft_name.load();
  if (name != nullptr) unlink(name);
  raise(signal);
}

}  // namespace

Draft::Draft(std::string path) : path_(std::move(path)) {}

absl::StatusOr<std::unique_ptr<Draft>> Draft::Write(const std::string& output,
                                                    const std::string& bytes) {
  std::unique_ptr<Draft> draft(new Draft(output + ".part-XXXXXX"));
  // Taken before the file exists; until then the name is that of no file.
  draft->TakeSignals();
  const int file = mkstemp(draft->path_.data());
  if (file < 0) return ErrnoStatus(errno, "write " + output + " (a file beside it)");
  close(file);
  draft->exists_ = true;
  std::ofstream out(draft->path_, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) return ErrnoStatus(errno, "write " + draft->path_);
  return draft;
}

Draft::~Draft() {
  std::error_code error;
  if (exists_) fs::remove(path_, error);
  if (!has_signals_) return;
  for (size_t i = 0; i < kEnds.size(); ++i) sigaction(kEnds[i], &before_[i], nullptr);
  draft_name = nullptr;
}

void Draft::TakeSignals() {
  draft_name = path_.c_str();
  struct sigaction action = {};
  action.sa_handler = RemoveDraftAndEnd;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (size_t i = 0; i < kEnds.size(); ++i) {
    sigaction(kEnds[i], nullptr, &before_[i]);
    // A signal that the starter wants ignored (nohup) stays so.
    if (before_[i].sa_handler != SIG_IGN) sigaction(kEnds[i], &action, nullptr);
  }
  has_signals_ = true;
}

absl::Status Draft::Place(const std::string& output) {
  std::error_code error;
  // mkstemp makes files that only their owner may read.
  fs::permissions(path_,
                  fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read |
                      fs::perms::others_read,
                  error);
  fs::rename(path_, output, error);
  if (error) return ErrnoStatus(error.value(), "write " + output);
  exists_ = false;
  return absl::OkStatus();
}

}  // namespace bowerbird::app
