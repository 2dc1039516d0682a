// SPDX-License-Identifier: Apache-2.0
//
// Pages, counts and snapshots over a table of generated items (bench/data_table.h).
// usage: bench_data_queries FOLDER [ITEMS] [postgresql://…]   default: 1000000 items in SQLite
#include <sys/resource.h>

#include "bench/data_table.h"
#include "bench/measure.h"
#include "data/catalog.h"

namespace bowerbird::bench {
namespace {

struct Subject {
  data::Catalog& catalog;
  std::string database;
  long items;
};

const data::Caller kCaller{.organization_id = kTableOrganization, .name = "bench"};

void Fail(const std::string& what, const absl::Status& status) {
  std::fprintf(stderr, "data_queries: %s: %s\n", what.c_str(), status.ToString().c_str());
  std::exit(1);
}

// p95 in milliseconds of many calls, after one that fills the caches.
void Measure(const Subject& subject, const std::string& name, double bar_ms, int calls,
             const std::function<absl::Status(int)>& call) {
  std::vector<double> times;
  for (int number = -1; number < calls; ++number) {
    const auto start = Clock::now();
    const absl::Status status = call(number);
    if (!status.ok()) Fail(name, status);
    if (number >= 0) times.push_back(Microseconds(Clock::now() - start) / 1000);
  }
  const double p50 = Percentile(times, 0.5);
  Print(name,
        {{"database", subject.database},
         {"items", subject.items},
         {"unit", "milliseconds p95"},
         {"p50_ms", p50}},
        Percentile(times, 0.95), bar_ms, /*smaller_is_better=*/true);
}

std::function<absl::Status(int)> Page(const Subject& subject, const data::PageRequest& request,
                                      size_t expected) {
  return [&subject, request, expected](int) -> absl::Status {
    const auto page = subject.catalog.items().List(kCaller, request);
    if (!page.ok()) return page.status();
    return page->items.size() == expected
               ? absl::OkStatus()
               : absl::InternalError(std::to_string(page->items.size()) + " items on the page");
  };
}

void Pages(const Subject& subject) {
  using Tags = data::Filter::Tags;
  constexpr double kBar = 50;
  constexpr int kCalls = 100;
  Measure(subject, "data_first_page", kBar, kCalls, Page(subject, {}, 50));
  const long deep = subject.items / 4;
  const std::string last = std::to_string((kTableStart + subject.items - deep) * 1'000'000'000) +
                           "." + std::to_string(subject.items - deep);
  data::PageRequest page;
  page.last = last;
  Measure(subject, "data_page_5000", kBar, kCalls, Page(subject, page, 50));
  page = {};
  page.filter.component_name = "cam3";
  page.filter.tags_filter = Tags::kOneOf;
  page.filter.tags = {"common1", "common4"};
  page.filter.end = data::Time(std::chrono::seconds(kTableStart + subject.items / 2));
  Measure(subject, "data_filtered_page", kBar, kCalls, Page(subject, page, 50));
  page = {};
  page.filter.tags_filter = Tags::kOneOf;
  page.filter.tags = {"rare"};
  Measure(subject, "data_rare_tag_page", kBar, kCalls, Page(subject, page, 50));
  page.filter.component_name = "none";
  Measure(subject, "data_empty_page", kBar, kCalls, Page(subject, page, 0));
  page = {};
  page.filter.tags_filter = Tags::kUntagged;
  page.filter.dataset_id = kTableDataset;
  Measure(subject, "data_untagged_of_dataset_page", kBar, kCalls, Page(subject, page, 50));
  page = {};
  page.filter.box_labels = {"label3"};
  page.filter.tags_filter = Tags::kOneOf;
  page.filter.tags = {"common3", "common4"};
  Measure(subject, "data_labels_and_tags_page", kBar, kCalls, Page(subject, page, 50));
}

void Counts(const Subject& subject) {
  Measure(subject, "data_tag_counts", 50, 100, [&](int) -> absl::Status {
    const auto tags = subject.catalog.labels().Tags(kCaller, {});
    if (!tags.ok()) return tags.status();
    return tags->size() >= 6 ? absl::OkStatus() : absl::InternalError("tags are missing");
  });
  Measure(subject, "data_count", 50, 100, [&](int) -> absl::Status {
    data::Filter filter;
    filter.component_name = "cam3";
    filter.start = data::Time(std::chrono::seconds(kTableStart + 1000));
    return subject.catalog.items().Count(kCaller, filter).status();
  });
}

// Each after a change, so that each is a new one.
void Snapshots(const Subject& subject) {
  data::PageRequest newest;
  newest.limit = 1;
  const auto item = subject.catalog.items().List(kCaller, newest);
  if (!item.ok()) Fail("data_snapshot", item.status());
  std::vector<double> times;
  for (int number = 0; number < 3; ++number) {
    const std::string tag = "state" + std::to_string(Clock::now().time_since_epoch().count());
    const absl::Status tagged = subject.catalog.labels().AddTags(
        kCaller, std::vector<std::string>{item->items[0].id}, std::vector<std::string>{tag});
    if (!tagged.ok()) Fail("data_snapshot", tagged);
    const auto start = Clock::now();
    const auto made = subject.catalog.snapshots().Create(kCaller, kTableDataset, tag, std::nullopt);
    if (!made.ok()) Fail("data_snapshot", made.status());
    times.push_back(Microseconds(Clock::now() - start) / 1e6);
    if (made->existed) std::fprintf(stderr, "data_queries: the snapshot existed already\n");
  }
  Print("data_snapshot",
        {{"database", subject.database}, {"items", subject.items}, {"unit", "seconds"}},
        Median(times), 1, /*smaller_is_better=*/true);
}

int Run(const std::string& folder, long items, const std::string& database) {
  data::CatalogOptions options;
  options.directory = folder;
  options.database = database.empty() ? "sqlite:" + folder + "/bench.db" : database;
  options.prepare_previews = false;
  const auto start = Clock::now();
  if (const absl::Status filled = FillTable(options.database, {.items = items}); !filled.ok()) {
    Fail("generate", filled);
  }
  std::fprintf(stderr, "%ld items generated in %.0f s\n", items,
               Microseconds(Clock::now() - start) / 1e6);
  const auto catalog = data::Catalog::Open(options);
  if (!catalog.ok()) Fail("open", catalog.status());
  const Subject subject{
      .catalog = **catalog, .database = database.empty() ? "SQLite" : "PostgreSQL", .items = items};
  Pages(subject);
  Counts(subject);
  Snapshots(subject);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::fprintf(stderr, "peak memory: %ld MB\n", usage.ru_maxrss / 1024);
  return 0;
}

}  // namespace
}  // namespace bowerbird::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_data_queries FOLDER [ITEMS] [postgresql://...]\n");
    return 2;
  }
  return bowerbird::bench::Run(argv[1], argc > 2 ? std::atol(argv[2]) : 1'000'000,
                               argc > 3 ? argv[3] : "");
}
