// SPDX-License-Identifier: Apache-2.0
#include "data/previews.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "annotation/perceptual_hash.h"
#include "base/log.h"
#include "base/status.h"
#include "image/codec.h"
#include "image/resize.h"

namespace bowerbird::data {
namespace {

constexpr int kSide = 320;
constexpr int kQuality = 80;
constexpr uint64_t kLargestPicture = uint64_t{256} << 20;
// Files of the cache are not synced: a power cut can leave one cut off.
constexpr std::string_view kJpegEnd = "\xff\xd9";
constexpr int64_t kTasksAtOnce = 64;
constexpr size_t kTasksOfOne = 8;  // what a caller waits for at most, if the thread is at it
// prepared: 0 to do, 1 done, 2 cannot be decoded.
constexpr int64_t kDone = 1;
constexpr int64_t kCannot = 2;

image::Size Fitting(image::Size size) {
  const int longer = std::max(size.width, size.height);
  if (longer <= kSide) return size;
  return {std::max(1, size.width * kSide / longer), std::max(1, size.height * kSide / longer)};
}

}  // namespace

Previews::Previews(Core& core, bool start) : core_(core) {
  if (!start) return;
  thread_ = std::thread([this] { Loop(); });
  pthread_setname_np(thread_.native_handle(), "previews");
}

Previews::~Previews() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

void Previews::Wake() {
  const MutexLock lock(mutex_);
  ++wanted_;
  changed_.NotifyAll();
}

absl::Status Previews::WaitUntilDone() {
  int64_t last = 0;
  RETURN_IF_ERROR(core_.database().Read([&](Connection& connection) {
    return connection.Query("SELECT item FROM items ORDER BY item DESC LIMIT 1", {},
                            [&](const Row& row) {
                              last = row.Integer(0);
                              return absl::OkStatus();
                            });
  }));
  return DoAll(last);
}

absl::Status Previews::DoAll(int64_t last) {
  while (true) {
    uint64_t releases = 0;
    {
      const MutexLock lock(mutex_);
      if (stopping_) return Unavailable("the catalog is being closed");
      releases = releases_;
    }
    ASSIGN_OR_RETURN(const auto tasks, NextTasks(last));
    if (tasks.empty()) return absl::OkStatus();
    const std::vector<Task> claimed = Claim(tasks);
    if (claimed.empty()) {
      // Others are at all of them.
      const MutexLock lock(mutex_);
      while (releases_ == releases && !stopping_) changed_.Wait(mutex_);
      continue;
    }
    const absl::Status status = Prepare(claimed);
    Release(claimed);
    RETURN_IF_ERROR(status);
  }
}

std::vector<Previews::Task> Previews::Claim(const std::vector<Task>& tasks) {
  std::vector<Task> claimed;
  const MutexLock lock(mutex_);
  for (const Task& task : tasks) {
    if (claimed.size() == kTasksOfOne) break;
    if (claimed_.insert(task.item).second) claimed.push_back(task);
  }
  return claimed;
}

void Previews::Release(const std::vector<Task>& claimed) {
  const MutexLock lock(mutex_);
  for (const Task& task : claimed) claimed_.erase(task.item);
  ++releases_;
  changed_.NotifyAll();
}

void Previews::Loop() {
  // On Linux the priority is the thread's own.
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 19);
  while (true) {
    uint64_t wanted = 0;
    {
      const MutexLock lock(mutex_);
      while (done_ == wanted_ && !stopping_) changed_.Wait(mutex_);
      if (stopping_) return;
      wanted = wanted_;
    }
    if (const absl::Status status = DoAll(std::numeric_limits<int64_t>::max()); !status.ok()) {
      LogWarning("data", "previews stay undone: " + MessageOf(status));
    }
    const MutexLock lock(mutex_);
    done_ = wanted;
    changed_.NotifyAll();
  }
}

absl::StatusOr<std::vector<Previews::Task>> Previews::NextTasks(int64_t last) {
  std::vector<Task> tasks;
  RETURN_IF_ERROR(core_.database().Read([&](Connection& connection) {
    return connection.Query(
        "SELECT item, hash FROM items WHERE prepared = 0 AND item <= $1 ORDER BY item LIMIT " +
            std::to_string(kTasksAtOnce),
        {last}, [&](const Row& row) {
          tasks.push_back({.item = row.Integer(0), .hash = HexOfBytes(row.Blob(1))});
          return absl::OkStatus();
        });
  }));
  return tasks;
}

// One transaction for all: each would wait for the disk.
absl::Status Previews::Prepare(const std::vector<Task>& tasks) {
  std::vector<Prepared> prepared;
  prepared.reserve(tasks.size());
  for (const Task& task : tasks) {
    Prepared& one = prepared.emplace_back(Prepared{.item = task.item});
    const auto jpeg = Make(task.hash, &one.looks);
    one.decoded = jpeg.ok();
    if (jpeg.ok()) Keep(task.hash, *jpeg);
  }
  return core_.database().Write([&](Connection& connection) {
    for (const Prepared& one : prepared) {
      const store::Value looks = one.decoded && one.looks
                                     ? store::Value(static_cast<int64_t>(*one.looks))
                                     : store::Value();
      RETURN_IF_ERROR(connection
                          .Execute("UPDATE items SET prepared = $1, looks = $2 WHERE item = $3",
                                   {one.decoded ? kDone : kCannot, looks, one.item})
                          .status());
    }
    return absl::OkStatus();
  });
}

std::string Previews::PathOf(const std::string& hash) const {
  return core_.directory() + "/previews/" + hash.substr(0, 2) + "/" + hash + ".jpg";
}

void Previews::Keep(const std::string& hash, const std::string& jpeg) {
  // An error only means that it is made again.
  const std::string path = PathOf(hash);
  const std::string fresh = path + "." + std::to_string(++fresh_);
  if (!core_.files().MakeDirectories(ParentDirectory(path)).ok()) return;
  const auto file = core_.files().OpenForWriting(fresh, WriteMode::kTruncate);
  if (!file.ok()) return;
  if (!(*file)->Append(jpeg).ok() || !core_.files().Rename(fresh, path).ok()) {
    (void)core_.files().Remove(fresh);
  }
}

absl::StatusOr<std::string> Previews::Make(const std::string& hash,
                                           std::optional<uint64_t>* looks) {
  ASSIGN_OR_RETURN(const std::string bytes, store::ReadBlob(core_.blobs(), hash, kLargestPicture));
  const auto picture = image::Picture::FromBytes(bytes);
  ASSIGN_OR_RETURN(const image::Header header, picture->header());
  const image::Size size = Fitting(header.size);
  ASSIGN_OR_RETURN(const auto pixels, picture->Decoded(size));
  if (looks != nullptr) {
    ASSIGN_OR_RETURN(*looks, annotation::PerceptualHashOf(*picture));
  }
  return image::EncodeJpeg(image::Resize(image::ToRgb(*pixels), size, image::Filter::kTriangle),
                           kQuality);
}

absl::StatusOr<std::string> Previews::Get(const Item& item) {
  if (item.width == 0) {
    return FailedPrecondition("binary data " + item.id + " is not a picture: it has no preview");
  }
  auto cached = ReadFile(core_.files(), PathOf(item.content_hash));
  if (cached.ok() && cached->ends_with(kJpegEnd)) return cached;
  ASSIGN_OR_RETURN(std::string jpeg, Make(item.content_hash, nullptr));
  Keep(item.content_hash, jpeg);
  return jpeg;
}

}  // namespace bowerbird::data
