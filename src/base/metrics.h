// SPDX-License-Identifier: Apache-2.0
//
// Counters, gauges and histograms, printed in Prometheus' text format. One Metrics object is built
// by the program and handed down; nothing here is global. All calls are thread-safe and cheap
// enough for every request (one hash look-up at most where the labels are not kept by the caller).
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/phases.h"

namespace bowerbird {

class Metrics {
 public:
  using Labels = std::map<std::string, std::string>;

  class Counter {
   public:
    virtual ~Counter() = default;
    virtual void Add(double amount = 1) = 0;
  };
  class Gauge {
   public:
    virtual ~Gauge() = default;
    virtual void Set(double value) = 0;
    virtual void Add(double amount) = 0;
  };
  // Seconds; buckets from 50 µs to 10 s.
  class Histogram {
   public:
    virtual ~Histogram() = default;
    virtual void Observe(double seconds) = 0;
  };

  Metrics();
  ~Metrics();

  // The same name and labels always give the same object, which lives as long as this one. A name
  // has one kind and one help text, those of its first use.
  Counter& GetCounter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge& GetGauge(const std::string& name, const std::string& help, const Labels& labels = {});
  Histogram& GetHistogram(const std::string& name, const std::string& help,
                          const Labels& labels = {});

  // bowerbird_phase_seconds{model, phase}: every phase of `times` that is not zero.
  void ObservePhases(const std::string& model, const PhaseTimes& times);

  // The whole registry in Prometheus' text exposition format 0.0.4.
  std::string Text() const;

 private:
  struct Registry;
  std::unique_ptr<Registry> registry_;
};

}  // namespace bowerbird
