// SPDX-License-Identifier: Apache-2.0
#include "capture/control.h"

#include <optional>
#include <utility>

#include "base/status.h"
#include "machine/attributes.h"

namespace bowerbird::capture {
namespace {

using machine::Attributes;

struct Order {
  std::string resource, method;
  std::optional<double> frequency_hz;
  std::optional<std::vector<std::string>> tags;

  bool IsFor(const machine::ResourceName& name) const {
    return name.name == resource || name.ToString() == resource;
  }
  void ApplyTo(CaptureMethod& changed) const {
    if (frequency_hz.has_value()) {
      changed.frequency_hz = *frequency_hz;
      changed.disabled = *frequency_hz == 0;
    }
    if (tags.has_value()) changed.tags = *tags;
  }
};

absl::StatusOr<Order> ReadOrder(const Attributes& entry) {
  Order order;
  ASSIGN_OR_RETURN(order.resource, entry.RequiredString("resource_name"));
  ASSIGN_OR_RETURN(order.method, entry.RequiredString("method"));
  if (entry.Has("capture_frequency_hz")) {
    ASSIGN_OR_RETURN(order.frequency_hz, entry.Double("capture_frequency_hz", 0, 0, 1e6));
  }
  if (entry.Has("tags")) {
    ASSIGN_OR_RETURN(order.tags, entry.Strings("tags"));
    RETURN_IF_ERROR(Annotate(CheckTags(*order.tags), entry.PathOf("tags")));
  }
  return order;
}

// The resource that is meant where the config captures nothing of it.
std::optional<machine::ResourceName> Resolve(const Order& order,
                                             const std::vector<machine::ResourceName>& names) {
  if (auto full = machine::ResourceName::Parse(order.resource); full.ok()) return *full;
  std::optional<machine::ResourceName> found;
  for (const auto& name : names) {
    if (name.name != order.resource) continue;
    if (found.has_value()) return std::nullopt;  // of two APIs
    found = name;
  }
  return found;
}

void Apply(const Order& order, const std::vector<machine::ResourceName>& names,
           std::vector<CaptureMethod>& methods) {
  bool found = false;
  for (CaptureMethod& method : methods) {
    if (!order.IsFor(method.resource) || method.method != order.method) continue;
    order.ApplyTo(method);
    found = true;
  }
  if (found || !order.frequency_hz.has_value() || *order.frequency_hz == 0) return;
  const auto resource = Resolve(order, names);
  if (!resource.has_value()) return;
  CaptureMethod added;
  added.resource = *resource;
  added.method = order.method;
  order.ApplyTo(added);
  methods.push_back(std::move(added));
}

}  // namespace

absl::StatusOr<std::vector<CaptureMethod>> ApplyControl(
    const std::vector<CaptureMethod>& configured, const nlohmann::json& reading,
    const std::string& key, const std::vector<machine::ResourceName>& names) {
  if (!reading.is_object() || !reading.contains(key) || !reading.at(key).is_array())
    return InvalidArgument("the reading has no list \"" + key + "\"");
  std::vector<CaptureMethod> methods = configured;
  const auto& list = reading.at(key);
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string path = key + "[" + std::to_string(i) + "]";
    if (!list[i].is_object()) return InvalidArgument(path + " is not an object");
    ASSIGN_OR_RETURN(const Order order, ReadOrder(Attributes(list[i], path)));
    Apply(order, names, methods);
  }
  return methods;
}

}  // namespace bowerbird::capture
