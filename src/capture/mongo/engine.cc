// SPDX-License-Identifier: Apache-2.0
#include <mongoc/mongoc.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "capture/mongo/document.h"
#include "capture/mongo_engine.h"

namespace bowerbird::capture {
namespace {

// So that a server that is gone is noticed soon, and the end of the program does not wait for it.
// Milliseconds; the URI may say otherwise.
constexpr std::pair<const char*, int> kPatience[] = {{MONGOC_URI_CONNECTTIMEOUTMS, 5'000},
                                                     {MONGOC_URI_SERVERSELECTIONTIMEOUTMS, 5'000},
                                                     {MONGOC_URI_SOCKETTIMEOUTMS, 10'000}};

template <typename T, void (*end)(T*)>
struct End {
  void operator()(T* one) const { end(one); }
};
using Uri = std::unique_ptr<mongoc_uri_t, End<mongoc_uri_t, mongoc_uri_destroy>>;
using Api =
    std::unique_ptr<mongoc_server_api_t, End<mongoc_server_api_t, mongoc_server_api_destroy>>;
using Client = std::unique_ptr<mongoc_client_t, End<mongoc_client_t, mongoc_client_destroy>>;
using Collection =
    std::unique_ptr<mongoc_collection_t, End<mongoc_collection_t, mongoc_collection_destroy>>;

absl::Status StatusOf(const bson_error_t& error) {
  const std::string message = std::string("MongoDB: ") + error.message;
  const bool is_gone = error.domain == MONGOC_ERROR_STREAM ||
                       error.domain == MONGOC_ERROR_SERVER_SELECTION ||
                       error.domain == MONGOC_ERROR_CLIENT;
  return is_gone ? Unavailable(message) : FailedPrecondition(message);
}

class LibraryCollection : public MongoCollection {
 public:
  LibraryCollection(Client client, Collection collection)
      : client_(std::move(client)), collection_(std::move(collection)), options_(bson_new()) {
    // A reading that the server refuses does not keep it from taking those behind it; what keys a
    // reading may have is for the server to say.
    BSON_APPEND_BOOL(options_.get(), "ordered", false);
    BSON_APPEND_BOOL(options_.get(), "validate", false);
  }

  absl::Status Insert(std::span<const MongoReading> readings) override {
    std::vector<Bson> documents;
    std::vector<const bson_t*> pointers;
    for (const MongoReading& reading : readings) {
      auto document = DocumentOf(reading);
      if (document == nullptr)
        return InvalidArgument("a reading of " + reading.header.component_name +
                               " is too large or nested too deeply for MongoDB");
      pointers.push_back(document.get());
      documents.push_back(std::move(document));
    }
    return Send(pointers);
  }

 private:
  absl::Status Send(std::vector<const bson_t*>& documents) {
    bson_error_t error;
    bson_t reply;
    const bool is_sent = mongoc_collection_insert_many(
        collection_.get(), documents.data(), documents.size(), options_.get(), &reply, &error);
    bson_iter_t count;
    const int64_t taken =
        bson_iter_init_find(&count, &reply, "insertedCount") ? bson_iter_as_int64(&count) : 0;
    bson_destroy(&reply);
    if (!is_sent) return StatusOf(error);
    // The library is content with a server whose answers make no sense.
    if (taken == static_cast<int64_t>(documents.size())) return absl::OkStatus();
    return FailedPrecondition("MongoDB: the server took " + std::to_string(taken) + " of " +
                              std::to_string(documents.size()) + " readings");
  }

  const Client client_;
  const Collection collection_;
  const Bson options_;
};

class LibraryEngine : public MongoEngine {
 public:
  LibraryEngine() {
    mongoc_init();
    // Its messages name servers and times, and come as errors, too.
    mongoc_log_set_handler([](mongoc_log_level_t, const char*, const char*, void*) {}, nullptr);
  }

  absl::StatusOr<std::unique_ptr<MongoCollection>> Open(const MongoConfig& config) override {
    bson_error_t error;
    const Uri uri(mongoc_uri_new_with_error(config.uri.c_str(), &error));
    if (uri == nullptr)
      return InvalidArgument(std::string("mongo_capture_config.uri is none of MongoDB: ") +
                             error.message);
    for (const auto& [option, milliseconds] : kPatience)
      if (!mongoc_uri_has_option(uri.get(), option))
        mongoc_uri_set_option_as_int32(uri.get(), option, milliseconds);
    Client client(mongoc_client_new_from_uri_with_error(uri.get(), &error));
    if (client == nullptr) return InvalidArgument(std::string("MongoDB: ") + error.message);
    // As the reference machine does; servers from 5.0 on know it.
    const Api api(mongoc_server_api_new(MONGOC_SERVER_API_V1));
    if (!mongoc_client_set_server_api(client.get(), api.get(), &error)) return StatusOf(error);
    mongoc_client_set_error_api(client.get(), MONGOC_ERROR_API_VERSION_2);
    mongoc_client_set_appname(client.get(), "bowerbird");
    Collection collection(mongoc_client_get_collection(client.get(), config.database.c_str(),
                                                       config.collection.c_str()));
    return std::make_unique<LibraryCollection>(std::move(client), std::move(collection));
  }
};

}  // namespace
}  // namespace bowerbird::capture

extern "C" __attribute__((visibility("default"))) bowerbird::capture::MongoEngine*
bowerbird_mongo_engine_1() {
  // Never destroyed: threads of the program may use it until its end.
  static auto* const engine = new bowerbird::capture::LibraryEngine;
  return engine;
}
