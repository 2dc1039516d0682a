// SPDX-License-Identifier: Apache-2.0
#include "machine/module/rpc_client.h"

#include <chrono>

#include "base/status.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/impl/codegen/proto_utils.h"

namespace bowerbird::machine {
namespace {

using google::protobuf::Message;
using std::chrono::system_clock;

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(RpcClient::kMaxMessage);
  arguments.SetMaxSendMessageSize(RpcClient::kMaxMessage);
  // A process that comes back at the same address is looked for often.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const std::string target = address.starts_with('/') ? "unix:" + address : address;
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

// A queue for one call, empty at its end as gRPC wants it.
class OneCallQueue {
 public:
  OneCallQueue() = default;
  ~OneCallQueue() {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }
  OneCallQueue(const OneCallQueue&) = delete;
  OneCallQueue& operator=(const OneCallQueue&) = delete;

  grpc::CompletionQueue& queue() { return queue_; }

  // Until an operation of the call has ended, and whether well; cancels the call when nobody waits
  // for it any more.
  bool Await(const Context& context, grpc::ClientContext& call) {
    void* tag = nullptr;
    bool ok = false;
    bool cancelled = false;
    for (;;) {
      const auto poll = !context.cancelled || cancelled ? system_clock::time_point::max()
                                                        : system_clock::now() + kCancellationPoll;
      if (queue_.AsyncNext(&tag, &ok, poll) != grpc::CompletionQueue::TIMEOUT) return ok;
      cancelled = context.cancelled();
      if (cancelled) call.TryCancel();
    }
  }

 private:
  grpc::CompletionQueue queue_;
};

// No message ends with a space: some clients drop it then.
absl::Status Unreadable(const std::string& method, const grpc::Status& status) {
  const std::string& why = status.error_message();
  return Internal("what " + method + " answered cannot be read" + (why.empty() ? "" : ": " + why));
}

void TakeDeadline(const Context& context, grpc::ClientContext& call) {
  if (context.deadline == Context::TimePoint::max()) return;
  call.set_deadline(system_clock::now() + std::chrono::duration_cast<system_clock::duration>(
                                              context.deadline - std::chrono::steady_clock::now()));
}

absl::Status FromGrpc(const Context& context, const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  RETURN_IF_ERROR(context.Check());
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      ToAbsl(status.error_message()));
}

}  // namespace

RpcClient::RpcClient(const std::string& address) : channel_(OpenChannel(address)) {}
RpcClient::RpcClient(std::shared_ptr<grpc::Channel> channel) : channel_(std::move(channel)) {}

absl::Status RpcClient::Call(const Context& context, const std::string& method,
                             const Message& request, Message& response, Header* header) const {
  RETURN_IF_ERROR(context.Check());
  grpc::ByteBuffer sent;
  bool own = false;
  grpc::Status status = grpc::SerializationTraits<Message>::Serialize(request, &sent, &own);
  if (!status.ok()) return FromGrpc(context, status);
  OneCallQueue queue;
  grpc::ClientContext call;
  TakeDeadline(context, call);
  grpc::ByteBuffer received;
  grpc::GenericStub stub(channel_);
  const auto reader = stub.PrepareUnaryCall(&call, "/" + method, sent, &queue.queue());
  reader->StartCall();
  reader->Finish(&received, &status, &queue);
  queue.Await(context, call);
  if (!status.ok()) return FromGrpc(context, status);
  if (header != nullptr) {
    const auto& all = call.GetServerInitialMetadata();
    const auto found = all.find(header->key);
    if (found != all.end()) header->value.assign(found->second.data(), found->second.size());
  }
  status = grpc::SerializationTraits<Message>::Deserialize(&received, &response);
  if (status.ok()) return absl::OkStatus();
  return Unreadable(method, status);
}

absl::Status RpcClient::Stream(const Context& context, const std::string& method,
                               const Message& request, Message& response,
                               const std::function<bool()>& take) const {
  RETURN_IF_ERROR(context.Check());
  grpc::ByteBuffer sent;
  bool own = false;
  grpc::Status status = grpc::SerializationTraits<Message>::Serialize(request, &sent, &own);
  if (!status.ok()) return FromGrpc(context, status);
  OneCallQueue queue;
  grpc::ClientContext call;
  TakeDeadline(context, call);
  grpc::GenericStub stub(channel_);
  const auto stream = stub.PrepareCall(&call, "/" + method, &queue.queue());
  stream->StartCall(&queue);
  bool ok = queue.Await(context, call);
  if (ok) {
    stream->WriteLast(sent, grpc::WriteOptions(), &queue);
    ok = queue.Await(context, call);
  }
  bool wanted = true;
  absl::Status unreadable;
  while (ok && wanted) {
    grpc::ByteBuffer received;
    stream->Read(&received, &queue);
    ok = queue.Await(context, call);
    if (!ok) break;
    status = grpc::SerializationTraits<Message>::Deserialize(&received, &response);
    if (!status.ok()) unreadable = Unreadable(method, status);
    wanted = status.ok() && take();
  }
  if (!wanted) call.TryCancel();
  stream->Finish(&status, &queue);
  queue.Await(context, call);
  RETURN_IF_ERROR(unreadable);
  return wanted ? FromGrpc(context, status) : absl::OkStatus();
}

absl::Status RpcClient::Send(const Context& context, const std::string& method, Message& request,
                             Message& response, const std::function<bool()>& next) const {
  RETURN_IF_ERROR(context.Check());
  OneCallQueue queue;
  grpc::ClientContext call;
  TakeDeadline(context, call);
  grpc::GenericStub stub(channel_);
  const auto stream = stub.PrepareCall(&call, "/" + method, &queue.queue());
  stream->StartCall(&queue);
  bool ok = queue.Await(context, call);
  grpc::Status status;
  while (ok && next()) {
    grpc::ByteBuffer sent;
    bool own = false;
    status = grpc::SerializationTraits<Message>::Serialize(request, &sent, &own);
    if (!status.ok()) break;
    stream->Write(sent, &queue);
    ok = queue.Await(context, call);
  }
  // What was left out must not look like the end of what is sent.
  if (!status.ok() || !context.Check().ok()) {
    call.TryCancel();
    ok = false;
  }
  const grpc::Status unsent = status;
  grpc::ByteBuffer received;
  if (ok) {
    stream->WritesDone(&queue);
    ok = queue.Await(context, call);
  }
  if (ok) {
    stream->Read(&received, &queue);
    ok = queue.Await(context, call);
  }
  stream->Finish(&status, &queue);
  queue.Await(context, call);
  if (!unsent.ok()) return FromGrpc(context, unsent);
  RETURN_IF_ERROR(FromGrpc(context, status));
  if (!ok) return Internal(method + " gave no answer");
  status = grpc::SerializationTraits<Message>::Deserialize(&received, &response);
  return status.ok() ? absl::OkStatus() : Unreadable(method, status);
}

}  // namespace bowerbird::machine
