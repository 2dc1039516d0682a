// SPDX-License-Identifier: Apache-2.0
//
// The resource a request is for, by the wire alone: in every request of this API family that is
// field 1, a string. So calls of services that this program does not know can be routed. Pure.
#pragma once

#include <optional>
#include <string>

#include "grpcpp/support/byte_buffer.h"

namespace bowerbird::serve {

// The last field 1 of type string; "" if there is none. Nothing if the bytes are no message.
std::optional<std::string> RequestName(const grpc::ByteBuffer& message);

// The same message with `name` in field 1. Nothing if the bytes are no message.
std::optional<grpc::ByteBuffer> WithRequestName(const grpc::ByteBuffer& message,
                                                const std::string& name);

}  // namespace bowerbird::serve
