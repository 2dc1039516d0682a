// SPDX-License-Identifier: Apache-2.0
#include "app/data_export_fetch.h"

#include <pthread.h>

#include <memory>

#include "app/progress.h"
#include "base/status.h"
#include "bowerbird/v1/download.pb.h"

namespace bowerbird::app {
namespace {

absl::Status ReadInto(const HubClient& hub, const std::string& id, WritableFile& file,
                      uint64_t& bytes) {
  bowerbird::v1::ReadFileRequest request;
  request.set_binary_data_id(id);
  return hub.Read<bowerbird::v1::ReadFileResponse>(
      "/bowerbird.v1.DownloadService/ReadFile", request,
      [&](const bowerbird::v1::ReadFileResponse& piece) -> absl::Status {
        if (Interrupted()) return absl::CancelledError("interrupted");
        bytes += piece.data().size();
        return file.Append(piece.data());
      });
}

absl::Status FetchFile(const HubClient& hub, FileSystem& files, const Fetch& fetch,
                       uint64_t& bytes) {
  ASSIGN_OR_RETURN(const auto file,
                   files.OpenForWriting(fetch.path, WriteMode::kTruncate, /*permissions=*/0644));
  RETURN_IF_ERROR(ReadInto(hub, fetch.id, *file, bytes));
  return file->Close();
}

}  // namespace

Fetcher::Fetcher(const HubClient& hub, FileSystem& files, int parallel) : hub_(hub), files_(files) {
  threads_.reserve(static_cast<size_t>(parallel));
  for (int i = 0; i < parallel; ++i) {
    threads_.emplace_back([this, i] {
      pthread_setname_np(pthread_self(), ("export-" + std::to_string(i)).c_str());
      Work();
    });
  }
}

Fetcher::~Fetcher() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
    changed_.NotifyAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

void Fetcher::Begin(Fetch& fetch) {
  const MutexLock lock(mutex_);
  queue_.push_back(&fetch);
  changed_.NotifyAll();
}

void Fetcher::Wait(const Fetch& fetch) {
  const MutexLock lock(mutex_);
  while (!fetch.done) changed_.Wait(mutex_);
}

void Fetcher::Work() {
  while (true) {
    Fetch* fetch = nullptr;
    {
      const MutexLock lock(mutex_);
      while (queue_.empty() && !stop_) changed_.Wait(mutex_);
      if (stop_) return;
      fetch = queue_.front();
      queue_.pop_front();
    }
    Run(*fetch);
  }
}

void Fetcher::Run(Fetch& fetch) {
  uint64_t bytes = 0;
  absl::Status status = FetchFile(hub_, files_, fetch, bytes);
  const MutexLock lock(mutex_);
  fetch.status = std::move(status);
  fetch.bytes = bytes;
  fetch.done = true;
  changed_.NotifyAll();
}

}  // namespace bowerbird::app
