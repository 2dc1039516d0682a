// SPDX-License-Identifier: Apache-2.0
#include "serve/grpc_web_call.h"

#include <utility>

#include "serve/admission.h"

namespace bowerbird::serve {
namespace {

Headers ToHeaders(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
  Headers headers;
  for (const auto& [name, value] : metadata) {
    headers.emplace_back(std::string(name.data(), name.size()),
                         std::string(value.data(), value.size()));
  }
  return headers;
}

// Reading is held up between OnMessage and Resume: at most one message waits for a slow client.
class CallReactor final : public GrpcWebCall,
                          public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  CallReactor(const std::shared_ptr<grpc::Channel>& channel, GrpcWebCallOptions options,
              std::shared_ptr<GrpcWebSink> sink)
      : stub_(channel), options_(std::move(options)), sink_(std::move(sink)) {}

  void Begin(std::shared_ptr<CallReactor> self) {
    self_ = std::move(self);
    for (const auto& [name, value] : options_.metadata) context_.AddMetadata(name, value);
    context_.AddMetadata(kForwardedPeerHeader, options_.peer);
    if (options_.timeout) {
      context_.set_deadline(
          std::chrono::system_clock::now() +
          std::chrono::duration_cast<std::chrono::system_clock::duration>(*options_.timeout));
    }
    stub_.PrepareBidiStreamingCall(&context_, options_.method, {}, this);
    // Held until the last read: Resume starts reads from outside of the reactions.
    AddHold();
    WriteNext();
    StartCall();
  }

  void Resume() override { StartRead(&incoming_); }

  void Cancel() override { context_.TryCancel(); }

  void OnReadInitialMetadataDone(bool ok) override {
    if (ok) sink_->OnHeaders(ToHeaders(context_.GetServerInitialMetadata()));
    // Not before: reactions of two operations may run at the same time.
    StartRead(&incoming_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return RemoveHold();
    grpc::ByteBuffer message;
    message.Swap(&incoming_);
    sink_->OnMessage(std::move(message));
  }

  void OnWriteDone(bool ok) override {
    if (ok) WriteNext();
  }

  void OnDone(const grpc::Status& status) override {
    const std::shared_ptr<CallReactor> self = std::move(self_);
    sink_->OnEnd(status, ToHeaders(context_.GetServerTrailingMetadata()));
    sink_.reset();
  }

 private:
  void WriteNext() {
    const size_t left = options_.messages.size() - written_;
    if (left == 0) {
      if (written_ == 0) StartWritesDone();
      return;
    }
    grpc::ByteBuffer& message = options_.messages[written_++];
    if (left == 1) {
      StartWriteLast(&message, grpc::WriteOptions());
    } else {
      StartWrite(&message);
    }
  }

  grpc::GenericStub stub_;
  GrpcWebCallOptions options_;
  std::shared_ptr<GrpcWebSink> sink_;
  grpc::ClientContext context_;
  grpc::ByteBuffer incoming_;
  size_t written_ = 0;
  std::shared_ptr<CallReactor> self_;  // gRPC's own share in this object, until OnDone
};

}  // namespace

std::shared_ptr<GrpcWebCall> GrpcWebCall::Start(const std::shared_ptr<grpc::Channel>& channel,
                                                GrpcWebCallOptions options,
                                                std::shared_ptr<GrpcWebSink> sink) {
  auto call = std::make_shared<CallReactor>(channel, std::move(options), std::move(sink));
  call->Begin(call);
  return call;
}

}  // namespace bowerbird::serve
