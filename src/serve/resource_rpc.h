// SPDX-License-Identifier: Apache-2.0
//
// What the services of all resources share: finding the resource that a request names, its
// free-form `extra`, and the calls that every resource answers.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "machine/catalog.h"
#include "machine/resource.h"
#include "serve/rpc.h"

namespace google::protobuf {
class Struct;
}

namespace bowerbird::serve {

class ResourceRpc : public RpcService {
 protected:
  // `finder` outlives the server.
  ResourceRpc(std::string service_name, Admission& admission, const machine::ResourceFinder& finder,
              machine::Api api)
      : RpcService(std::move(service_name), admission), finder_(finder), api_(std::move(api)) {}

  // NOT_FOUND "no node found with api A and name N", or UNAVAILABLE with the reason. (The reference
  // machine answers UNKNOWN to both; the texts are its own, the codes say more.)
  template <typename T>
  absl::StatusOr<std::shared_ptr<T>> Find(const std::string& name) const {
    return finder_.FindAs<T>(name);
  }

  // Only from constructors of derived classes.
  void AddDoCommand();
  void AddGetStatus();
  void AddGetGeometries();  // answers an empty list: nothing built in has a shape of its own

 private:
  const machine::ResourceFinder& finder_;
  const machine::Api api_;
};

// A request's `extra` as JSON; {} where it is absent. Sets the context's flag when the read is made
// by data capture. INVALID_ARGUMENT: nested too deeply.
absl::StatusOr<machine::Json> ReadExtra(const google::protobuf::Struct& extra, Context& context);

}  // namespace bowerbird::serve
