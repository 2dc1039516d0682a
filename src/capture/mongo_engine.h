// SPDX-License-Identifier: Apache-2.0
//
// A collection of a MongoDB server into which readings are put. The only implementation lives in
// libbowerbird_mongo.so, which is loaded when a config asks for it: MongoDB's client library brings
// 40 MB of others that no machine without it should carry.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "capture/config.h"
#include "capture/record.h"

namespace bowerbird::capture {

// A reading with where it comes from; tabular.
using MongoReading = Captured;

class MongoCollection {
 public:
  virtual ~MongoCollection() = default;

  // One document each: {time_requested, time_received, component_name, component_type, method_name,
  // data}, as the reference machine writes them. Waits for the server's answer, 10 s at most where
  // the URI does not say otherwise. INVALID_ARGUMENT: one of them cannot be a document, and nothing
  // was sent; UNAVAILABLE: the server is not there or did not answer, so the readings may be there
  // or not; FAILED_PRECONDITION: it refused at least one.
  virtual absl::Status Insert(std::span<const MongoReading> readings) = 0;
};

// Lives as long as the program.
class MongoEngine {
 public:
  virtual ~MongoEngine() = default;

  // Does not connect yet. INVALID_ARGUMENT: no URI of MongoDB. The URI's password appears in no
  // message.
  virtual absl::StatusOr<std::unique_ptr<MongoCollection>> Open(const MongoConfig& config) = 0;
};

// What the library exports, in C's linkage: MongoEngine* bowerbird_mongo_engine_1(). The number
// counts changes of this header.
inline constexpr char kMongoEngineSymbol[] = "bowerbird_mongo_engine_1";
using MongoEngineFunction = MongoEngine* (*)();

// Looks for the library at the path in BOWERBIRD_MONGO_LIBRARY, if that is set, else beside the
// program, in ../lib/bowerbird of it, then where the system looks; once. Thread-safe. UNAVAILABLE:
// it is not there or does not load; says what was tried and which package is missing.
absl::StatusOr<MongoEngine*> LoadMongoEngine();

}  // namespace bowerbird::capture
