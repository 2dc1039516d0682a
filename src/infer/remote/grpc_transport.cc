// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <iterator>
#include <utility>

#include "base/mutex.h"
#include "base/status.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "infer/remote/contents.h"
#include "infer/remote/datatype.h"
#include "infer/remote/transport.h"
#include "kserve/inference.pb.h"

namespace bowerbird::infer::remote {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr char kService[] = "/inference.GRPCInferenceService/";
constexpr char kSystemCertificates[] = "/etc/ssl/certs/ca-certificates.crt";
constexpr size_t kMaxCertificates = size_t{4} << 20;

absl::StatusOr<std::string> ReadCertificates(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return NotFound("the certificate file " + path + " cannot be read");
  std::string pem(std::istreambuf_iterator<char>(file), {});
  if (pem.size() > kMaxCertificates)
    return InvalidArgument("the certificate file " + path + " is too large to be one");
  return pem;
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsOf(
    const RemoteOptions& options) {
  if (!options.endpoint.tls) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions ssl;
  if (!options.ca_file.empty()) {
    ASSIGN_OR_RETURN(ssl.pem_root_certs, ReadCertificates(options.ca_file));
  } else if (auto system = ReadCertificates(kSystemCertificates); system.ok()) {
    ssl.pem_root_certs = *std::move(system);
  }
  return grpc::SslCredentials(ssl);
}

int Milliseconds(nanoseconds time) {
  return static_cast<int>(std::chrono::duration_cast<milliseconds>(time).count());
}

class GrpcTransport final : public Transport {
 public:
  GrpcTransport(const RemoteOptions& options, std::shared_ptr<grpc::ChannelCredentials> credentials)
      : options_(options), credentials_(std::move(credentials)), channel_(NewChannel()) {}

  absl::StatusOr<ModelDescription> Describe(const Context& context) override;
  std::unique_ptr<Session> NewSession() override;

  const RemoteOptions& options() const { return options_; }

  std::shared_ptr<grpc::Channel> channel() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    return channel_;
  }

  // A peer that vanished without a word leaves a connection on which every call would wait again.
  void Replace(const std::shared_ptr<grpc::Channel>& silent) ABSL_LOCKS_EXCLUDED(mutex_) {
    std::shared_ptr<grpc::Channel> fresh = NewChannel();
    MutexLock lock(mutex_);
    if (channel_ == silent) channel_.swap(fresh);
  }

 private:
  std::shared_ptr<grpc::Channel> NewChannel() const {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(static_cast<int>(options_.max_message));
    arguments.SetMaxSendMessageSize(-1);
    // A server that comes back is found again within two seconds; the default waits two minutes.
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, Milliseconds(options_.connect_timeout));
    // Otherwise a new channel would get the old one's connection.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    return grpc::CreateCustomChannel(options_.endpoint.authority, credentials_, arguments);
  }

  const RemoteOptions& options_;
  const std::shared_ptr<grpc::ChannelCredentials> credentials_;
  Mutex mutex_;
  std::shared_ptr<grpc::Channel> channel_ ABSL_GUARDED_BY(mutex_);
};

class GrpcSession final : public Session {
 public:
  explicit GrpcSession(GrpcTransport& transport) : transport_(transport) {}
  ~GrpcSession() override {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }
  GrpcSession(const GrpcSession&) = delete;
  GrpcSession& operator=(const GrpcSession&) = delete;

  template <typename Request, typename Answer>
  absl::Status Call(const Context& context, const std::string& method, const Request& request,
                    Answer& answer);

  absl::StatusOr<std::vector<MessageTensor>> Infer(
      const Context& context, std::span<MessageTensor> inputs,
      const std::vector<std::string>& outputs) override;

 private:
  // Until the call has ended; cancels it when nobody waits for it any more.
  void Await(const Context& context, grpc::ClientContext& call);
  absl::Status StatusOf(const Context& context, const grpc::Status& status, bool own_limit);

  GrpcTransport& transport_;
  grpc::CompletionQueue queue_;
  inference::ModelInferRequest request_;
};

void GrpcSession::Await(const Context& context, grpc::ClientContext& call) {
  void* tag = nullptr;
  bool ok = false;
  bool cancelled = false;
  for (;;) {
    const auto poll = !context.cancelled || cancelled ? system_clock::time_point::max()
                                                      : system_clock::now() + kCancellationPoll;
    if (queue_.AsyncNext(&tag, &ok, poll) != grpc::CompletionQueue::TIMEOUT) return;
    cancelled = context.cancelled();
    if (cancelled) call.TryCancel();
  }
}

