// SPDX-License-Identifier: Apache-2.0
//
// KServe's protocol as this server reads it: addresses and bodies over HTTP, and inputs over gRPC
// against the metadata of a model. What is accepted must be whole; what is answered must be HTTP.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "grpcpp/impl/codegen/proto_utils.h"
#include "infer/remote/message.h"
#include "kserve/inference.pb.h"
#include "serve/kserve_http.h"
#include "serve/kserve_tensors.h"

namespace bowerbird::serve {
namespace {

using infer::DType;

constexpr size_t kMaxMessage = 65536;

void Require(bool condition) {
  if (!condition) std::abort();
}

const infer::ModelMetadata& Metadata() {
  static const auto* const metadata = [] {
    auto* made = new infer::ModelMetadata;
    const std::pair<const char*, DType> inputs[] = {
        {"a", DType::kFloat32}, {"b", DType::kUint8}, {"c", DType::kInt64}, {"d", DType::kBool}};
    for (const auto& [name, type] : inputs) {
      infer::TensorInfo info;
      info.name = info.graph_name = name;
      info.type = type;
      info.shape = {-1, 2};
      made->inputs.push_back(info);
      made->outputs.push_back(info);
    }
    return made;
  }();
  return *metadata;
}

// As the service does, with a model that gives its inputs back.
void CheckCall(const inference::ModelInferRequest& request, inference::ModelInferResponse& answer) {
  const auto inputs = KServeInputs::Read(Metadata(), request);
  if (!inputs.ok()) return;
  for (const auto& [name, view] : inputs->views()) {
    const auto count = infer::ElementCount({view.shape.begin(), view.shape.end()});
    Require(count.has_value());
    Require(static_cast<size_t>(*count) * infer::DTypeSize(view.type) == view.bytes.size());
  }
  infer::NamedViews outputs = inputs->views();
  if (outputs.size() != Metadata().outputs.size()) return;
  const absl::Status status = WriteKServeOutputs(Metadata(), outputs, request, answer);
  if (!status.ok()) answer.Clear();
}

void CheckHttp(const HttpRequest& request, const std::string& body) {
  IsKServePath(request.target);
  auto route = KServeRoute::Parse(request);
  if (!route.ok()) {
    Require(KServeFailure(route.status()).status >= 400);
    return;
  }
  const auto call = KServeHttpCall::Make(*std::move(route), request, body, kMaxMessage);
  if (!call.ok()) {
    Require(KServeFailure(call.status()).status >= 400);
    return;
  }
  inference::ModelInferResponse answer;
  if (call->route().kind == KServeRoute::Kind::kInfer) {
    inference::ModelInferRequest message;
    grpc::ByteBuffer bytes = call->message();
    Require(grpc::SerializationTraits<inference::ModelInferRequest>::Deserialize(&bytes, &message)
                .ok());
    Require(message.ByteSizeLong() <= kMaxMessage);
    CheckCall(message, answer);
  }
  grpc::ByteBuffer bytes;
  bool own = false;
  grpc::SerializationTraits<inference::ModelInferResponse>::Serialize(answer, &bytes, &own);
  const HttpResponse response = call->Answer(absl::OkStatus(), bytes);
  Require(response.status >= 200 && response.status < 600);
}

}  // namespace
}  // namespace bowerbird::serve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bowerbird::serve;  // NOLINT: one function
  if (size < 2) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string length = std::to_string(size_t{data[0]} << 8 | data[1]);
  CheckHttp({"POST", "/v2/models/m/infer", {}}, bytes);
  CheckHttp({"POST", "/v2/models/m/infer", {{"inference-header-content-length", length}}}, bytes);
  CheckHttp({"GET", "/v2/" + bytes, {}}, "");
  CheckHttp({"POST", bytes, {{"inference-header-content-length", bytes}}}, bytes);
  inference::ModelInferRequest request;
  inference::ModelInferResponse answer;
  if (request.ParseFromString(bytes)) CheckCall(request, answer);
  return 0;
}
