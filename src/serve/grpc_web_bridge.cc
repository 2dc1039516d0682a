// SPDX-License-Identifier: Apache-2.0
#include "serve/grpc_web_bridge.h"

#include <pthread.h>

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

// What a completion means: the queue's tags point to these.
class Completion {
 public:
  virtual ~Completion() = default;
  virtual void Done(bool ok) = 0;
};

// Reading and writing go on side by side, each one operation at a time; when both have ended the
// status is fetched. Reading stands still between OnMessage and Resume, so at most one message
// waits for a slow client. Everything but Resume and Cancel runs on the bridge's thread.
class BridgedCall final : public GrpcWebCall {
 public:
  BridgedCall(GrpcWebCallOptions options, std::shared_ptr<GrpcWebSink> sink)
      : options_(std::move(options)), sink_(std::move(sink)) {}

  void Begin(grpc::GenericStub& stub, grpc::CompletionQueue& queue,
             std::shared_ptr<BridgedCall> self) {
    self_ = std::move(self);
    for (const auto& [name, value] : options_.metadata) context_.AddMetadata(name, value);
    context_.AddMetadata(kForwardedPeerHeader, ForwardedPeer(options_.peer));
    if (options_.timeout) {
      context_.set_deadline(
          std::chrono::system_clock::now() +
          std::chrono::duration_cast<std::chrono::system_clock::duration>(*options_.timeout));
    }
    stream_ = stub.PrepareCall(&context_, options_.method, &queue);
    stream_->StartCall(&started_);
  }

  void Resume() override { stream_->Read(&incoming_, &read_); }
  void Cancel() override { context_.TryCancel(); }

 private:
  class Step final : public Completion {
   public:
    Step(BridgedCall& call, void (BridgedCall::*next)(bool)) : call_(call), next_(next) {}
    void Done(bool ok) override { (call_.*next_)(ok); }

   private:
    BridgedCall& call_;
    void (BridgedCall::*const next_)(bool);
  };

  void OnStarted(bool) {
    // Of a call that failed at once, too, the rest is told by the operations.
    stream_->ReadInitialMetadata(&headers_);
    Write();
  }

  void Write() {
    if (options_.messages.empty()) return stream_->WritesDone(&wrote_);
    grpc::ByteBuffer& message = options_.messages[written_++];
    if (written_ == options_.messages.size()) {
      stream_->WriteLast(message, grpc::WriteOptions(), &wrote_);
    } else {
      stream_->Write(message, &wrote_);
    }
  }

  void OnWrote(bool ok) {
    if (ok && written_ < options_.messages.size()) return Write();
    writing_ = false;
    FetchStatus();
  }

  void OnHeaders(bool ok) {
    if (ok) sink_->OnHeaders(ToHeaders(context_.GetServerInitialMetadata()));
    stream_->Read(&incoming_, &read_);
  }

  void OnRead(bool ok) {
    if (!ok) {
      reading_ = false;
      return FetchStatus();
    }
    grpc::ByteBuffer message;
    message.Swap(&incoming_);
    sink_->OnMessage(message);
  }

  void FetchStatus() {
    if (!reading_ && !writing_) stream_->Finish(&status_, &finished_);
  }

  void OnFinished(bool) {
    const std::shared_ptr<BridgedCall> self = std::move(self_);
    sink_->OnEnd(status_, ToHeaders(context_.GetServerTrailingMetadata()));
    sink_.reset();
  }

  GrpcWebCallOptions options_;
  std::shared_ptr<GrpcWebSink> sink_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  grpc::ByteBuffer incoming_;
  grpc::Status status_;
  size_t written_ = 0;
  bool reading_ = true;
  bool writing_ = true;
  Step started_{*this, &BridgedCall::OnStarted};
  Step headers_{*this, &BridgedCall::OnHeaders};
  Step wrote_{*this, &BridgedCall::OnWrote};
  Step read_{*this, &BridgedCall::OnRead};
  Step finished_{*this, &BridgedCall::OnFinished};
  std::shared_ptr<BridgedCall> self_;  // the pending operations' share in this object
};

}  // namespace

GrpcWebBridge::GrpcWebBridge(const std::shared_ptr<grpc::Channel>& channel)
    : stub_(channel), thread_([this] { Run(); }) {
  pthread_setname_np(thread_.native_handle(), "grpc-web");
}

GrpcWebBridge::~GrpcWebBridge() {
  queue_.Shutdown();
  thread_.join();
}

void GrpcWebBridge::Run() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) static_cast<Completion*>(tag)->Done(ok);
}

std::shared_ptr<GrpcWebCall> GrpcWebBridge::Start(GrpcWebCallOptions options,
                                                  std::shared_ptr<GrpcWebSink> sink) {
  auto call = std::make_shared<BridgedCall>(std::move(options), std::move(sink));
  call->Begin(stub_, queue_, call);
  return call;
}

}  // namespace bowerbird::serve
