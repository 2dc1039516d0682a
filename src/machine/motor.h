// SPDX-License-Identifier: Apache-2.0
//
// Motors: what turns, with or without knowing how far.
#pragma once

#include "machine/resource.h"

namespace bowerbird::machine {

inline const Api kMotorApi{"rdk", "component", "motor"};

struct MotorPower {
  bool is_on = false;
  double fraction = 0;  // -1 (full power backwards) to 1
};

// Positions are revolutions from the zero position. A new motion takes the place of the one before,
// whose caller is answered CANCELLED; so does Stop.
class Motor : public virtual Resource {
 public:
  static inline const Api& kApi = kMotorApi;

  virtual absl::Status SetPower(const Context& context, double fraction, const Json& extra) = 0;
  // Both return when the motor is there. GoFor goes backwards if one of the two is negative; 0
  // revolutions are INVALID_ARGUMENT.
  virtual absl::Status GoFor(const Context& context, double rpm, double revolutions,
                             const Json& extra) = 0;
  virtual absl::Status GoTo(const Context& context, double rpm, double position,
                            const Json& extra) = 0;
  virtual absl::Status SetRpm(const Context& context, double rpm, const Json& extra) = 0;
  // Where it stands is `offset` from now on.
  virtual absl::Status ResetZeroPosition(const Context& context, double offset,
                                         const Json& extra) = 0;
  virtual absl::StatusOr<double> GetPosition(const Context& context, const Json& extra) = 0;
  virtual absl::StatusOr<bool> ReportsPosition(const Context& context, const Json& extra) = 0;
  virtual absl::StatusOr<MotorPower> IsPowered(const Context& context, const Json& extra) = 0;
  virtual absl::StatusOr<bool> IsMoving(const Context& context) = 0;
};

}  // namespace bowerbird::machine
