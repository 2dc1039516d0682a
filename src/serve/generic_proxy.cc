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

std::string Text(grpc::string_ref text) { return std::string(text.data(), text.size()); }

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

// The side of the call that talks to the resource.
class Upstream final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  Upstream(Relay& relay, const std::shared_ptr<grpc::Channel>& channel)
      : relay_(relay), stub_(channel) {}

  grpc::ClientContext& context() { return context_; }
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
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::ByteBuffer incoming_;
  grpc::ByteBuffer outgoing_;
  // Until the hold is given up. Operations started from outside of the reactions need both.
  Mutex mutex_;
  bool open_ ABSL_GUARDED_BY(mutex_) = true;
};

// The side that talks to the client; owns the call, and ends with it.
//
// Each direction has one message under way: the next is read when the last has been written. The
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
    if (!ok) upstream_->context().TryCancel();
    upstream_->ReadNext();
  }
  void OnCancel() override {
    MutexLock lock(mutex_);
    cancelled_ = true;
    if (upstream_started_) upstream_->context().TryCancel();
  }
  void OnDone() override {
    admitted_.reset();
    delete this;
  }

  // From the upstream.
  void UpstreamHeaders() {
    for (const auto& [key, value] : upstream_->context().GetServerInitialMetadata()) {
      if (IsForwarded({key.data(), key.size()}) && Text(key) != kOperationHeader)
        context_.AddInitialMetadata(Text(key), Text(value));
    }
    StartSendInitialMetadata();
  }
  void UpstreamMessage(grpc::ByteBuffer* message) { StartWrite(message); }
  void UpstreamTook() { StartRead(&incoming_); }
  void UpstreamDone(const grpc::Status& status) {
    for (const auto& [key, value] : upstream_->context().GetServerTrailingMetadata()) {
      if (IsForwarded({key.data(), key.size()}))
        context_.AddTrailingMetadata(Text(key), Text(value));
    }
    End(status);
  }

 private:
  void End(const grpc::Status& status) {
    if (admitted_ != nullptr) {
      admitted_->Finish(admitted_->cancelled()
                            ? absl::StatusCode::kCancelled
                            : static_cast<absl::StatusCode>(status.error_code()));
    }
    Finish(status);
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
    auto target = router_.Route(method_.service, name_);
    if (!target.ok()) return End(ToGrpc(target.status()));
    remote_name_ = target->name;
    Connect(target->channel, has_message);
  }

  void Connect(const std::shared_ptr<grpc::Channel>& channel, bool has_message) {
    upstream_ = std::make_unique<Upstream>(*this, channel);
    grpc::ClientContext& upstream = upstream_->context();
    for (const auto& [key, value] : context_.client_metadata()) {
      if (IsForwarded({key.data(), key.size()})) upstream.AddMetadata(Text(key), Text(value));
    }
    if (context_.deadline() != std::chrono::system_clock::time_point::max())
      upstream.set_deadline(context_.deadline());
    upstream_->Start(method_.full_name,
                     has_message ? std::optional(Renamed()) : std::optional<grpc::ByteBuffer>());
    MutexLock lock(mutex_);
    upstream_started_ = true;
    if (cancelled_) upstream.TryCancel();
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
  grpc::ByteBuffer incoming_;
  std::string name_;
  std::string remote_name_;
  std::unique_ptr<CallGate::Admitted> admitted_;
  std::unique_ptr<Upstream> upstream_;
  Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool upstream_started_ ABSL_GUARDED_BY(mutex_) = false;
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
