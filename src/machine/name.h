// SPDX-License-Identifier: Apache-2.0
//
// Names of resources, APIs and models, as configs and the wire spell them.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace bowerbird::machine {

// "rdk:component:camera"
struct Api {
  std::string ns;       // "rdk" for the APIs of the platform itself
  std::string type;     // "component" or "service"
  std::string subtype;  // "camera"

  std::string ToString() const { return ns + ":" + type + ":" + subtype; }
  friend auto operator<=>(const Api&, const Api&) = default;

  static absl::StatusOr<Api> Parse(std::string_view text);
};

// "rdk:component:camera/cam"; of another machine: "rdk:component:camera/prefix-cam" (the prefix is
// part of the name). Names are unique per API.
struct ResourceName {
  Api api;
  std::string name;

  std::string ToString() const { return api.ToString() + "/" + name; }
  friend auto operator<=>(const ResourceName&, const ResourceName&) = default;

  static absl::StatusOr<ResourceName> Parse(std::string_view text);
};

// "ns:family:name"; a short name means rdk:builtin:name.
struct ModelName {
  std::string ns, family, name;

  std::string ToString() const { return ns + ":" + family + ":" + name; }
  friend auto operator<=>(const ModelName&, const ModelName&) = default;

  static absl::StatusOr<ModelName> Parse(std::string_view text);
};

// Letters, digits, '-' and '_', 1..60 of them, first a letter or digit. INVALID_ARGUMENT says so.
absl::Status CheckResourceName(std::string_view name);

inline const Api kCameraApi{"rdk", "component", "camera"};
inline const Api kSensorApi{"rdk", "component", "sensor"};
inline const Api kGenericComponentApi{"rdk", "component", "generic"};
inline const Api kGenericServiceApi{"rdk", "service", "generic"};
inline const Api kMlModelApi{"rdk", "service", "mlmodel"};
inline const Api kVisionApi{"rdk", "service", "vision"};
inline const Api kDataManagerApi{"rdk", "service", "data_manager"};
inline const Api kDiscoveryApi{"rdk", "service", "discovery"};

}  // namespace bowerbird::machine
