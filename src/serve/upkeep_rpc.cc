// SPDX-License-Identifier: Apache-2.0
#include "serve/upkeep_rpc.h"

#include "bowerbird/v1/dataset.pb.h"
#include "wire/hub/filter.h"
#include "wire/hub/snapshot.h"

namespace bowerbird::serve {

UpkeepRpc::UpkeepRpc(Admission& admission, Hub hub)
    : HubRpc("bowerbird.v1.UpkeepService", admission, std::move(hub)) {
  ServerStream<v1::VerifyDataRequest, v1::VerifyDataResponse>(
      "VerifyData", [this](Call& call, const auto& request, const auto& send) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, Enter(call, Permission::kRead));
        return catalog().upkeep().Verify(
            caller, request.quick(), [&](const data::VerifyProgress& progress) -> absl::Status {
              RETURN_IF_ERROR(call.context().Check());
              v1::VerifyDataResponse response;
              wire::WriteProgress(progress, response);
              if (send(response)) return absl::OkStatus();
              return absl::CancelledError("the client takes no more reports");
            });
      });
  Unary<v1::ApplyRetentionRequest, v1::ApplyRetentionResponse>(
      "ApplyRetention", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        data::RetentionPolicy policy;
        if (request.has_days()) policy.days = request.days();
        if (request.has_binary_limit_bytes())
          policy.binary_limit_bytes = request.binary_limit_bytes();
        if (!policy.days.has_value() && !policy.binary_limit_bytes.has_value())
          return InvalidArgument("the policy has no limit: give days, binary_limit_bytes or both");
        ASSIGN_OR_RETURN(policy.filter, wire::ReadFilter(request.filter()));
        ASSIGN_OR_RETURN(const auto caller,
                         EnterForFilter(call, Permission::kWrite, policy.filter));
        ASSIGN_OR_RETURN(const data::RetentionResult result,
                         catalog().upkeep().ApplyRetention(caller, policy, request.dry_run()));
        response.set_items(result.items);
        response.set_bytes(result.bytes);
        response.set_pinned_items(result.pinned_items);
        return absl::OkStatus();
      });
}

}  // namespace bowerbird::serve