absl::Status GrpcSession::StatusOf(const Context& context, const grpc::Status& status,
                                   bool own_limit) {
  if (status.ok()) return absl::OkStatus();
  RETURN_IF_ERROR(context.Check());
  const std::string message = Shown(status.error_message());
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED && own_limit) {
    return Unavailable("no answer within " +
                       std::to_string(Milliseconds(transport_.options().timeout) / 1000) +
                       " s: is the server stuck, or \"timeout_seconds\" too short?");
  }
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE)
    return Unavailable("cannot be reached (" + message + "): does the server run at this address?");
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED)
    return Unimplemented("the server does not speak KServe's protocol v2 (" + message + ")");
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), ToAbsl(message));
}

template <typename Request, typename Answer>
absl::Status GrpcSession::Call(const Context& context, const std::string& method,
                               const Request& request, Answer& answer) {
  RETURN_IF_ERROR(context.Check());
  grpc::ClientContext call;
  const auto now = steady_clock::now();
  const nanoseconds limit = transport_.options().timeout;
  const bool own_limit = context.deadline - now > limit;
  const nanoseconds left = own_limit ? limit : nanoseconds(context.deadline - now);
  call.set_deadline(system_clock::now() + std::chrono::duration_cast<system_clock::duration>(left));
  for (const auto& [name, value] : transport_.options().headers) call.AddMetadata(name, value);
  const auto channel = transport_.channel();
  grpc::TemplatedGenericStub<Request, Answer> stub(channel);
  grpc::Status status;
  const auto reader = stub.PrepareUnaryCall(&call, kService + method, request, &queue_);
  reader->StartCall();
  reader->Finish(&answer, &status, this);
  Await(context, call);
  if (own_limit && status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED)
    transport_.Replace(channel);
  return StatusOf(context, status, own_limit);
}

absl::StatusOr<std::vector<MessageTensor>> GrpcSession::Infer(
    const Context& context, std::span<MessageTensor> inputs,
    const std::vector<std::string>& outputs) {
  const RemoteOptions& options = transport_.options();
  request_.Clear();
  request_.set_model_name(options.model);
  request_.set_model_version(options.version);
  for (const std::string& name : outputs) request_.add_outputs()->set_name(name);
  for (MessageTensor& input : inputs) {
    auto& tensor = *request_.add_inputs();
    tensor.set_name(input.name);
    tensor.set_datatype(std::string(DatatypeName(input.type)));
    tensor.mutable_shape()->Add(input.shape.begin(), input.shape.end());
    // Lent to the message for the call, not copied.
    request_.add_raw_input_contents()->swap(input.bytes);
  }
  inference::ModelInferResponse answer;
  const absl::Status status = Call(context, "ModelInfer", request_, answer);
  for (size_t i = 0; i < inputs.size(); ++i)
    request_.mutable_raw_input_contents(static_cast<int>(i))->swap(inputs[i].bytes);
  RETURN_IF_ERROR(status);
  auto taken = TakeOutputs(answer);
  if (!taken.ok()) return Internal("the server's answer: " + MessageOf(taken.status()));
  return taken;
}

absl::StatusOr<std::vector<TensorDescription>> ReadTensors(
    const google::protobuf::RepeatedPtrField<inference::ModelMetadataResponse::TensorMetadata>&
        tensors) {
  std::vector<TensorDescription> read;
  if (tensors.size() > static_cast<int>(kMaxTensors))
    return Internal("the server says that the model has " + std::to_string(tensors.size()) +
                    " tensors");
  for (const auto& tensor : tensors) {
    if (tensor.shape_size() > static_cast<int>(kMaxRank))
      return Internal("the server says that tensor \"" + Shown(tensor.name()) + "\" has " +
                      std::to_string(tensor.shape_size()) + " extents");
    read.push_back(
        {tensor.name(), tensor.datatype(), Shape(tensor.shape().begin(), tensor.shape().end())});
  }
  return read;
}

absl::StatusOr<ModelDescription> GrpcTransport::Describe(const Context& context) {
  inference::ModelMetadataRequest request;
  request.set_name(options_.model);
  request.set_version(options_.version);
  inference::ModelMetadataResponse answer;
  RETURN_IF_ERROR(GrpcSession(*this).Call(context, "ModelMetadata", request, answer));
  ModelDescription description;
  description.name = answer.name();
  description.platform = answer.platform();
  description.versions.assign(answer.versions().begin(), answer.versions().end());
  ASSIGN_OR_RETURN(description.inputs, ReadTensors(answer.inputs()));
  ASSIGN_OR_RETURN(description.outputs, ReadTensors(answer.outputs()));
  return description;
}

std::unique_ptr<Session> GrpcTransport::NewSession() {
  return std::make_unique<GrpcSession>(*this);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Transport>> NewGrpcTransport(const RemoteOptions& options) {
  ASSIGN_OR_RETURN(auto credentials, CredentialsOf(options));
  return std::unique_ptr<Transport>(std::make_unique<GrpcTransport>(options, credentials));
}

}  // namespace bowerbird::infer::remote
