// SPDX-License-Identifier: Apache-2.0
#include "serve/reflection_rpc.h"

#include <set>
#include <utility>

#include "base/status.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "grpcpp/impl/codegen/rpc_service_method.h"
#include "grpcpp/impl/codegen/server_callback_handlers.h"

namespace bowerbird::serve {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using grpc::reflection::v1::ServerReflectionRequest;
using grpc::reflection::v1::ServerReflectionResponse;

constexpr char kCall[] = "ServerReflectionInfo";

void SetNotFound(const std::string& what, ServerReflectionResponse& response) {
  auto& error = *response.mutable_error_response();
  error.set_error_code(static_cast<int>(absl::StatusCode::kNotFound));
  error.set_error_message(what + " is not known here");
}

// The file first, then what it imports, each once.
void AddFile(const FileDescriptor& file, std::set<std::string>& seen,
             ServerReflectionResponse& response) {
  if (!seen.insert(file.name()).second) return;
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  proto.SerializeToString(response.mutable_file_descriptor_response()->add_file_descriptor_proto());
  for (int i = 0; i < file.dependency_count(); ++i) AddFile(*file.dependency(i), seen, response);
}

void AnswerFile(const FileDescriptor* file, const std::string& what,
                ServerReflectionResponse& response) {
  if (file == nullptr) return SetNotFound(what, response);
  std::set<std::string> seen;
  AddFile(*file, seen, response);
}

// The files of this program, then those of others.
class Pools {
 public:
  explicit Pools(const Reflected& reflected) : others_(reflected.files()) {}

  // The first that `find` finds.
  template <typename Find>
  auto First(const Find& find) const -> decltype(find(std::declval<const DescriptorPool&>())) {
    if (auto* const own = find(*DescriptorPool::generated_pool()); own != nullptr) return own;
    for (const auto& pool : others_) {
      if (auto* const found = find(*pool); found != nullptr) return found;
    }
    return nullptr;
  }

 private:
  const std::vector<std::shared_ptr<const DescriptorPool>> others_;
};

void AnswerExtension(const grpc::reflection::v1::ExtensionRequest& request, const Pools& pools,
                     ServerReflectionResponse& response) {
  const auto* extension = pools.First([&](const DescriptorPool& pool) {
    const auto* type = pool.FindMessageTypeByName(request.containing_type());
    return type == nullptr ? nullptr : pool.FindExtensionByNumber(type, request.extension_number());
  });
  AnswerFile(extension == nullptr ? nullptr : extension->file(),
             "extension " + std::to_string(request.extension_number()) + " of " +
                 request.containing_type(),
             response);
}

void AnswerExtensionNumbers(const std::string& type_name, const Pools& pools,
                            ServerReflectionResponse& response) {
  const auto* type = pools.First(
      [&](const DescriptorPool& pool) { return pool.FindMessageTypeByName(type_name); });
  if (type == nullptr) return SetNotFound("type " + type_name, response);
  auto& numbers = *response.mutable_all_extension_numbers_response();
  numbers.set_base_type_name(type_name);
  std::vector<const google::protobuf::FieldDescriptor*> extensions;
  type->file()->pool()->FindAllExtensions(type, &extensions);
  for (const auto* extension : extensions) numbers.add_extension_number(extension->number());
}

ServerReflectionResponse Answer(const ServerReflectionRequest& request,
                                const Reflected& reflected) {
  const Pools pools(reflected);
  ServerReflectionResponse response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case ServerReflectionRequest::kFileByFilename:
      AnswerFile(pools.First([&](const DescriptorPool& pool) {
        return pool.FindFileByName(request.file_by_filename());
      }),
                 "file " + request.file_by_filename(), response);
      break;
    case ServerReflectionRequest::kFileContainingSymbol:
      AnswerFile(pools.First([&](const DescriptorPool& pool) {
        return pool.FindFileContainingSymbol(request.file_containing_symbol());
      }),
                 "symbol " + request.file_containing_symbol(), response);
      break;
    case ServerReflectionRequest::kFileContainingExtension:
      AnswerExtension(request.file_containing_extension(), pools, response);
      break;
    case ServerReflectionRequest::kAllExtensionNumbersOfType:
      AnswerExtensionNumbers(request.all_extension_numbers_of_type(), pools, response);
      break;
    case ServerReflectionRequest::kListServices:
      for (const std::string& service : reflected.services())
        response.mutable_list_services_response()->add_service()->set_name(service);
      break;
    case ServerReflectionRequest::MESSAGE_REQUEST_NOT_SET:
      response.mutable_error_response()->set_error_code(
          static_cast<int>(absl::StatusCode::kInvalidArgument));
      response.mutable_error_response()->set_error_message("the request asks for nothing");
      break;
  }
  return response;
}

class Stream final
    : public grpc::ServerBidiReactor<ServerReflectionRequest, ServerReflectionResponse> {
 public:
  Stream(const MethodInfo& method, const Reflected& reflected, CallGate& gate,
         grpc::CallbackServerContext& context)
      : reflected_(reflected) {
    static const std::string kNoResource;
    auto admitted =
        gate.Admit({method, kNoResource, context, [&context] { context.TryCancel(); }, ""});
    if (!admitted.ok()) {
      Finish(ToGrpc(admitted.status()));
      return;
    }
    admitted_ = *std::move(admitted);
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      admitted_->Finish(absl::StatusCode::kOk);
      return Finish(grpc::Status::OK);
    }
    response_ = Answer(request_, reflected_);
    StartWrite(&response_);
  }
  void OnWriteDone(bool) override { StartRead(&request_); }
  void OnDone() override { delete this; }

 private:
  const Reflected& reflected_;
  std::unique_ptr<CallGate::Admitted> admitted_;
  ServerReflectionRequest request_;
  ServerReflectionResponse response_;
};

MethodInfo MethodOf(const std::string& package) {
  MethodInfo method;
  method.service = package + ".ServerReflection";
  method.name = kCall;
  method.full_name = "/" + method.service + "/" + kCall;
  return method;
}

}  // namespace

ReflectionRpc::ReflectionRpc(const std::string& package, Reflected reflected, CallGate& gate)
    : method_(MethodOf(package)), reflected_(std::move(reflected)) {
  AddMethod(new grpc::internal::RpcServiceMethod(
      method_.full_name.c_str(), grpc::internal::RpcMethod::BIDI_STREAMING, nullptr));
  MarkMethodCallback(
      0, new grpc::internal::CallbackBidiHandler<ServerReflectionRequest, ServerReflectionResponse>(
             [this, &gate](grpc::CallbackServerContext* context) {
               return new Stream(method_, reflected_, gate, *context);
             }));
}

}  // namespace bowerbird::serve
