// SPDX-License-Identifier: Apache-2.0
#include "wire/hub/annotations.h"

#include "base/utf8.h"

namespace bowerbird::wire {

namespace proto = viam::app::data::v1;

annotation::Annotations ReadAnnotations(const proto::Annotations& message) {
  annotation::Annotations annotations;
  for (const proto::BoundingBox& from : message.bboxes()) {
    annotation::Box& box = annotations.boxes.emplace_back();
    box.id = from.id();
    box.label = from.label();
    box.x_min = from.x_min_normalized();
    box.y_min = from.y_min_normalized();
    box.x_max = from.x_max_normalized();
    box.y_max = from.y_max_normalized();
    if (from.has_confidence()) box.confidence = from.confidence();
  }
  for (const proto::Classification& from : message.classifications()) {
    annotation::Classification& one = annotations.classifications.emplace_back();
    one.id = from.id();
    one.label = from.label();
    if (from.has_confidence()) one.confidence = from.confidence();
  }
  return annotations;
}

void WriteAnnotations(const annotation::Annotations& annotations, proto::Annotations& message) {
  message.Clear();
  for (const annotation::Box& box : annotations.boxes) {
    proto::BoundingBox& to = *message.add_bboxes();
    to.set_id(Utf8(box.id));
    to.set_label(Utf8(box.label));
    to.set_x_min_normalized(box.x_min);
    to.set_y_min_normalized(box.y_min);
    to.set_x_max_normalized(box.x_max);
    to.set_y_max_normalized(box.y_max);
    if (box.confidence.has_value()) to.set_confidence(*box.confidence);
  }
  for (const annotation::Classification& one : annotations.classifications) {
    proto::Classification& to = *message.add_classifications();
    to.set_id(Utf8(one.id));
    to.set_label(Utf8(one.label));
    if (one.confidence.has_value()) to.set_confidence(*one.confidence);
  }
}

void WriteAnnotatedItem(const data::Item& item, bowerbird::v1::AnnotatedItem& message) {
  message.set_binary_data_id(Utf8(item.id));
  message.set_file_name(Utf8(item.file_name));
  message.set_file_ext(Utf8(item.file_extension));
  message.set_file_size_bytes(item.size);
  message.set_width(static_cast<uint32_t>(item.width));
  message.set_height(static_cast<uint32_t>(item.height));
  for (const std::string& tag : item.tags) message.add_tags(Utf8(tag));
  WriteAnnotations(item.annotations, *message.mutable_annotations());
}

annotation::Box ReadBox(const proto::AddBoundingBoxToImageByIDRequest& message) {
  annotation::Box box;
  box.label = message.label();
  box.x_min = message.x_min_normalized();
  box.y_min = message.y_min_normalized();
  box.x_max = message.x_max_normalized();
  box.y_max = message.y_max_normalized();
  if (message.has_confidence()) box.confidence = message.confidence();
  return box;
}

data::BoxChange ReadBoxChange(const proto::UpdateBoundingBoxRequest& message) {
  data::BoxChange change;
  if (message.has_label()) change.label = message.label();
  if (message.has_x_min_normalized()) change.x_min = message.x_min_normalized();
  if (message.has_y_min_normalized()) change.y_min = message.y_min_normalized();
  if (message.has_x_max_normalized()) change.x_max = message.x_max_normalized();
  if (message.has_y_max_normalized()) change.y_max = message.y_max_normalized();
  if (message.has_confidence()) change.confidence = message.confidence();
  return change;
}

}  // namespace bowerbird::wire
