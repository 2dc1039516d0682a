// SPDX-License-Identifier: Apache-2.0
//
// Whatever a peer says in KServe's protocol: bodies of HTTP in both directions, descriptions of
// models, answers over gRPC, and addresses out of a config. What is accepted must be whole: as many
// bytes as type and shape say, and the same when it is written and read again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "infer/remote/contents.h"
#include "infer/remote/datatype.h"
#include "infer/remote/endpoint.h"
#include "infer/remote/json_message.h"
#include "infer/remote/port.h"
#include "kserve/inference.pb.h"

namespace bowerbird::infer::remote {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckTensor(const MessageTensor& tensor) {
  const auto size = TensorBytes(tensor.type, tensor.shape);
  Require(size.ok() && *size == tensor.bytes.size());
  const std::string presented = PresentedBytes(tensor.type, tensor.bytes);
  const auto expected = TensorBytes(PresentedType(tensor.type), tensor.shape);
  Require(expected.ok() && *expected == presented.size());
}

void CheckAgain(Direction direction, const InferMessage& message) {
  const auto json = WriteInferJson(direction, message);
  // Infinity in binary data that is to become JSON: nothing was binary that is not so now.
  Require(json.ok());
  std::string body = *json;
  for (const MessageTensor& tensor : message.tensors) {
    if (tensor.binary) body += tensor.bytes;
  }
  const auto again = ParseInferBody(direction, body, json->size());
  if (json->size() > kMaxJson) return;
  Require(again.ok() && again->tensors.size() == message.tensors.size());
  for (size_t i = 0; i < message.tensors.size(); ++i) {
    Require(again->tensors[i].type == message.tensors[i].type);
    Require(again->tensors[i].shape == message.tensors[i].shape);
    Require(again->tensors[i].bytes == message.tensors[i].bytes);
  }
}

void CheckBody(Direction direction, const std::string& body, std::optional<size_t> length) {
  const auto message = ParseInferBody(direction, body, length);
  if (!message.ok()) return;
  Require(message->tensors.size() <= kMaxTensors);
  for (const MessageTensor& tensor : message->tensors) CheckTensor(tensor);
  CheckAgain(direction, *message);
}

void CheckDescription(const std::string& text) {
  const auto description = ParseModelDescription(text);
  if (!description.ok()) return;
  const auto again = ParseModelDescription(WriteModelDescription(*description));
  Require(again.ok() && again->inputs.size() == description->inputs.size());
  for (const TensorDescription& tensor : description->inputs) {
    const auto port = Port::From(tensor);
    if (port.ok()) port->Allows(tensor.shape);
  }
}

void CheckAnswer(const std::string& bytes) {
  inference::ModelInferResponse answer;
  if (!answer.ParseFromString(bytes)) return;
  const auto outputs = TakeOutputs(answer);
  if (!outputs.ok()) return;
  for (const MessageTensor& tensor : *outputs) CheckTensor(tensor);
}

}  // namespace
}  // namespace bowerbird::infer::remote

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bowerbird::infer::remote;  // NOLINT: one function
  if (size < 2) return 0;
  // Where the JSON ends, or 0xFFFF: no header.
  const size_t length = size_t{data[0]} << 8 | data[1];
  const std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto json_length = length == 0xFFFF ? std::nullopt : std::optional(length);
  CheckBody(Direction::kRequest, bytes, json_length);
  CheckBody(Direction::kAnswer, bytes, json_length);
  CheckBody(Direction::kRequest, bytes, std::nullopt);
  CheckBody(Direction::kAnswer, bytes, std::nullopt);
  CheckDescription(bytes);
  CheckAnswer(bytes);
  static_cast<void>(ParseError(bytes));
  static_cast<void>(ParseJsonLength(bytes));
  if (const auto endpoint = Endpoint::Parse(bytes); endpoint.ok()) {
    Require(Endpoint::Parse(endpoint->ToString()).ok());
  }
  return 0;
}
