// SPDX-License-Identifier: Apache-2.0
#include "machine/module/proto_fields.h"

#include <optional>
#include <utility>

#include "base/status.h"
#include "component/camera/v1/camera.pb.h"
#include "google/protobuf/struct.pb.h"
#include "wire/machine/media.h"
#include "wire/machine/struct.h"

namespace bowerbird::machine {
namespace {

template <typename Message>
std::optional<double> ConfidenceOf(const Message& message) {
  return message.has_confidence() ? std::optional(message.confidence()) : std::nullopt;
}

}  // namespace

absl::Status WriteExtra(const Context& context, const Json& extra,
                        google::protobuf::Struct& message) {
  Json all = extra.is_object() ? extra : Json::object();
  if (context.from_data_management) all["fromDataManagement"] = true;
  return Annotate(wire::JsonToStruct(all, message), "extra");
}

NamedImage TakeImage(viam::component::camera::v1::Image& message) {
  NamedImage image;
  image.source_name = message.source_name();
  image.picture = image::Picture::FromBytes(std::move(*message.mutable_image()),
                                            wire::WithoutLazy(message.mime_type()));
  for (const auto& box : message.annotations().bboxes()) {
    const vision::NormalizedBox corners{box.x_min_normalized(), box.y_min_normalized(),
                                        box.x_max_normalized(), box.y_max_normalized()};
    image.annotations.push_back({box.label(), ConfidenceOf(box), corners});
  }
  for (const auto& found : message.annotations().classifications())
    image.annotations.push_back({found.label(), ConfidenceOf(found), std::nullopt});
  return image;
}

}  // namespace bowerbird::machine
