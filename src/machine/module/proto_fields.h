// SPDX-License-Identifier: Apache-2.0
//
// Fields that requests to other processes, and their answers, have in common. Private to this
// folder.
#pragma once

#include "absl/status/status.h"
#include "base/context.h"
#include "machine/resource.h"

namespace google::protobuf {
class Struct;
}
namespace viam::component::camera::v1 {
class Image;
}

namespace bowerbird::machine {

// The field `extra`, with the mark of data capture, by which the callee tells its reads from
// others'.
absl::Status WriteExtra(const Context& context, const Json& extra,
                        google::protobuf::Struct& message);

// The bytes move out of `message`.
NamedImage TakeImage(viam::component::camera::v1::Image& message);

}  // namespace bowerbird::machine
