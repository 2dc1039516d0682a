// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "machine/board.h"
#include "machine/builtins.h"

namespace bowerbird::machine {
namespace {

constexpr uint64_t kDefaultPwmHertz = 800;
constexpr size_t kMaxPins = 1000;
constexpr size_t kMaxTicksWaiting = 1024;  // of one listener; a slow one loses the oldest
// 12 bits of 3.3 volts, as cheap converters have them.
constexpr AnalogValue kAnalogRange{0, 0.0F, 3.3F, 3.3F / 4096};

struct Pin {
  bool high = false;
  double duty = 0;
  uint64_t hertz = kDefaultPwmHertz;
  int32_t analog = 0;
};

struct BoardAttributes {
  std::map<std::string, std::string> analogs, interrupts;  // name -> pin
};

struct Listener {
  std::vector<std::string> pins;
  std::deque<Tick> ticks;
};

// A board whose wires are inside: what is written to a pin is what is read there, and edges of a
// pin with a digital interrupt are counted.
class FakeBoard : public Board {
 public:
  explicit FakeBoard(BoardAttributes attributes) : attributes_(std::move(attributes)) {}

  absl::Status SetGpio(const Context&, const std::string& pin, bool high, const Json&) override {
    const MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(Pin* const known, PinOf(pin));
    if (known->high != high) Edge(pin, high);
    known->high = high;
    return absl::OkStatus();
  }
  absl::StatusOr<bool> GetGpio(const Context&, const std::string& pin, const Json&) override {
    const MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(const Pin* const known, PinOf(pin));
    return known->high;
  }
  absl::StatusOr<double> GetPwm(const Context&, const std::string& pin, const Json&) override {
    const MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(const Pin* const known, PinOf(pin));
    return known->duty;
  }
  absl::Status SetPwm(const Context&, const std::string& pin, double duty, const Json&) override {
    if (!(duty >= 0 && duty <= 1)) return InvalidArgument("a duty cycle is a number from 0 to 1");
    const MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(Pin* const known, PinOf(pin));
    known->duty = duty;
    return absl::OkStatus();
  }
  absl::StatusOr<uint64_t> GetPwmFrequency(const Context&, const std::string& pin,
                                           const Json&) override {
    const MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(const Pin* const known, PinOf(pin));
    return known->hertz;
  }
  absl::Status SetPwmFrequency(const Context&, const std::string& pin, uint64_t hertz,
                               const Json&) override {
    const MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(Pin* const known, PinOf(pin));
    known->hertz = hertz == 0 ? kDefaultPwmHertz : hertz;
    return absl::OkStatus();
  }
  absl::StatusOr<AnalogValue> ReadAnalog(const Context&, const std::string& name,
                                         const Json&) override {
    const auto analog = attributes_.analogs.find(name);
    if (analog == attributes_.analogs.end()) return NotFound("no analog named \"" + name + "\"");
    const MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(const Pin* const known, PinOf(analog->second));
    AnalogValue value = kAnalogRange;
    value.value = known->analog;
    return value;
  }
  absl::Status WriteAnalog(const Context&, const std::string& pin, int32_t value,
                           const Json&) override {
    const MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(Pin* const known, PinOf(pin));
    known->analog = value;
    return absl::OkStatus();
  }
  absl::StatusOr<int64_t> GetInterruptCount(const Context&, const std::string& name,
                                            const Json&) override {
    ASSIGN_OR_RETURN(const std::string pin, InterruptPin(name));
    const MutexLock lock(mutex_);
    const auto count = edges_.find(pin);
    return count == edges_.end() ? 0 : count->second;
  }

  absl::Status StreamTicks(const Context& context, const std::vector<std::string>& names,
                           const std::function<bool(const Tick&)>& on_tick, const Json&) override {
    Listener listener;
    std::map<std::string, std::string> names_by_pin;
    for (const std::string& name : names) {
      ASSIGN_OR_RETURN(listener.pins.emplace_back(), InterruptPin(name));
      names_by_pin[listener.pins.back()] = name;
    }
    const Listening listening(*this, listener);
    for (;;) {
      Tick tick;
      RETURN_IF_ERROR(NextTick(context, listener, tick));
      tick.pin = names_by_pin[tick.pin];
      if (!on_tick(tick)) return absl::OkStatus();
    }
  }

  absl::Status SetPowerMode(const Context&, BoardPower, std::optional<std::chrono::nanoseconds>,
                            const Json&) override {
    return Unimplemented("this board has no power modes");
  }

