// SPDX-License-Identifier: Apache-2.0
//
// The gate every call passes, whichever way it came: who calls (Authenticator), in which session,
// how many calls its resource already has, then a place in the list of operations and the counters:
//   bowerbird_rpc_total{method, code}    calls that ended
//   bowerbird_rpc_seconds{method}        how long they took
//   bowerbird_rpc_in_flight{method}      calls running now
// Calls that are refused are counted too. Methods that nobody serves count as "unknown", so that
// clients cannot make the metrics grow.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "serve/auth.h"
#include "serve/operations.h"
#include "serve/peer_table.h"
#include "serve/rpc.h"
#include "serve/sessions.h"

namespace bowerbird::serve {

// The metadata by which the gRPC-Web bridge tells whom it speaks for, and its value: the address,
// behind a secret of this process, since any client can send metadata of any name.
inline constexpr char kForwardedPeerHeader[] = "x-bowerbird-peer";
std::string ForwardedPeer(const std::string& address);

// The number of both enumerations is the same by contract.
grpc::Status ToGrpc(const absl::Status& status);

struct AdmissionOptions {
  std::chrono::nanoseconds default_deadline = std::chrono::minutes(10);
  int max_in_flight_per_resource = 100;
};

class CallGate : public Admission {
  struct MethodMetrics;
  struct Slot;

 public:
  // All of them outlive it; `peers` may be null.
  CallGate(Authenticator& authenticator, OperationRegistry& operations, Sessions& sessions,
           Metrics& metrics, const PeerTable* peers, AdmissionOptions options = {});
  ~CallGate() override;

  grpc::Status Run(grpc::ServerContext& context, const MethodInfo& method,
                   const std::string& resource,
                   const std::function<absl::Status(Call&)>& handler) override;

  // A call that was let in, until Finish or destruction.
  class Admitted {
   public:
    // Counts as CANCELLED if Finish was not called.
    ~Admitted();
    Admitted(const Admitted&) = delete;
    Admitted& operator=(const Admitted&) = delete;

    const OperationInfo& operation() const { return operation_->info(); }
    const Identity& identity() const { return identity_; }
    // An operator cancelled it.
    bool cancelled() const { return operation_->cancelled(); }
    std::chrono::steady_clock::time_point deadline() const { return deadline_; }

    // Ends the call, once; `code` is what the client is told.
    void Finish(absl::StatusCode code);

   private:
    friend class CallGate;
    Admitted() = default;

    MethodMetrics* metrics_ = nullptr;
    std::unique_ptr<Slot> slot_;  // null: the call takes no place
    std::unique_ptr<OperationRegistry::Operation> operation_;
    Identity identity_;
    std::chrono::steady_clock::time_point start_;
    std::chrono::steady_clock::time_point deadline_;
  };

  // For calls that RpcService does not serve. `method.full_name` must be one of a bounded set, or
  // counted_as must say what it is counted as. `cancel`: see OperationRegistry::Begin.
  struct Request {
    const MethodInfo& method;
    const std::string& resource;
    const grpc::ServerContextBase& context;
    std::function<void()> cancel;
    std::string counted_as;  // "" = the method's full name
  };
  absl::StatusOr<std::unique_ptr<Admitted>> Admit(Request request);

  // Counts a call that is answered without having been admitted.
  void CountRefused(const std::string& method, absl::StatusCode code);

 private:
  std::string PeerOf(const grpc::ServerContextBase& context) const;
  absl::Status CheckCaller(const Request& request, Admitted& admitted, OperationInfo& info) const;
  absl::StatusOr<std::unique_ptr<Slot>> TakeSlot(const MethodInfo& method,
                                                 const std::string& resource);
  void ReturnSlot(const std::string& key);
  MethodMetrics& MetricsOf(const std::string& method);

  Authenticator& authenticator_;
  OperationRegistry& operations_;
  Sessions& sessions_;
  Metrics& metrics_;
  const PeerTable* const peers_;
  const AdmissionOptions options_;

  Mutex metrics_mutex_;
  std::unordered_map<std::string, std::unique_ptr<MethodMetrics>> methods_
      ABSL_GUARDED_BY(metrics_mutex_);
  Mutex slots_mutex_;
  // Calls running, by "service/resource". Resources without calls have no entry.
  std::unordered_map<std::string, int> in_flight_ ABSL_GUARDED_BY(slots_mutex_);
};

// "" if absent. Keys in lower case.
std::string MetadataOf(const grpc::ServerContextBase& context, const std::string& key);

}  // namespace bowerbird::serve
