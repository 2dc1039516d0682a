// SPDX-License-Identifier: Apache-2.0
//
// Taking in 100 KB images with a durable commit, against what the disk does with the same bytes:
// the same number of threads, each writing files and syncing each of them. The two take turns in
// short bursts, so that whatever else the disk does meanwhile hits both; one round is not counted.
// A row for each number of clients that send at the same time.
// usage: bench_data_ingest FOLDER [postgresql://…]   FOLDER lies on the disk that is measured
#include <sys/resource.h>

#include <atomic>
#include <filesystem>
#include <random>
#include <thread>

#include "base/file_system.h"
#include "bench/measure.h"
#include "data/catalog.h"

namespace bowerbird::bench {
namespace {

constexpr int kClients[] = {1, 16, 64};
constexpr int kImagesOfBurst = 64;
constexpr int kBursts = 8;  // of a round
constexpr size_t kImageBytes = 100'000;

// Content that no file system can make smaller, another one for each image.
std::string Image(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string bytes(kImageBytes, '\0');
  for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
    const uint64_t value = random();
    std::copy_n(reinterpret_cast<const char*>(&value), 8,
                bytes.begin() + static_cast<ptrdiff_t>(at));
  }
  return bytes;
}

using Store = std::function<absl::Status(uint64_t number, const std::string& bytes)>;

double CpuMilliseconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto milliseconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  };
  return milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime);
}

// What the bursts of a round took together.
struct Speed {
  double seconds = 0, cpu_ms = 0, images = 0;
  bool failed = false;

  Speed& operator+=(const Speed& burst) {
    seconds += burst.seconds;
    cpu_ms += burst.cpu_ms;
    images += burst.images;
    failed = failed || burst.failed;
    return *this;
  }
  double PerSecond() const { return failed || seconds == 0 ? 0 : images / seconds; }
  double CpuOfImage() const { return images == 0 ? 0 : cpu_ms / images; }
};

Speed Burst(const std::vector<std::string>& images, uint64_t first, int clients,
            const Store& store) {
  std::atomic<int> failed = 0;
  const double cpu = CpuMilliseconds();
  const auto start = Clock::now();
  {
    std::vector<std::jthread> threads;
    const auto share = images.size() / static_cast<size_t>(clients);
    for (size_t client = 0; client < static_cast<size_t>(clients); ++client) {
      threads.emplace_back([&, client] {
        for (size_t at = client * share; at < (client + 1) * share; ++at) {
          const absl::Status status = store(first + at, images[at]);
          if (status.ok()) continue;
          std::fprintf(stderr, "data_ingest: %s\n", status.ToString().c_str());
          ++failed;
        }
      });
    }
  }
  return {.seconds = std::chrono::duration<double>(Clock::now() - start).count(),
          .cpu_ms = CpuMilliseconds() - cpu,
          .images = kImagesOfBurst,
          .failed = failed > 0};
}

absl::Status WriteAndSync(FileSystem& files, const std::string& path, const std::string& bytes) {
  const auto file = files.OpenForWriting(path, WriteMode::kCreateNew);
  if (!file.ok()) return file.status();
  absl::Status status = (*file)->Append(bytes);
  if (status.ok()) status = (*file)->Sync();
  return status.ok() ? (*file)->Close() : status;
}

// What is measured, and how many images it has seen: each gets another content.
struct Subject {
  Store to_disk, to_catalog;
  std::string database;
  uint64_t number = 0;
};

void Measure(Subject& subject, int clients) {
  std::vector<double> disk, ours, ratio, disk_cpu, ours_cpu;
  for (int round = -1; round < kRounds; ++round) {
    Speed plain_speed, our_speed;
    for (int burst = 0; burst < kBursts; ++burst) {
      std::vector<std::string> images;
      for (uint64_t image = 0; image < kImagesOfBurst; ++image) {
        images.push_back(Image(subject.number + image));
      }
      plain_speed += Burst(images, subject.number, clients, subject.to_disk);
      our_speed += Burst(images, subject.number, clients, subject.to_catalog);
      subject.number += images.size();
    }
    if (round < 0) continue;
    disk.push_back(plain_speed.PerSecond());
    ours.push_back(our_speed.PerSecond());
    disk_cpu.push_back(plain_speed.CpuOfImage());
    ours_cpu.push_back(our_speed.CpuOfImage());
    ratio.push_back(disk.back() == 0 ? 0 : ours.back() / disk.back());
  }
  Print("data_ingest",
        {{"database", subject.database},
         {"unit", "durable 100 KB images per second over files written and synced"},
         {"clients", clients},
         {"disk_per_second", Median(disk)},
         {"ours_per_second", Median(ours)},
         {"disk_cpu_ms", Median(disk_cpu)},
         {"ours_cpu_ms", Median(ours_cpu)}},
        Median(ratio), 0.7, /*smaller_is_better=*/false, Spread(disk));
}

int Run(const std::string& folder, const std::string& database) {
  const auto files = MakeFileSystem();
  const std::string plain = folder + "/plain";
  if (!files->MakeDirectories(plain).ok()) return 1;
  data::CatalogOptions options;
  options.directory = folder + "/catalog";
  options.database = database;
  options.prepare_previews = false;
  const auto catalog = data::Catalog::Open(options);
  if (!catalog.ok()) {
    std::fprintf(stderr, "data_ingest: %s\n", catalog.status().ToString().c_str());
    return 1;
  }
  const data::Caller caller{.organization_id = "org", .name = "bench"};
  Subject subject;
  subject.database = database == "sqlite" ? "SQLite" : "PostgreSQL";
  subject.to_disk = [&](uint64_t at, const std::string& bytes) {
    return WriteAndSync(*files, plain + "/" + std::to_string(at), bytes);
  };
  subject.to_catalog = [&](uint64_t at, const std::string& bytes) {
    data::NewItem item;
    item.source.component_name = "camera";
    item.source.mime_type = "image/jpeg";
    item.time_requested = data::Time(std::chrono::milliseconds(at * 100));
    item.tags = {"captured"};
    return (*catalog)->items().Add(caller, item, bytes).status();
  };
  for (const int clients : kClients) Measure(subject, clients);
  return 0;
}

}  // namespace
}  // namespace bowerbird::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_data_ingest FOLDER [postgresql://...]\n");
    return 2;
  }
  return bowerbird::bench::Run(argv[1], argc > 2 ? argv[2] : "sqlite");
}
