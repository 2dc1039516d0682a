// SPDX-License-Identifier: Apache-2.0
//
// Whatever parses as one of these messages must convert without a fault, and what was converted
// must survive the way back. The first byte chooses the conversion.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/utf8.h"
#include "google/protobuf/struct.pb.h"
#include "nlohmann/json.hpp"
#include "service/mlmodel/v1/mlmodel.pb.h"
#include "service/vision/v1/vision.pb.h"
#include "wire/machine/findings.h"
#include "wire/machine/model_metadata.h"
#include "wire/machine/point_cloud.h"
#include "wire/machine/pose.h"
#include "wire/machine/struct.h"
#include "wire/machine/tensors.h"

namespace bowerbird::wire {
namespace {

namespace mlmodel = viam::service::mlmodel::v1;

void Require(bool condition) {
  if (!condition) std::abort();
}

void FuzzTensors(const std::string& bytes) {
  mlmodel::FlatTensors message, again;
  if (!message.ParseFromString(bytes)) return;
  const auto read = ReceivedTensors::Read(message);
  if (!read.ok()) return;
  for (const auto& [name, view] : read->views()) {
    const auto count = infer::ElementCount({view.shape.begin(), view.shape.end()});
    Require(count.has_value());
    Require(view.bytes.size() == static_cast<size_t>(*count) * infer::DTypeSize(view.type));
  }
  Require(WriteTensors(read->views(), again).ok());
  const auto reread = ReceivedTensors::Read(again);
  Require(reread.ok() && reread->views().size() == read->views().size());
}

void FuzzStruct(const std::string& bytes) {
  google::protobuf::Struct message, again;
  if (!message.ParseFromString(bytes)) return;
  const auto json = JsonFromStruct(message);
  if (!json.ok()) return;
  // What came in can go out, and any parser of the wire can read it.
  Require(JsonToStruct(*json, again).ok());
  google::protobuf::Struct parsed;
  Require(parsed.ParseFromString(again.SerializeAsString()));
}

void FuzzMetadata(const std::string& bytes) {
  mlmodel::Metadata message, again;
  if (!message.ParseFromString(bytes)) return;
  const auto metadata = ReadMetadata(message);
  if (!metadata.ok()) return;
  WriteMetadata(*metadata, again);
  Require(ReadMetadata(again).ok());
}

void FuzzDetection(const std::string& bytes) {
  viam::service::vision::v1::Detection message, again;
  if (!message.ParseFromString(bytes)) return;
  const auto detection = ReadDetection(message);
  if (!detection.has_value()) return;
  Require(detection->x_min <= detection->x_max && detection->y_min <= detection->y_max);
  Require(detection->confidence >= 0 && detection->confidence <= 1);
  WriteDetection(*detection, {640, 480}, again);
}

void FuzzText(const std::string& bytes) {
  const std::string clean = Utf8(bytes);
  Require(IsUtf8(clean));
  Require(Utf8(clean) == clean);
}

void FuzzFrame(const std::string& bytes) {
  const auto json = nlohmann::json::parse(bytes, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return;
  const auto transform = TransformFromFrame("frame", json);
  if (!transform.ok()) return;
  viam::common::v1::Transform parsed;
  Require(parsed.ParseFromString(transform->SerializeAsString()));
}

}  // namespace
}  // namespace bowerbird::wire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bowerbird::wire;
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 7) {
    case 0:
      FuzzTensors(bytes);
      break;
    case 1:
      FuzzStruct(bytes);
      break;
    case 2:
      FuzzMetadata(bytes);
      break;
    case 3:
      FuzzDetection(bytes);
      break;
    case 4:
      BoundsOfPcd(bytes);
      break;
    case 5:
      FuzzText(bytes);
      break;
    default:
      FuzzFrame(bytes);
      break;
  }
  return 0;
}
