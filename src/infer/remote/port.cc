// SPDX-License-Identifier: Apache-2.0
#include "infer/remote/port.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "base/status.h"
#include "infer/half.h"
#include "infer/remote/datatype.h"

namespace bowerbird::infer::remote {

absl::StatusOr<Port> Port::From(const TensorDescription& description) {
  const std::string what = "tensor \"" + Shown(description.name) + "\"";
  if (description.name.empty()) return InvalidArgument("a tensor has no name");
  Port port;
  port.name = description.name;
  port.shape = description.shape;
  const auto type = DTypeFromDatatype(description.datatype);
  if (!type.ok()) return Annotate(type.status(), what);
  port.wire_type = *type;
  for (const int64_t extent : port.shape) {
    if (extent < -1) return InvalidArgument(what + " has shape " + ShapeText(port.shape));
  }
  return port;
}

DType Port::type() const { return PresentedType(wire_type); }

TensorInfo Port::Info() const {
  TensorInfo info;
  info.name = name;
  info.graph_name = name;
  info.type = type();
  info.shape = shape;
  return info;
}

bool Port::Allows(const Shape& concrete) const {
  return std::equal(shape.begin(), shape.end(), concrete.begin(), concrete.end(),
                    [](int64_t wanted, int64_t given) {
                      return given >= 0 && (wanted == -1 || wanted == given);
                    });
}

std::string PresentedBytes(DType wire_type, std::string bytes) {
  if (wire_type != DType::kFloat16) return bytes;
  // Through vectors: a string's bytes need not be aligned for either.
  std::vector<uint16_t> halves(bytes.size() / sizeof(uint16_t));
  if (!halves.empty()) std::memcpy(halves.data(), bytes.data(), halves.size() * sizeof(uint16_t));
  std::vector<float> floats(halves.size());
  FloatsFromHalves(halves, floats);
  bytes.resize(floats.size() * sizeof(float));
  if (!floats.empty()) std::memcpy(bytes.data(), floats.data(), bytes.size());
  return bytes;
}

void WriteWireBytes(DType wire_type, std::span<const std::byte> presented, std::string& bytes) {
  if (wire_type == DType::kBool) {
    bytes.resize(presented.size());
    std::transform(presented.begin(), presented.end(), bytes.begin(),
                   [](std::byte value) { return value != std::byte{0} ? '\1' : '\0'; });
    return;
  }
  std::vector<float> floats(presented.size() / sizeof(float));
  if (!floats.empty()) std::memcpy(floats.data(), presented.data(), floats.size() * sizeof(float));
  std::vector<uint16_t> halves(floats.size());
  HalvesFromFloats(floats, halves);
  bytes.resize(halves.size() * sizeof(uint16_t));
  if (!halves.empty()) std::memcpy(bytes.data(), halves.data(), bytes.size());
}

}  // namespace bowerbird::infer::remote
