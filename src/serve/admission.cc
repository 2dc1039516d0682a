// SPDX-License-Identifier: Apache-2.0
#include "serve/admission.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/status.h"
#include "serve/crypto.h"

namespace bowerbird::serve {
namespace {

constexpr char kSessionHeader[] = "viam-sid";
constexpr char kOperationHeader[] = "opid";
constexpr int kCodeCount = 17;  // of gRPC: OK to UNAUTHENTICATED

constexpr std::array<const char*, kCodeCount> kCodeNames = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

size_t CodeIndex(absl::StatusCode code) {
  const int number = static_cast<int>(code);
  const int unknown = static_cast<int>(absl::StatusCode::kUnknown);
  return static_cast<size_t>(number >= 0 && number < kCodeCount ? number : unknown);
}

const std::string& ForwardingSecret() {
  static const std::string secret = HexEncode(RandomBytes(16)) + " ";
  return secret;
}

// A session is named by calls that act in it, not by those that start or keep it.
bool MayNameSession(const MethodInfo& method) {
  return method.name != "StartSession" && method.name != "SendSessionHeartbeat" &&
         !method.needs_no_credentials;
}

std::chrono::steady_clock::time_point DeadlineOf(const grpc::ServerContextBase& context,
                                                 std::chrono::nanoseconds at_most) {
  const auto now = std::chrono::steady_clock::now();
  const auto wanted = context.deadline();
  if (wanted == std::chrono::system_clock::time_point::max()) return now + at_most;
  // Deadlines years away are common ("no limit" of some clients); they must not overflow.
  const auto left = std::min<std::chrono::system_clock::duration>(
      wanted - std::chrono::system_clock::now(), std::chrono::hours(24 * 365));
  return now + left;
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  // HTTP/2 has no header values with a blank at the end: clients drop all of the message then.
  std::string message = MessageOf(status);
  message.erase(message.find_last_not_of(' ') + 1);
  return grpc::Status(static_cast<grpc::StatusCode>(CodeIndex(status.code())), message);
}

std::string ForwardedPeer(const std::string& address) { return ForwardingSecret() + address; }

std::string MetadataOf(const grpc::ServerContextBase& context, const std::string& key) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(key);
  return found == metadata.end() ? std::string()
                                 : std::string(found->second.data(), found->second.size());
}

struct CallGate::MethodMetrics {
  std::array<std::atomic<Metrics::Counter*>, kCodeCount> codes{};
  Metrics::Histogram* seconds = nullptr;
  Metrics::Gauge* in_flight = nullptr;
  std::string method;
  Metrics* registry = nullptr;

