// SPDX-License-Identifier: Apache-2.0
#include "machine/module/service_description.h"

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"

namespace bowerbird::machine {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorProto;
using grpc::reflection::v1::ServerReflectionRequest;
using grpc::reflection::v1::ServerReflectionResponse;
using Files = std::map<std::string, FileDescriptorProto>;

constexpr std::chrono::seconds kTime{2};
constexpr size_t kMaxFiles = 256;

// The two versions of reflection are the same bytes under two names.
constexpr const char* kVersions[] = {"v1", "v1alpha"};

class Reflection {
 public:
  Reflection(const Context& context, const RpcClient& client)
      : context_(context.WithTimeout(kTime)), client_(client) {}

  // Adds what the server answers; false if that is nothing.
  bool Ask(const ServerReflectionRequest& request, Files& files) {
    if (version_) return AskIn(*version_, request, files);
    for (const char* const version : kVersions) {
      if (!AskIn(version, request, files)) continue;
      version_ = version;
      return true;
    }
    return false;
  }

 private:
  bool AskIn(const std::string& version, const ServerReflectionRequest& request, Files& files) {
    ServerReflectionResponse response;
    bool any = false;
    const auto take = [&] {
      for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
        FileDescriptorProto file;
        if (files.size() >= kMaxFiles || !file.ParseFromString(bytes)) continue;
        std::string name = file.name();
        files.emplace(std::move(name), std::move(file));
        any = true;
      }
      return false;
    };
    const auto status = client_.Stream(
        context_, "grpc.reflection." + version + ".ServerReflection/ServerReflectionInfo", request,
        response, take);
    return status.ok() && any;
  }

  const Context context_;
  const RpcClient& client_;
  std::optional<std::string> version_;
};

// Servers may answer with a file alone: what it imports is asked for by name, and taken from this
// program where the server does not tell.
void AddImports(Reflection& reflection, Files& files) {
  std::set<std::string> asked;
  for (bool more = true; more && files.size() < kMaxFiles;) {
    std::set<std::string> missing;
    for (const auto& [name, file] : files) {
      for (const std::string& import : file.dependency()) {
        if (!files.contains(import) && asked.insert(import).second) missing.insert(import);
      }
    }
    more = !missing.empty();
    for (const std::string& name : missing) {
      ServerReflectionRequest request;
      request.set_file_by_filename(name);
      if (reflection.Ask(request, files)) continue;
      const FileDescriptor* const own = DescriptorPool::generated_pool()->FindFileByName(name);
      if (own != nullptr) own->CopyTo(&files[name]);
    }
  }
}

// Says nothing: what a module describes wrongly is merely not passed on.
class Silent final : public DescriptorPool::ErrorCollector {
 public:
  void AddError(const std::string&, const std::string&, const google::protobuf::Message*,
                ErrorLocation, const std::string&) override {}
};

// Imports first. A circle of imports ends at the first file that is met again, and fails there.
bool Build(const std::string& name, const Files& files, std::set<std::string>& begun,
           DescriptorPool& pool) {
  if (!begun.insert(name).second) return true;
  const auto found = files.find(name);
  if (found == files.end()) return false;
  for (const std::string& import : found->second.dependency()) {
    if (!Build(import, files, begun, pool)) return false;
  }
  Silent silent;
  return pool.BuildFileCollectingErrors(found->second, &silent) != nullptr;
}

std::shared_ptr<const DescriptorPool> PoolOf(const Files& files) {
  auto pool = std::make_shared<DescriptorPool>();
  std::set<std::string> begun;
  for (const auto& [name, file] : files) {
    if (!Build(name, files, begun, *pool)) return nullptr;
  }
  return pool;
}

}  // namespace

std::shared_ptr<const ServiceDescription> ServiceDescription::Ask(const Context& context,
                                                                  const RpcClient& client,
                                                                  const std::string& service) {
  Reflection reflection(context, client);
  ServerReflectionRequest request;
  request.set_file_containing_symbol(service);
  Files files;
  if (!reflection.Ask(request, files)) return nullptr;
  std::shared_ptr<ServiceDescription> description(new ServiceDescription);
  for (const auto& [file_name, file] : files) {
    const std::string prefix = file.package().empty() ? "" : file.package() + ".";
    for (const auto& one : file.service()) {
      if (prefix + one.name() != service) continue;
      for (const auto& method : one.method()) {
        if (!method.client_streaming() && !method.server_streaming())
          description->unary_.insert(method.name());
      }
    }
  }
  AddImports(reflection, files);
  description->files_ = PoolOf(files);
  return description;
}

}  // namespace bowerbird::machine
