// SPDX-License-Identifier: Apache-2.0
//
// Boards: pins, analog values, interrupts.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "machine/resource.h"

namespace bowerbird::machine {

inline const Api kBoardApi{"rdk", "component", "board"};

// It stands for minimum + value * step.
struct AnalogValue {
  int32_t value = 0;
  float minimum = 0, maximum = 0, step = 0;
};

// One edge of a digital interrupt.
struct Tick {
  std::string pin;
  uint64_t nanoseconds = 0;
  bool high = false;
};

enum class BoardPower { kUnspecified = 0, kNormal = 1, kOfflineDeep = 2 };

// NOT_FOUND where there is no pin, analog or interrupt of that name.
class Board : public virtual Resource {
 public:
  static inline const Api& kApi = kBoardApi;

  virtual absl::Status SetGpio(const Context& context, const std::string& pin, bool high,
                               const Json& extra) = 0;
  virtual absl::StatusOr<bool> GetGpio(const Context& context, const std::string& pin,
                                       const Json& extra) = 0;
  // Duty cycles are 0..1.
  virtual absl::StatusOr<double> GetPwm(const Context& context, const std::string& pin,
                                        const Json& extra) = 0;
  virtual absl::Status SetPwm(const Context& context, const std::string& pin, double duty,
                              const Json& extra) = 0;
  virtual absl::StatusOr<uint64_t> GetPwmFrequency(const Context& context, const std::string& pin,
                                                   const Json& extra) = 0;
  virtual absl::Status SetPwmFrequency(const Context& context, const std::string& pin,
                                       uint64_t hertz, const Json& extra) = 0;
  virtual absl::StatusOr<AnalogValue> ReadAnalog(const Context& context, const std::string& name,
                                                 const Json& extra) = 0;
  virtual absl::Status WriteAnalog(const Context& context, const std::string& pin, int32_t value,
                                   const Json& extra) = 0;
  // How many edges there have been.
  virtual absl::StatusOr<int64_t> GetInterruptCount(const Context& context, const std::string& name,
                                                    const Json& extra) = 0;
  // Gives every edge of these to `on_tick` until that says false, or the context ends.
  virtual absl::Status StreamTicks(const Context& context, const std::vector<std::string>& names,
                                   const std::function<bool(const Tick&)>& on_tick,
                                   const Json& extra) = 0;
  virtual absl::Status SetPowerMode(const Context& context, BoardPower mode,
                                    std::optional<std::chrono::nanoseconds> duration,
                                    const Json& extra) = 0;
};

}  // namespace bowerbird::machine
