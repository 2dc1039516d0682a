// SPDX-License-Identifier: Apache-2.0
//
// Event by event, so that elements never exist as JSON values: a body of 16 MiB would become half a
// gigabyte of them.
#include <charconv>
#include <utility>
#include <vector>

#include "base/status.h"
#include "infer/remote/datatype.h"
#include "infer/remote/elements.h"
#include "infer/remote/json_message.h"
#include "nlohmann/json.hpp"

namespace bowerbird::infer::remote {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxDepth = 32;

struct ParsedTensor {
  std::string name;
  std::string datatype;
  Shape shape;
  Elements elements;
  bool has_data = false;
  std::optional<uint64_t> binary_size;
};

class InferHandler final : public nlohmann::json_sax<Json> {
 public:
  InferHandler(Direction direction, InferMessage& message)
      : tensors_key_(direction == Direction::kRequest ? "inputs" : "outputs"),
        requested_key_(direction == Direction::kRequest ? "outputs" : ""),
        message_(message) {}

  const absl::Status& status() const { return status_; }
  std::vector<ParsedTensor>& tensors() { return tensors_; }

  bool null() override { return place() == Place::kData ? Fail("null in \"data\"") : true; }
  bool boolean(bool value) override {
    if (place() == Place::kData) return tensors_.back().elements.AddBool(value), true;
    return Scalar(Json(value));
  }
  bool number_integer(int64_t value) override {
    if (place() == Place::kData) return tensors_.back().elements.AddInteger(value), true;
    return Scalar(Json(value));
  }
  bool number_unsigned(uint64_t value) override {
    if (place() == Place::kData) return tensors_.back().elements.AddUnsigned(value), true;
    return Scalar(Json(value));
  }
  bool number_float(double value, const std::string&) override {
    if (place() == Place::kData) return tensors_.back().elements.AddReal(value), true;
    return Scalar(Json(value));
  }
  bool string(std::string& value) override {
    if (place() == Place::kData)
      return Fail("text in \"data\": elements of datatype BYTES cannot be passed on");
    return Scalar(Json(std::move(value)));
  }
  bool binary(Json::binary_t&) override { return Fail("binary values"); }
  bool key(std::string& value) override { return key_ = std::move(value), true; }
  bool start_object(size_t) override;
  bool end_object() override { return places_.pop_back(), true; }
  bool start_array(size_t) override;
  bool end_array() override { return places_.pop_back(), true; }
  bool parse_error(size_t position, const std::string&, const Json::exception&) override {
    return Fail("not JSON at byte " + std::to_string(position));
  }

 private:
  enum class Place {
    kNone,
    kRoot,
    kRootParameters,
    kTensors,
    kTensor,
    kTensorParameters,
    kShape,
    kData,
    kRequestedList,
    kRequested,
    kRequestedParameters,
    kIgnored
  };

  Place place() const { return places_.empty() ? Place::kNone : places_.back(); }
  bool Fail(std::string_view what);
  bool Enter(Place place);
  bool Scalar(const Json& value);
  bool RootScalar(const Json& value);
  bool TensorScalar(const Json& value);
  bool Extent(const Json& value);
  bool Text(const Json& value, std::string& out);