 private:
  // On the list while it lives.
  class Listening {
   public:
    Listening(FakeBoard& board, Listener& listener) : board_(board), listener_(listener) {
      const MutexLock lock(board_.mutex_);
      board_.listeners_.push_back(&listener);
    }
    ~Listening() {
      const MutexLock lock(board_.mutex_);
      std::erase(board_.listeners_, &listener_);
    }
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;

   private:
    FakeBoard& board_;
    Listener& listener_;
  };

  absl::StatusOr<Pin*> PinOf(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (name.empty()) return InvalidArgument("the call names no pin");
    if (pins_.size() >= kMaxPins && !pins_.contains(name))
      return ResourceExhausted("no more than " + std::to_string(kMaxPins) + " pins");
    return &pins_[name];
  }

  absl::StatusOr<std::string> InterruptPin(const std::string& name) const {
    const auto interrupt = attributes_.interrupts.find(name);
    if (interrupt == attributes_.interrupts.end())
      return NotFound("no digital interrupt named \"" + name + "\"");
    return interrupt->second;
  }

  void Edge(const std::string& pin, bool high) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ++edges_[pin];
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto time = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
    for (Listener* listener : listeners_) {
      if (std::ranges::find(listener->pins, pin) == listener->pins.end()) continue;
      if (listener->ticks.size() >= kMaxTicksWaiting) listener->ticks.pop_front();
      listener->ticks.push_back({pin, static_cast<uint64_t>(time), high});
    }
    ticked_.NotifyAll();
  }

  absl::Status NextTick(const Context& context, Listener& listener, Tick& tick) {
    const MutexLock lock(mutex_);
    while (listener.ticks.empty()) {
      RETURN_IF_ERROR(context.Check());
      ticked_.WaitUntil(mutex_, std::chrono::steady_clock::now() + kCancellationPoll);
    }
    tick = std::move(listener.ticks.front());
    listener.ticks.pop_front();
    return absl::OkStatus();
  }

  const BoardAttributes attributes_;
  Mutex mutex_;
  CondVar ticked_;
  std::map<std::string, Pin> pins_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int64_t> edges_ ABSL_GUARDED_BY(mutex_);  // of pins
  std::vector<Listener*> listeners_ ABSL_GUARDED_BY(mutex_);
};

// [{"name": N, "pin": P}, ...]
absl::StatusOr<std::map<std::string, std::string>> ReadPins(const Attributes& attributes,
                                                            const std::string& key) {
  std::map<std::string, std::string> pins;
  if (!attributes.Has(key)) return pins;
  const Json& list = attributes.json().at(key);
  if (!list.is_array()) return attributes.Error(key, "is not a list of {\"name\", \"pin\"}");
  for (size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_object()) return attributes.Error(key, "is not a list of {\"name\", \"pin\"}");
    const Attributes entry(list[i], attributes.PathOf(key) + "[" + std::to_string(i) + "]");
    ASSIGN_OR_RETURN(const std::string name, entry.RequiredString("name"));
    ASSIGN_OR_RETURN(std::string pin, entry.RequiredString("pin"));
    if (!pins.emplace(name, std::move(pin)).second)
      return entry.Error("name", "stands twice in \"" + key + "\"");
  }
  return pins;
}

absl::StatusOr<BoardAttributes> Read(const Attributes& attributes) {
  BoardAttributes read;
  ASSIGN_OR_RETURN(read.analogs, ReadPins(attributes, "analogs"));
  ASSIGN_OR_RETURN(read.interrupts, ReadPins(attributes, "digital_interrupts"));
  return read;
}

}  // namespace

void AddFakeBoard(Catalog& catalog) {
  ModelEntry entry;
  entry.api = kBoardApi;
  entry.model = {"rdk", "builtin", "fake"};
  entry.validate = [](const ResourceConfig&,
                      const Attributes& attributes) -> absl::StatusOr<std::vector<std::string>> {
    RETURN_IF_ERROR(Read(attributes).status());
    return std::vector<std::string>();
  };
  entry.build = [](const BuildRequest& request) -> absl::StatusOr<std::shared_ptr<Resource>> {
    ASSIGN_OR_RETURN(BoardAttributes read, Read(request.attributes));
    return std::make_shared<FakeBoard>(std::move(read));
  };
  catalog.Add(std::move(entry));
}

}  // namespace bowerbird::machine
