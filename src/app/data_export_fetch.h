// SPDX-License-Identifier: Apache-2.0
//
// Stored files fetched from a hub into files, several at a time: one picture after the other waits
// for the network and the disk most of the time.
//
// The files are not synced: who lists them as there syncs first (data_export_journal.h).
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "app/hub_client.h"
#include "base/file_system.h"
#include "base/mutex.h"

namespace bowerbird::app {

struct Fetch {
  std::string id;    // binary_data_id
  std::string path;  // emptied if it is there
  // Of the outcome:
  bool done = false;
  absl::Status status{};
  uint64_t bytes = 0;
};

// Thread-safe.
class Fetcher {
 public:
  Fetcher(const HubClient& hub, FileSystem& files, int parallel);
  // Lets what is under way end, and drops what has not begun.
  ~Fetcher();
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  // So many may be begun and not waited for: enough that no thread idles while the oldest is slow.
  size_t capacity() const { return 4 * threads_.size(); }

  // `fetch` must live until Wait or the destructor has returned. The caller keeps to capacity().
  void Begin(Fetch& fetch);
  void Wait(const Fetch& fetch);

 private:
  void Work();
  void Run(Fetch& fetch);

  const HubClient& hub_;
  FileSystem& files_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<Fetch*> queue_ ABSL_GUARDED_BY(mutex_);
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace bowerbird::app