  const std::string tensors_key_;
  const std::string requested_key_;
  InferMessage& message_;
  std::vector<ParsedTensor> tensors_;
  std::vector<Place> places_;
  std::string key_;
  absl::Status status_;
};

bool InferHandler::Fail(std::string_view what) {
  status_ = InvalidArgument("the body of the message: " + std::string(what));
  return false;
}

bool InferHandler::Enter(Place place) {
  if (places_.size() >= kMaxDepth) return Fail("nested too deeply");
  places_.push_back(place);
  return true;
}

bool InferHandler::start_object(size_t) {
  const bool parameters = key_ == "parameters";
  switch (place()) {
    case Place::kNone:
      return Enter(Place::kRoot);
    case Place::kRoot:
      if (key_ == tensors_key_ || key_ == requested_key_)
        return Fail("\"" + key_ + "\" is no array");
      return Enter(parameters ? Place::kRootParameters : Place::kIgnored);
    case Place::kTensors:
      if (tensors_.size() == kMaxTensors) return Fail("too many tensors");
      tensors_.emplace_back();
      return Enter(Place::kTensor);
    case Place::kRequestedList:
      if (message_.requested.size() == kMaxTensors) return Fail("too many outputs asked for");
      message_.requested.emplace_back();
      return Enter(Place::kRequested);
    case Place::kTensor:
      return Enter(parameters ? Place::kTensorParameters : Place::kIgnored);
    case Place::kRequested:
      return Enter(parameters ? Place::kRequestedParameters : Place::kIgnored);
    case Place::kData:
    case Place::kShape:
      return Fail("an object among numbers");
    default:
      return Enter(Place::kIgnored);
  }
}

bool InferHandler::start_array(size_t) {
  switch (place()) {
    case Place::kNone:
      return Fail("an object is expected");
    case Place::kRoot:
      if (key_ == tensors_key_) return Enter(Place::kTensors);
      if (key_ == requested_key_) return Enter(Place::kRequestedList);
      return Enter(Place::kIgnored);
    case Place::kTensor:
      if (key_ == "shape") return Enter(Place::kShape);
      if (key_ != "data") return Enter(Place::kIgnored);
      tensors_.back().has_data = true;
      return Enter(Place::kData);
    case Place::kData:
      return Enter(Place::kData);
    case Place::kShape:
      return Fail("an array in a shape");
    case Place::kTensors:
    case Place::kRequestedList:
      return Fail("an array where a tensor is expected");
    default:
      return Enter(Place::kIgnored);
  }
}

bool InferHandler::Text(const Json& value, std::string& out) {
  if (!value.is_string()) return Fail("\"" + Shown(key_) + "\" is no text");
  out = value.get<std::string>();
  return true;
}

bool InferHandler::RootScalar(const Json& value) {
  if (key_ == "model_name") return Text(value, message_.model_name);
  if (key_ == "model_version") return Text(value, message_.model_version);
  if (key_ == "id") return Text(value, message_.id);
  if (key_ == tensors_key_ || key_ == requested_key_) return Fail("\"" + key_ + "\" is no array");
  return true;
}

bool InferHandler::TensorScalar(const Json& value) {
  ParsedTensor& tensor = tensors_.back();
  if (key_ == "name") return Text(value, tensor.name);
  if (key_ == "datatype") return Text(value, tensor.datatype);
  if (key_ == "shape" || key_ == "data") return Fail("\"" + key_ + "\" is no array");
  return true;
}

bool InferHandler::Extent(const Json& value) {
  Shape& shape = tensors_.back().shape;
  if (shape.size() == kMaxRank) return Fail("a shape has too many extents");
  if (!value.is_number_unsigned() || value.get<uint64_t>() > INT64_MAX)
    return Fail("a shape has an extent that is no whole number");
  shape.push_back(value.get<int64_t>());
  return true;
}

bool InferHandler::Scalar(const Json& value) {
  switch (place()) {
    case Place::kNone:
      return Fail("an object is expected");
    case Place::kRoot:
      return RootScalar(value);
    case Place::kRootParameters:
      if (key_ == "binary_data_output") message_.binary_output = value == Json(true);
      return true;
    case Place::kTensor:
      return TensorScalar(value);
    case Place::kTensorParameters:
      if (key_ != "binary_data_size") return true;
      if (!value.is_number_unsigned()) return Fail("\"binary_data_size\" is no whole number");
      tensors_.back().binary_size = value.get<uint64_t>();
      return true;
    case Place::kShape:
      return Extent(value);
    case Place::kRequested:
      return key_ == "name" ? Text(value, message_.requested.back().name) : true;
    case Place::kRequestedParameters:
      if (key_ == "binary_data") message_.requested.back().binary = value == Json(true);
      if (key_ == "classification" && value.is_number_integer())
        message_.requested.back().classes = value.get<int64_t>();
      return true;
    case Place::kTensors:
    case Place::kRequestedList:
      return Fail("a value where a tensor is expected");
    default:
      return true;
  }
}

// The tensor's bytes, out of its elements or from the front of `binary`.
absl::Status TakeBytes(const ParsedTensor& parsed, std::string_view& binary,
                       MessageTensor& tensor) {
  ASSIGN_OR_RETURN(const size_t size, TensorBytes(tensor.type, tensor.shape));
  if (!parsed.binary_size.has_value()) {
    if (!parsed.has_data) return InvalidArgument("there is neither \"data\" nor binary data");
    const auto count = static_cast<int64_t>(size / DTypeSize(tensor.type));
    ASSIGN_OR_RETURN(tensor.bytes, parsed.elements.Pack(tensor.type, count));
    return absl::OkStatus();
  }
  if (parsed.has_data) return InvalidArgument("there is both \"data\" and binary data");
  if (*parsed.binary_size != size) {
    return InvalidArgument("\"binary_data_size\" is " + std::to_string(*parsed.binary_size) +
                           ", but shape " + ShapeText(tensor.shape) + " of " + parsed.datatype +
                           " has " + std::to_string(size) + " bytes");
  }
  if (binary.size() < size) {
    return InvalidArgument("its " + std::to_string(size) + " bytes go beyond the end of the body");
  }
  tensor.binary = true;
  tensor.bytes = binary.substr(0, size);
  binary.remove_prefix(size);
  return absl::OkStatus();
}

absl::StatusOr<MessageTensor> FinishTensor(ParsedTensor& parsed, std::string_view& binary) {
  MessageTensor tensor;
  tensor.name = std::move(parsed.name);
  tensor.shape = std::move(parsed.shape);
  const auto type = DTypeFromDatatype(parsed.datatype);
  absl::Status status = type.status();
  if (type.ok()) {
    tensor.type = *type;
    status = TakeBytes(parsed, binary, tensor);
  }
  if (!status.ok()) return Annotate(status, "tensor \"" + Shown(tensor.name) + "\"");
  // Elements of one tensor are let go before the next one is packed.
  parsed.elements = {};
  return tensor;
}

}  // namespace

