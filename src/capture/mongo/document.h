// SPDX-License-Identifier: Apache-2.0
//
// A reading as the document that MongoDB keeps. Private to libbowerbird_mongo.so.
#pragma once

#include <bson/bson.h>

#include <memory>

#include "capture/record.h"

namespace bowerbird::capture {

struct BsonEnd {
  void operator()(bson_t* document) const { bson_destroy(document); }
};
using Bson = std::unique_ptr<bson_t, BsonEnd>;

// {time_requested, time_received, component_name, component_type, method_name, data}: times in
// milliseconds, whole numbers of 32 or 64 bits, a NUL in a key ends it. Null where the reading is
// larger than a document may be or nested beyond 100.
Bson DocumentOf(const Captured& reading);

}  // namespace bowerbird::capture
