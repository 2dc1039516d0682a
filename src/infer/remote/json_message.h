// SPDX-License-Identifier: Apache-2.0
//
// Bodies of KServe's HTTP protocol: JSON, and after it the bytes of those tensors that say
// "binary_data_size", in order (the binary tensor data extension). Pure; every byte of a body is
// somebody else's, so all of it is bounded: tensors, rank, depth, JSON (message.h).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "infer/remote/message.h"

namespace bowerbird::infer::remote {

enum class Direction { kRequest, kAnswer };

// `json_length`: of the JSON, as the header kHeaderLength says; none: all of the body is JSON.
// INVALID_ARGUMENT and UNIMPLEMENTED name the tensor and what is wrong with it.
absl::StatusOr<InferMessage> ParseInferBody(Direction direction, std::string_view body,
                                            std::optional<size_t> json_length);

// The value of that header; INVALID_ARGUMENT if it is no number. None where `value` is empty.
absl::StatusOr<std::optional<size_t>> ParseJsonLength(std::string_view value);

// The JSON of a message; the bytes of its binary tensors follow it on the wire, in order. Where
// there are none, no kHeaderLength need be sent.
absl::StatusOr<std::string> WriteInferJson(Direction direction, const InferMessage& message);

// An answer to GET v2/models/NAME, and back.
absl::StatusOr<ModelDescription> ParseModelDescription(std::string_view json);
std::string WriteModelDescription(const ModelDescription& description);

// {"error": "..."}; "" if the body is no such thing.
std::string ParseError(std::string_view json);
std::string WriteError(std::string_view message);

// `text` as a JSON string, whatever its bytes.
std::string Quoted(std::string_view text);

}  // namespace bowerbird::infer::remote
