// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.h"

#include <array>
#include <utility>

#include "base/mutex.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "prometheus/text_serializer.h"

namespace bowerbird {
namespace {

const prometheus::Histogram::BucketBoundaries kBuckets = {
    5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1, 2, 5, 10};

class CounterOf final : public Metrics::Counter {
 public:
  explicit CounterOf(prometheus::Counter& counter) : counter_(counter) {}
  void Add(double amount) override { counter_.Increment(amount); }

 private:
  prometheus::Counter& counter_;
};

class GaugeOf final : public Metrics::Gauge {
 public:
  explicit GaugeOf(prometheus::Gauge& gauge) : gauge_(gauge) {}
  void Set(double value) override { gauge_.Set(value); }
  void Add(double amount) override { gauge_.Increment(amount); }

 private:
  prometheus::Gauge& gauge_;
};

class HistogramOf final : public Metrics::Histogram {
 public:
  explicit HistogramOf(prometheus::Histogram& histogram) : histogram_(histogram) {}
  void Observe(double seconds) override { histogram_.Observe(seconds); }

 private:
  prometheus::Histogram& histogram_;
};

using Key = std::pair<std::string, Metrics::Labels>;

}  // namespace

struct Metrics::Registry {
  Mutex mutex;
  prometheus::Registry registry;
  std::map<std::string, prometheus::Family<prometheus::Counter>*> counter_families
      ABSL_GUARDED_BY(mutex);
  std::map<std::string, prometheus::Family<prometheus::Gauge>*> gauge_families
      ABSL_GUARDED_BY(mutex);
  std::map<std::string, prometheus::Family<prometheus::Histogram>*> histogram_families
      ABSL_GUARDED_BY(mutex);
  std::map<Key, std::unique_ptr<Counter>> counters ABSL_GUARDED_BY(mutex);
  std::map<Key, std::unique_ptr<Gauge>> gauges ABSL_GUARDED_BY(mutex);
  std::map<Key, std::unique_ptr<Histogram>> histograms ABSL_GUARDED_BY(mutex);
  // bowerbird_phase_seconds by model: every request of a model comes here.
  Mutex phases_mutex;
  std::map<std::string, std::array<Histogram*, kPhaseCount>> phases ABSL_GUARDED_BY(phases_mutex);
};

Metrics::Metrics() : registry_(std::make_unique<Registry>()) {}
Metrics::~Metrics() = default;

Metrics::Counter& Metrics::GetCounter(const std::string& name, const std::string& help,
                                      const Labels& labels) {
  MutexLock lock(registry_->mutex);
  auto& entry = registry_->counters[{name, labels}];
  if (!entry) {
    auto& family = registry_->counter_families[name];
    if (family == nullptr)
      family = &prometheus::BuildCounter().Name(name).Help(help).Register(registry_->registry);
    entry = std::make_unique<CounterOf>(family->Add(labels));
  }
  return *entry;
}

Metrics::Gauge& Metrics::GetGauge(const std::string& name, const std::string& help,
                                  const Labels& labels) {
  MutexLock lock(registry_->mutex);
  auto& entry = registry_->gauges[{name, labels}];
  if (!entry) {
    auto& family = registry_->gauge_families[name];
    if (family == nullptr)
      family = &prometheus::BuildGauge().Name(name).Help(help).Register(registry_->registry);
    entry = std::make_unique<GaugeOf>(family->Add(labels));
  }
  return *entry;
}

Metrics::Histogram& Metrics::GetHistogram(const std::string& name, const std::string& help,
                                          const Labels& labels) {
  MutexLock lock(registry_->mutex);
  auto& entry = registry_->histograms[{name, labels}];
  if (!entry) {
    auto& family = registry_->histogram_families[name];
    if (family == nullptr)
      family = &prometheus::BuildHistogram().Name(name).Help(help).Register(registry_->registry);
    entry = std::make_unique<HistogramOf>(family->Add(labels, kBuckets));
  }
  return *entry;
}

void Metrics::ObservePhases(const std::string& model, const PhaseTimes& times) {
  MutexLock lock(registry_->phases_mutex);
  auto& histograms = registry_->phases[model];
  for (int i = 0; i < kPhaseCount; ++i) {
    const auto time = times.Get(static_cast<Phase>(i));
    if (time.count() == 0) continue;
    const auto at = static_cast<size_t>(i);
    if (histograms[at] == nullptr) {
      histograms[at] =
          &GetHistogram("bowerbird_phase_seconds", "Time of one request in one phase, by model.",
                        {{"model", model}, {"phase", std::string(kPhaseNames[at])}});
    }
    histograms[at]->Observe(std::chrono::duration<double>(time).count());
  }
}

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(registry_->registry.Collect());
}

}  // namespace bowerbird