  void Count(absl::StatusCode code) {
    const size_t index = CodeIndex(code);
    Metrics::Counter* counter = codes[index].load(std::memory_order_acquire);
    if (counter == nullptr) {
      // Two threads may both get here: they get the same counter.
      counter = &registry->GetCounter("bowerbird_rpc_total", "Calls that ended.",
                                      {{"method", method}, {"code", kCodeNames[index]}});
      codes[index].store(counter, std::memory_order_release);
    }
    counter->Add();
  }
};

struct CallGate::Slot {
  Slot(CallGate& owner, std::string place) : gate(owner), key(std::move(place)) {}
  ~Slot() { gate.ReturnSlot(key); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  CallGate& gate;
  const std::string key;
};

CallGate::CallGate(Authenticator& authenticator, OperationRegistry& operations, Sessions& sessions,
                   Metrics& metrics, const PeerTable* peers, AdmissionOptions options)
    : authenticator_(authenticator),
      operations_(operations),
      sessions_(sessions),
      metrics_(metrics),
      peers_(peers),
      options_(options) {}

CallGate::~CallGate() = default;

CallGate::MethodMetrics& CallGate::MetricsOf(const std::string& method) {
  MutexLock lock(metrics_mutex_);
  auto& entry = methods_[method];
  if (!entry) {
    entry = std::make_unique<MethodMetrics>();
    entry->method = method;
    entry->registry = &metrics_;
    entry->seconds =
        &metrics_.GetHistogram("bowerbird_rpc_seconds", "Duration of calls.", {{"method", method}});
    entry->in_flight =
        &metrics_.GetGauge("bowerbird_rpc_in_flight", "Calls running now.", {{"method", method}});
  }
  return *entry;
}

void CallGate::CountRefused(const std::string& method, absl::StatusCode code) {
  MetricsOf(method).Count(code);
}

absl::StatusOr<std::unique_ptr<CallGate::Slot>> CallGate::TakeSlot(const MethodInfo& method,
                                                                   const std::string& resource) {
  if (resource.empty() || method.unlimited) return std::unique_ptr<Slot>();
  std::string key = method.service + "/" + resource;
  {
    MutexLock lock(slots_mutex_);
    int& running = in_flight_[key];
    if (running >= options_.max_in_flight_per_resource) {
      return ResourceExhausted("resource \"" + resource + "\" has " + std::to_string(running) +
                               " calls running, which is the limit: wait for some to end");
    }
    ++running;
  }
  return std::make_unique<Slot>(*this, std::move(key));
}

void CallGate::ReturnSlot(const std::string& key) {
  MutexLock lock(slots_mutex_);
  const auto found = in_flight_.find(key);
  if (found != in_flight_.end() && --found->second == 0) in_flight_.erase(found);
}

std::string CallGate::PeerOf(const grpc::ServerContextBase& context) const {
  const std::string forwarded = MetadataOf(context, kForwardedPeerHeader);
  const std::string& secret = ForwardingSecret();
  if (forwarded.size() >= secret.size() &&
      ConstantTimeEquals(std::string_view(forwarded).substr(0, secret.size()), secret))
    return forwarded.substr(secret.size());
  return peers_ == nullptr ? context.peer() : peers_->Describe(context.peer());
}

namespace {

// gRPC itself listens at the parent socket only; every other connection is handed to it, and is
// "fd:" or "inproc" to it.
bool IsModule(const grpc::ServerContextBase& context) {
  return context.peer().starts_with("unix:");
}

}  // namespace

absl::Status CallGate::CheckCaller(const Request& request, Admitted& admitted,
                                   OperationInfo& info) const {
  if (!request.method.needs_no_credentials && !IsModule(request.context)) {
    ASSIGN_OR_RETURN(admitted.identity_,
                     authenticator_.Check(MetadataOf(request.context, "authorization")));
  }
  info.session_id = MetadataOf(request.context, kSessionHeader);
  if (!info.session_id.empty() && MayNameSession(request.method))
    return sessions_.Check(info.session_id, admitted.identity_.key_id);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<CallGate::Admitted>> CallGate::Admit(Request request) {
  MethodMetrics& metrics =
      MetricsOf(request.counted_as.empty() ? request.method.full_name : request.counted_as);
  std::unique_ptr<Admitted> admitted(new Admitted);
  OperationInfo info;
  info.method = request.method.full_name;
  if (absl::Status status = CheckCaller(request, *admitted, info); !status.ok()) {
    metrics.Count(status.code());
    return status;
  }
  auto slot = TakeSlot(request.method, request.resource);
  if (!slot.ok()) {
    metrics.Count(slot.status().code());
    return slot.status();
  }
  info.peer = PeerOf(request.context);
  admitted->slot_ = *std::move(slot);
  admitted->start_ = std::chrono::steady_clock::now();
  admitted->deadline_ = DeadlineOf(request.context, options_.default_deadline);
  admitted->operation_ = operations_.Begin(std::move(info), std::move(request.cancel));
  admitted->metrics_ = &metrics;
  metrics.in_flight->Add(1);
  return admitted;
}

CallGate::Admitted::~Admitted() { Finish(absl::StatusCode::kCancelled); }

void CallGate::Admitted::Finish(absl::StatusCode code) {
  if (metrics_ == nullptr) return;
  operation_->End();
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start_;
  metrics_->seconds->Observe(time.count());
  metrics_->in_flight->Add(-1);
  metrics_->Count(code);
  metrics_ = nullptr;
  slot_.reset();
}

namespace {

// The call of a synchronous handler.
class SyncCall : public Call {
 public:
  SyncCall(grpc::ServerContext& server_context, const CallGate::Admitted& admitted)
      : server_context_(server_context), admitted_(admitted) {
    context_.deadline = admitted.deadline();
    context_.cancelled = [this] { return Cancelled(); };
    context_.phases = &phases_;
  }

  Context& context() override { return context_; }
  const std::string& operation_id() const override { return admitted_.operation().id; }
  const std::string& owner() const override { return admitted_.identity().key_id; }
  const std::string& peer() const override { return admitted_.operation().peer; }
  std::string Metadata(const std::string& key) const override {
    return MetadataOf(server_context_, key);
  }
  std::string Authority() const override {
    const grpc::string_ref authority = server_context_.ExperimentalGetAuthority();
    return std::string(authority.data(), authority.size());
  }
  void AddHeader(const std::string& key, const std::string& value) override {
    server_context_.AddInitialMetadata(key, value);
  }

 private:
  bool Cancelled() {
    if (gone_.load(std::memory_order_relaxed) || admitted_.cancelled()) return true;
    // gRPC answers by plucking from the call's queue, which only few threads may do at once; who
    // comes while another asks gets the last answer.
    if (asking_.exchange(true, std::memory_order_acquire)) return false;
    const bool gone = server_context_.IsCancelled();
    asking_.store(false, std::memory_order_release);
    if (gone) gone_.store(true, std::memory_order_relaxed);
    return gone;
  }

  grpc::ServerContext& server_context_;
  const CallGate::Admitted& admitted_;
  PhaseTimes phases_;
  Context context_;
  std::atomic<bool> gone_{false};
  std::atomic<bool> asking_{false};
};

}  // namespace

grpc::Status CallGate::Run(grpc::ServerContext& context, const MethodInfo& method,
                           const std::string& resource,
                           const std::function<absl::Status(Call&)>& handler) {
  auto admitted =
      Admit({method, resource, context, [&context] { context.TryCancel(); }, /*counted_as=*/""});
  if (!admitted.ok()) return ToGrpc(admitted.status());
  context.AddInitialMetadata(kOperationHeader, (*admitted)->operation().id);
  SyncCall call(context, **admitted);
  absl::Status status = handler(call);
  if (!status.ok() && (*admitted)->cancelled())
    status = absl::CancelledError("the operation was cancelled");
  (*admitted)->Finish(status.code());
  return ToGrpc(status);
}

}  // namespace bowerbird::serve
