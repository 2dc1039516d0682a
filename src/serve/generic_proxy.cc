// SPDX-License-Identifier: Apache-2.0
#include "serve/generic_proxy.h"

#include <optional>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "grpcpp/generic/generic_stub.h"
#include "serve/request_name.h"

namespace bowerbird::serve {
namespace {

constexpr char kOperationHeader[] = "opid";
constexpr char kUnknownMethod[] = "unknown";

MethodInfo ParseMethod(const std::string& full_name) {
  MethodInfo method;
  method.full_name = full_name;
  const size_t slash = full_name.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    method.service = full_name.substr(1, slash - 1);
    method.name = full_name.substr(slash + 1);
  }
  return method;
}

// What belongs to one hop only, and what gRPC sets itself.
bool IsForwarded(std::string_view key) {
  return key.substr(0, 5) != "grpc-" && key.substr(0, 1) != ":" && key != "authorization" &&
         key != "user-agent" && key != "content-type" && key != "te" && key != "host" &&
         key != kForwardedPeerHeader;
}

std::string Text(const grpc::string_ref& text) { return std::string(text.data(), text.size()); }

absl::Status UnknownService(const MethodInfo& method) {
  return Unimplemented("unknown method " + method.name + " of service " + method.service +
                       ": neither this program nor any of its modules and remotes serves it");
}

// A call that ends as it begins.
class Refusal final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Refusal(const absl::Status& status) { Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }
};

class Relay;

// The side of a call that talks to the resource, message by message.
class Upstream final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // `context` is the relay's.
  Upstream(Relay& relay, grpc::ClientContext& context,
           const std::shared_ptr<grpc::Channel>& channel)
      : relay_(relay), context_(context), stub_(channel) {}

  void Start(const std::string& method, const std::optional<grpc::ByteBuffer>& first);
  // From the relay's reactions; without effect once the resource has answered for good.
  void Send(grpc::ByteBuffer message);
  void SendNoMore();
  // The last message has gone to the client.
  void ReadNext() { StartRead(&incoming_); }

  void OnReadInitialMetadataDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  Relay& relay_;
  grpc::ClientContext& context_;
  grpc::GenericStub stub_;
  grpc::ByteBuffer incoming_;
  grpc::ByteBuffer outgoing_;
  // Until the hold is given up. Operations started from outside of the reactions need both.
  Mutex mutex_;
  bool open_ ABSL_GUARDED_BY(mutex_) = true;
};

// The side that talks to the client; owns the call, and ends with it.
//
// A call that is known to be unary goes there in one operation and comes back in another: each
// separate one costs the sender a write to the socket and every receiver a wake-up. Of all others
// each direction has one message under way: the next is read when the last has been written. The
// upstream's hold on itself is given up when there is nothing more to read from it, so its end
// comes after its last message has been written to the client.
class Relay final : public grpc::ServerGenericBidiReactor {
 public:
  Relay(CallGate& gate, const ForeignRouter& router, grpc::GenericCallbackServerContext& context,
        MethodInfo method)
      : gate_(gate), router_(router), context_(context), method_(std::move(method)) {
    StartRead(&incoming_);
  }

  void OnReadDone(bool ok) override {
    if (upstream_ == nullptr) return Begin(ok);
    if (!ok) return upstream_->SendNoMore();
    upstream_->Send(Renamed());
  }
  void OnWriteDone(bool ok) override {
    if (!ok) there_.TryCancel();
    upstream_->ReadNext();
  }
  void OnCancel() override {
    MutexLock lock(mutex_);
    cancelled_ = true;
    if (started_) there_.TryCancel();
  }
  void OnDone() override {
    admitted_.reset();
    delete this;
  }

  // From the upstream.
  void UpstreamHeaders() {
    TakeHeaders();
    StartSendInitialMetadata();
  }
  void UpstreamMessage(grpc::ByteBuffer* message) { StartWrite(message); }
  void UpstreamTook() { StartRead(&incoming_); }
  void UpstreamDone(const grpc::Status& status) {
    TakeTrailers();
    End(status);
  }

 private:
  void TakeHeaders() {
    for (const auto& [key, value] : there_.GetServerInitialMetadata()) {
      if (IsForwarded({key.data(), key.size()}) && Text(key) != kOperationHeader)
        context_.AddInitialMetadata(Text(key), Text(value));
    }
  }
  void TakeTrailers() {
    for (const auto& [key, value] : there_.GetServerTrailingMetadata()) {
      if (IsForwarded({key.data(), key.size()}))
        context_.AddTrailingMetadata(Text(key), Text(value));
    }
  }

  void Count(const grpc::Status& status) {
    if (admitted_ == nullptr) return;
    admitted_->Finish(admitted_->cancelled() ? absl::StatusCode::kCancelled
                                             : static_cast<absl::StatusCode>(status.error_code()));
  }
  void End(const grpc::Status& status) {
    Count(status);
    // ToGrpc's rule for messages, for those of modules that do not keep it.
    std::string message = status.error_message();
    message.erase(message.find_last_not_of(' ') + 1);
    Finish(grpc::Status(status.error_code(), message, status.error_details()));
  }