absl::StatusOr<std::optional<size_t>> ParseJsonLength(std::string_view value) {
  if (value.empty()) return std::optional<size_t>();
  size_t length = 0;
  const auto result = std::from_chars(value.data(), value.data() + value.size(), length);
  if (result.ec != std::errc() || result.ptr != value.data() + value.size()) {
    return InvalidArgument("Inference-Header-Content-Length is \"" + Shown(value) +
                           "\", which is no number of bytes");
  }
  return std::optional<size_t>(length);
}

absl::StatusOr<InferMessage> ParseInferBody(Direction direction, std::string_view body,
                                            std::optional<size_t> json_length) {
  const size_t length = json_length.value_or(body.size());
  if (length > body.size()) {
    return InvalidArgument("Inference-Header-Content-Length is " + std::to_string(length) +
                           ", but the body has " + std::to_string(body.size()) + " bytes");
  }
  if (length > kMaxJson) {
    return InvalidArgument("the JSON of the message is larger than " + std::to_string(kMaxJson) +
                           " bytes: send the tensors as binary data");
  }
  InferMessage message;
  InferHandler handler(direction, message);
  const std::string_view json = body.substr(0, length);
  if (!Json::sax_parse(json.begin(), json.end(), &handler)) {
    return handler.status().ok() ? InvalidArgument("the body of the message is no JSON")
                                 : handler.status();
  }
  std::string_view binary = body.substr(length);
  for (ParsedTensor& parsed : handler.tensors()) {
    ASSIGN_OR_RETURN(message.tensors.emplace_back(), FinishTensor(parsed, binary));
  }
  if (!binary.empty()) {
    return InvalidArgument(std::to_string(binary.size()) +
                           " bytes at the end of the body belong to no tensor: say "
                           "\"binary_data_size\" in its parameters");
  }
  return message;
}

}  // namespace bowerbird::infer::remote
