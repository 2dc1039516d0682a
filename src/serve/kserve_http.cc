// SPDX-License-Identifier: Apache-2.0
#include "serve/kserve_http.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "base/utf8.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "infer/remote/contents.h"
#include "infer/remote/datatype.h"
#include "infer/remote/json_message.h"
#include "kserve/inference.pb.h"

namespace bowerbird::serve {
namespace {

namespace remote = infer::remote;
using Kind = KServeRoute::Kind;

HttpResponse Json(int status, std::string body) {
  return {status,
          {{"content-type", "application/json"},
           {"cache-control", "no-store"},
           {"x-content-type-options", "nosniff"}},
          std::move(body)};
}

std::string_view PathOf(std::string_view target) {
  return target.substr(0, target.find_first_of("?#"));
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Undoes "%20". Nothing if it is malformed, empty or not UTF-8.
std::optional<std::string> Unescaped(std::string_view segment) {
  std::string text;
  for (size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] != '%') {
      text += segment[i];
      continue;
    }
    if (i + 2 >= segment.size()) return std::nullopt;
    const int high = HexDigit(segment[i + 1]);
    const int low = HexDigit(segment[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    text += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (text.empty() || !IsUtf8(text)) return std::nullopt;
  return text;
}

std::vector<std::string_view> Segments(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty() && path.front() == '/') {
    path.remove_prefix(1);
    const size_t end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

absl::Status NoAddress(const HttpRequest& request) {
  return NotFound(remote::Shown(PathOf(request.target)) +
                  " is no address of KServe's protocol: there are /v2/health/live, "
                  "/v2/health/ready, /v2, /v2/models/NAME, .../ready and .../infer");
}

// What follows "/v2/models".
std::optional<KServeRoute> ModelRoute(std::vector<std::string_view> rest) {
  KServeRoute route;
  route.kind = Kind::kModel;
  const auto take = [&rest](std::string& text) {
    const std::optional<std::string> segment =
        rest.empty() ? std::nullopt : Unescaped(rest.front());
    if (!segment.has_value()) return false;
    text = *segment;
    rest.erase(rest.begin());
    return true;
  };
  if (!take(route.model)) return std::nullopt;
  if (!rest.empty() && rest.front() == "versions") {
    rest.erase(rest.begin());
    if (!take(route.version)) return std::nullopt;
  }
  if (rest.empty()) return route;
  if (rest.size() > 1) return std::nullopt;
  if (rest.front() == "ready") {
    route.kind = Kind::kModelReady;
    return route;
  }
  route.kind = Kind::kInfer;
  return rest.front() == "infer" ? std::optional(route) : std::nullopt;
}

std::optional<KServeRoute> RouteOf(std::string_view path) {
  std::vector<std::string_view> segments = Segments(path);
  // "/v2/" is as good as "/v2".
  if (segments.size() > 1 && segments.back().empty()) segments.pop_back();
  if (segments.empty() || segments.front() != "v2") return std::nullopt;
  segments.erase(segments.begin());
  KServeRoute route;
  if (segments.empty()) return route;
  if (segments.front() == "models") {
    segments.erase(segments.begin());
    return ModelRoute(std::move(segments));
  }
  if (segments.size() != 2 || segments.front() != "health") return std::nullopt;
  route.kind = segments.back() == "live" ? Kind::kLive : Kind::kReady;
  const bool known = segments.back() == "live" || segments.back() == "ready";
  return known ? std::optional(route) : std::nullopt;
}

template <typename Message>
grpc::ByteBuffer ToBytes(const Message& message) {
  grpc::ByteBuffer buffer;
  bool own = false;
  grpc::SerializationTraits<Message>::Serialize(message, &buffer, &own);
  return buffer;
}

template <typename Message>
absl::StatusOr<Message> FromBytes(grpc::ByteBuffer buffer) {
  Message message;
  if (!grpc::SerializationTraits<Message>::Deserialize(&buffer, &message).ok())
    return Internal("an answer of this server cannot be read");
  return message;
}

template <typename Request>
grpc::ByteBuffer ModelRequest(const KServeRoute& route) {
  Request request;
  request.set_name(route.model);
  request.set_version(route.version);
  return ToBytes(request);
}

int HttpStatusOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

// The protocol's own way to say no: a status of the 400s.
HttpResponse YesOrNo(bool yes, const char* no) {
  return yes ? Json(200, "{}") : KServeFailure(FailedPrecondition(no));
}

absl::StatusOr<HttpResponse> ServerAnswer(const grpc::ByteBuffer& message) {
  ASSIGN_OR_RETURN(const auto answer, FromBytes<inference::ServerMetadataResponse>(message));
  std::string json = "{\"name\":" + remote::Quoted(answer.name()) +
                     ",\"version\":" + remote::Quoted(answer.version()) + ",\"extensions\":[";
  for (int i = 0; i < answer.extensions_size(); ++i) {
    if (i > 0) json += ',';
    json += remote::Quoted(answer.extensions(i));
  }
  return Json(200, json + "]}");
}

absl::StatusOr<HttpResponse> ModelAnswer(const grpc::ByteBuffer& message) {
  ASSIGN_OR_RETURN(const auto answer, FromBytes<inference::ModelMetadataResponse>(message));
  remote::ModelDescription description;
  description.name = answer.name();
  description.platform = answer.platform();
  description.versions.assign(answer.versions().begin(), answer.versions().end());
  const auto copy = [](const auto& tensors, std::vector<remote::TensorDescription>& out) {
    for (const auto& tensor : tensors)
      out.push_back(
          {tensor.name(), tensor.datatype(), {tensor.shape().begin(), tensor.shape().end()}});
  };
  copy(answer.inputs(), description.inputs);
  copy(answer.outputs(), description.outputs);
  return Json(200, remote::WriteModelDescription(description));
}

}  // namespace

bool IsKServePath(std::string_view target) {
  const std::string_view path = PathOf(target);
  return path == "/v2" || path.starts_with("/v2/");
}

std::string KServeRoute::method() const {
  const std::string service = "/inference.GRPCInferenceService/";
  switch (kind) {
    case Kind::kLive:
      return service + "ServerLive";
    case Kind::kReady:
      return service + "ServerReady";
    case Kind::kServer:
      return service + "ServerMetadata";
    case Kind::kModel:
      return service + "ModelMetadata";
    case Kind::kModelReady:
      return service + "ModelReady";
    case Kind::kInfer:
      break;
  }
  return service + "ModelInfer";
}

absl::StatusOr<KServeRoute> KServeRoute::Parse(const HttpRequest& request) {
  std::optional<KServeRoute> route = RouteOf(PathOf(request.target));
  if (!route.has_value()) return NoAddress(request);
  const bool post = request.method == "POST";
  const bool get = request.method == "GET" || request.method == "HEAD";
  if (route->kind == Kind::kInfer ? post : get) return *std::move(route);
  return Unimplemented(remote::Shown(PathOf(request.target)) + " wants " +
                       (route->kind == Kind::kInfer ? "POST" : "GET"));
}

absl::Status KServeHttpCall::ReadInfer(const HttpRequest& request, std::string_view body,
                                       size_t max_message) {
  const std::string_view encoding = request.Header("content-encoding");
  if (!encoding.empty() && encoding != "identity") {
    return Unimplemented("bodies of content-encoding \"" + remote::Shown(encoding) +
                         "\" are not read: send the body as it is");
  }
  ASSIGN_OR_RETURN(const auto length,
                   remote::ParseJsonLength(request.Header(remote::kHeaderLength)));
  ASSIGN_OR_RETURN(auto message, remote::ParseInferBody(remote::Direction::kRequest, body, length));
  inference::ModelInferRequest call;
  call.set_model_name(route_.model);
  call.set_model_version(route_.version);
  call.set_id(message.id);
  for (remote::MessageTensor& tensor : message.tensors) {
    auto& input = *call.add_inputs();
    input.set_name(std::move(tensor.name));
    input.set_datatype(std::string(remote::DatatypeName(tensor.type)));
    input.mutable_shape()->Add(tensor.shape.begin(), tensor.shape.end());
    call.add_raw_input_contents()->swap(tensor.bytes);
  }
  for (const remote::RequestedOutput& requested : message.requested) {
    auto& output = *call.add_outputs();
    output.set_name(requested.name);
    if (requested.classes != 0)
      (*output.mutable_parameters())["classification"].set_int64_param(requested.classes);
  }
  if (call.ByteSizeLong() > max_message) {
    return ResourceExhausted("the tensors of the request are larger than " +
                             std::to_string(max_message) + " bytes");
  }
  requested_ = std::move(message.requested);
  binary_output_ = message.binary_output;
  message_ = ToBytes(call);
  return absl::OkStatus();
}

absl::StatusOr<KServeHttpCall> KServeHttpCall::Make(KServeRoute route, const HttpRequest& request,
                                                    std::string_view body, size_t max_message) {
  KServeHttpCall call(std::move(route));
  switch (call.route_.kind) {
    case Kind::kLive:
    case Kind::kReady:
    case Kind::kServer:
      // Their requests are empty.
      call.message_ = ToBytes(inference::ServerLiveRequest());
      break;
    case Kind::kModel:
      call.message_ = ModelRequest<inference::ModelMetadataRequest>(call.route_);
      break;
    case Kind::kModelReady:
      call.message_ = ModelRequest<inference::ModelReadyRequest>(call.route_);
      break;
    case Kind::kInfer:
      RETURN_IF_ERROR(call.ReadInfer(request, body, max_message));
      break;
  }
  return call;
}

bool KServeHttpCall::IsBinary(const std::string& output) const {
  const auto found = std::find_if(requested_.begin(), requested_.end(),
                                  [&output](const auto& asked) { return asked.name == output; });
  if (found == requested_.end()) return binary_output_;
  return found->binary.value_or(binary_output_);
}

absl::StatusOr<HttpResponse> KServeHttpCall::InferAnswer(const grpc::ByteBuffer& message) const {
  ASSIGN_OR_RETURN(auto call, FromBytes<inference::ModelInferResponse>(message));
  remote::InferMessage answer;
  answer.model_name = call.model_name();
  answer.model_version = call.model_version();
  answer.id = call.id();
  ASSIGN_OR_RETURN(answer.tensors, remote::TakeOutputs(call));
  bool binary = false;
  for (remote::MessageTensor& tensor : answer.tensors) {
    tensor.binary = IsBinary(tensor.name);
    binary = binary || tensor.binary;
  }
  ASSIGN_OR_RETURN(std::string body, remote::WriteInferJson(remote::Direction::kAnswer, answer));
  HttpResponse response = Json(200, std::move(body));
  if (!binary) return response;
  response.headers[0].second = "application/octet-stream";
  response.headers.emplace_back(remote::kHeaderLength, std::to_string(response.body.size()));
  for (const remote::MessageTensor& tensor : answer.tensors) {
    if (tensor.binary) response.body += tensor.bytes;
  }
  return response;
}

HttpResponse KServeHttpCall::Answer(const absl::Status& status,
                                    const grpc::ByteBuffer& answer) const {
  if (!status.ok()) return KServeFailure(status);
  absl::StatusOr<HttpResponse> response = Internal("");
  switch (route_.kind) {
    case Kind::kLive:
      return Json(200, "{}");
    case Kind::kReady: {
      const auto ready = FromBytes<inference::ServerReadyResponse>(answer);
      return YesOrNo(ready.ok() && ready->ready(), "the server is starting");
    }
    case Kind::kModelReady: {
      const auto ready = FromBytes<inference::ModelReadyResponse>(answer);
      return YesOrNo(ready.ok() && ready->ready(), "the model is not ready");
    }
    case Kind::kServer:
      response = ServerAnswer(answer);
      break;
    case Kind::kModel:
      response = ModelAnswer(answer);
      break;
    case Kind::kInfer:
      response = InferAnswer(answer);
      break;
  }
  return response.ok() ? *std::move(response) : KServeFailure(response.status());
}

HttpResponse KServeFailure(const absl::Status& status) {
  HttpResponse response = Json(HttpStatusOf(status.code()), remote::WriteError(MessageOf(status)));
  if (response.status == 401)
    response.headers.emplace_back("www-authenticate", "Basic realm=\"bowerbird\"");
  return response;
}

}  // namespace bowerbird::serve