  // The first message names the resource.
  void Begin(bool has_message) {
    const auto name = has_message ? RequestName(incoming_) : std::string();
    name_ = name.value_or("");
    auto admitted = gate_.Admit(
        {method_, name_, context_, [this] { context_.TryCancel(); }, "/" + method_.service + "/*"});
    if (!admitted.ok()) return Finish(ToGrpc(admitted.status()));
    admitted_ = *std::move(admitted);
    context_.AddInitialMetadata(kOperationHeader, admitted_->operation().id);
    if (!name) return End(ToGrpc(InvalidArgument("the request is no protobuf message")));
    auto target = router_.Route(method_.service, method_.name, name_);
    if (!target.ok()) return End(ToGrpc(target.status()));
    remote_name_ = target->name;
    PrepareContext();
    if (target->unary && has_message) return Ask(target->channel);
    upstream_ = std::make_unique<Upstream>(*this, there_, target->channel);
    upstream_->Start(method_.full_name,
                     has_message ? std::optional(Renamed()) : std::optional<grpc::ByteBuffer>());
    Started();
  }

  void PrepareContext() {
    for (const auto& [key, value] : context_.client_metadata()) {
      if (IsForwarded({key.data(), key.size()})) there_.AddMetadata(Text(key), Text(value));
    }
    if (context_.deadline() != std::chrono::system_clock::time_point::max())
      there_.set_deadline(context_.deadline());
  }

  void Started() {
    const MutexLock lock(mutex_);
    started_ = true;
    if (cancelled_) there_.TryCancel();
  }

  // The one message of a unary call, and nothing after it.
  void Ask(const std::shared_ptr<grpc::Channel>& channel) {
    outgoing_ = Renamed();
    grpc::GenericStub stub(channel);
    stub.UnaryCall(&there_, method_.full_name, {}, &outgoing_, &incoming_,
                   [this](const grpc::Status& status) { Answered(status); });
    // The answer may be here already, but this call ends with OnDone, after this reaction.
    Started();
  }
  void Answered(const grpc::Status& status) {
    TakeHeaders();
    TakeTrailers();
    if (!status.ok() || !incoming_.Valid()) return End(status);
    Count(status);
    StartWriteAndFinish(&incoming_, {}, status);
  }

  // The message just read, with the name that the resource has over there.
  grpc::ByteBuffer Renamed() {
    grpc::ByteBuffer message;
    message.Swap(&incoming_);
    if (remote_name_ == name_ || RequestName(message) != name_) return message;
    return WithRequestName(message, remote_name_).value_or(message);
  }

  CallGate& gate_;
  const ForeignRouter& router_;
  grpc::GenericCallbackServerContext& context_;
  const MethodInfo method_;
  grpc::ByteBuffer incoming_, outgoing_;
  std::string name_;
  std::string remote_name_;
  std::unique_ptr<CallGate::Admitted> admitted_;
  grpc::ClientContext there_;  // of the call to the resource
  std::unique_ptr<Upstream> upstream_;
  Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
};

void Upstream::Start(const std::string& method, const std::optional<grpc::ByteBuffer>& first) {
  stub_.PrepareBidiStreamingCall(&context_, method, {}, this);
  AddHold();
  if (first) {
    outgoing_ = *first;
    StartWrite(&outgoing_);
  } else {
    StartWritesDone();
  }
  StartCall();
}

void Upstream::Send(grpc::ByteBuffer message) {
  MutexLock lock(mutex_);
  if (!open_) return;
  outgoing_.Swap(&message);
  StartWrite(&outgoing_);
}

void Upstream::SendNoMore() {
  MutexLock lock(mutex_);
  if (open_) StartWritesDone();
}

void Upstream::OnReadInitialMetadataDone(bool ok) {
  if (ok) relay_.UpstreamHeaders();
  StartRead(&incoming_);
}

void Upstream::OnReadDone(bool ok) {
  if (ok) return relay_.UpstreamMessage(&incoming_);
  {
    MutexLock lock(mutex_);
    open_ = false;
  }
  RemoveHold();
}

void Upstream::OnWriteDone(bool ok) {
  if (ok) relay_.UpstreamTook();
}

void Upstream::OnDone(const grpc::Status& status) { relay_.UpstreamDone(status); }

}  // namespace

grpc::ServerGenericBidiReactor* GenericProxy::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  MethodInfo method = ParseMethod(context->method());
  if (router_ != nullptr && router_->Knows(method.service))
    return new Relay(gate_, *router_, *context, std::move(method));
  const auto admitted = gate_.Admit({method, /*resource=*/"", *context, nullptr, kUnknownMethod});
  if (!admitted.ok()) return new Refusal(admitted.status());
  const absl::Status status = UnknownService(method);
  (*admitted)->Finish(status.code());
  return new Refusal(status);
}

}  // namespace bowerbird::serve
