// SPDX-License-Identifier: Apache-2.0
#include "capture/upload_call.h"

#include <chrono>
#include <utility>

#include "app/datasync/v1/data_sync.pb.h"
#include "base/status.h"
#include "google/protobuf/message.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/impl/codegen/client_unary_call.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/impl/codegen/rpc_method.h"
#include "grpcpp/support/sync_stream.h"
#include "proto/rpc/v1/auth.pb.h"

namespace bowerbird::capture {
namespace {

namespace auth = proto::rpc::v1;
namespace sync = viam::app::datasync::v1;
using google::protobuf::Message;

// Time for an answer, and a rate below which a line is taken for dead.
constexpr std::chrono::seconds kAnswerTime{60};
constexpr uint64_t kSlowestBytesPerSecond = 8 * 1024;

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  std::string message =
      "the hub: " + (status.error_message().empty() ? "no reason given" : status.error_message());
  if (message.find("certificate verify failed") != std::string::npos)
    message += ": its certificate is not trusted: give that of its authority with --hub-ca";
  auto code = static_cast<absl::StatusCode>(status.error_code());
  // These say something about the file itself where they come from this side.
  if (code == absl::StatusCode::kNotFound || code == absl::StatusCode::kDataLoss ||
      code == absl::StatusCode::kFailedPrecondition)
    code = absl::StatusCode::kUnknown;
  return absl::Status(code, ToAbsl(message));
}

}  // namespace

absl::Status CallUnary(grpc::Channel& channel, const std::string& service,
                       const std::string& method, grpc::ClientContext& context,
                       const Message& request, Message& response) {
  const std::string path = "/" + service + "/" + method;
  const grpc::internal::RpcMethod rpc(path.c_str(), grpc::internal::RpcMethod::NORMAL_RPC);
  return FromGrpc(grpc::internal::BlockingUnaryCall<Message, Message, Message, Message>(
      &channel, rpc, &context, request, &response));
}

Uploader::Call::Call(Uploader& uploader, const std::string& token, uint64_t bytes)
    : uploader_(uploader), context_(std::make_unique<grpc::ClientContext>()) {
  const auto transfer = std::chrono::seconds(bytes / kSlowestBytesPerSecond);
  context_->set_deadline(std::chrono::system_clock::now() + kAnswerTime + transfer);
  if (!token.empty()) context_->AddMetadata("authorization", "Bearer " + token);
  MutexLock lock(uploader_.mutex_);
  uploader_.calls_.insert(context_.get());
  if (uploader_.cancelled_) context_->TryCancel();
}

Uploader::Call::~Call() {
  MutexLock lock(uploader_.mutex_);
  uploader_.calls_.erase(context_.get());
}

template <typename Request, typename Response>
struct ClientStream<Request, Response>::Writer {
  Writer(grpc::Channel& channel, const std::string& path, grpc::ClientContext& context,
         Response& response)
      : method(path.c_str(), grpc::internal::RpcMethod::CLIENT_STREAMING),
        stream(grpc::internal::ClientWriterFactory<Request>::Create(&channel, method, &context,
                                                                    &response)) {}
  const grpc::internal::RpcMethod method;
  const std::unique_ptr<grpc::ClientWriter<Request>> stream;
};

template <typename Request, typename Response>
ClientStream<Request, Response>::ClientStream(grpc::Channel& channel, const std::string& method,
                                              grpc::ClientContext& context)
    : context_(context),
      path_(std::string("/") + kDataSyncService + "/" + method),
      writer_(std::make_unique<Writer>(channel, path_, context, response_)) {}

template <typename Request, typename Response>
ClientStream<Request, Response>::~ClientStream() {
  if (finished_) return;
  context_.TryCancel();
  writer_->stream->Finish();
}

template <typename Request, typename Response>
bool ClientStream<Request, Response>::Write(const Request& request) {
  complete_ = writer_->stream->Write(request);
  return complete_;
}

template <typename Request, typename Response>
absl::Status ClientStream<Request, Response>::Finish() {
  finished_ = true;
  writer_->stream->WritesDone();
  const grpc::Status status = writer_->stream->Finish();
  if (status.ok() && !complete_) return Unavailable("the hub answered before it had everything");
  return FromGrpc(status);
}

template class ClientStream<sync::StreamingDataCaptureUploadRequest,
                            sync::StreamingDataCaptureUploadResponse>;
template class ClientStream<sync::FileUploadRequest, sync::FileUploadResponse>;

Uploader::Uploader(FileSystem& files, HubLink hub, std::function<void(uint64_t)> sent)
    : files_(files), hub_(std::move(hub)), sent_(std::move(sent)) {}

bool Uploader::Ready() const {
  if (!connected() || hub_.in_process) return connected();
  return hub_.channel->GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY;
}

void Uploader::Cancel() {
  MutexLock lock(mutex_);
  cancelled_ = true;
  for (grpc::ClientContext* call : calls_) call->TryCancel();
}

absl::StatusOr<std::string> Uploader::Token() {
  if (hub_.api_key_id.empty()) return "";
  {
    MutexLock lock(mutex_);
    if (!token_.empty()) return token_;
  }
  Call call(*this, "", 0);
  auth::AuthenticateRequest request;
  request.set_entity(hub_.api_key_id);
  request.mutable_credentials()->set_type("api-key");
  request.mutable_credentials()->set_payload(hub_.api_key);
  auth::AuthenticateResponse response;
  // INVALID_ARGUMENT of this call says nothing about the file that waits for it.
  const absl::Status status = CallUnary(*hub_.channel, "proto.rpc.v1.AuthService", "Authenticate",
                                        call.context(), request, response);
  if (absl::IsUnavailable(status) || absl::IsCancelled(status)) return status;
  if (!status.ok())
    return absl::UnauthenticatedError(
        ("the hub refuses the API key: " + MessageOf(status)).c_str());
  MutexLock lock(mutex_);
  token_ = response.access_token();
  return token_;
}

void Uploader::ForgetToken() {
  MutexLock lock(mutex_);
  token_.clear();
}

absl::Status Uploader::WithToken(const std::function<absl::Status()>& upload) {
  if (!connected()) return Unavailable("not connected to the cloud");
  absl::Status status = upload();
  if (!absl::IsUnauthenticated(status) || hub_.api_key_id.empty()) return status;
  ForgetToken();
  return upload();
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenHubChannel(const std::string& url) {
  const auto rest_after = [&url](std::string_view prefix) -> std::string {
    if (url.rfind(prefix, 0) != 0) return "";
    std::string rest = url.substr(prefix.size());
    while (!rest.empty() && rest.back() == '/') rest.pop_back();
    return rest;
  };
  std::string target = rest_after("http://");
  const bool is_clear = !target.empty() || url.rfind("unix:", 0) == 0;
  if (url.rfind("unix:", 0) == 0) target = url;
  if (target.empty()) target = rest_after("https://");
  if (target.empty() && url.find("://") == std::string::npos) target = url;
  if (target.empty() || (!is_clear && target.find('/') != std::string::npos))
    return InvalidArgument("\"" + url +
                           "\" is no address of a hub: give http://HOST:PORT, "
                           "https://HOST[:PORT] or unix:/PATH");
  if (!is_clear && target.find(':') == std::string::npos) target += ":443";
  grpc::ChannelArguments arguments;
  // A hub that comes back is found again within seconds; the default waits two minutes.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5000);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  return grpc::CreateCustomChannel(target,
                                   is_clear ? grpc::InsecureChannelCredentials()
                                            : grpc::SslCredentials(grpc::SslCredentialsOptions()),
                                   arguments);
}

}  // namespace bowerbird::capture
