// SPDX-License-Identifier: Apache-2.0
#include "serve/auth_rpc.h"

#include "base/status.h"
#include "proto/rpc/v1/auth.pb.h"

namespace bowerbird::serve {

AuthRpc::AuthRpc(Authenticator& authenticator, Admission& admission)
    : RpcService("proto.rpc.v1.AuthService", admission) {
  UnaryOptions open;
  open.needs_no_credentials = true;
  Unary<proto::rpc::v1::AuthenticateRequest, proto::rpc::v1::AuthenticateResponse>(
      "Authenticate",
      [&authenticator](Call& call, const auto& request, auto& response) -> absl::Status {
        if (!call.Metadata("authorization").empty()) {
          return InvalidArgument(
              "Authenticate takes no authorization header: it is the call that yields a token");
        }
        const auto& credentials = request.credentials();
        ASSIGN_OR_RETURN(*response.mutable_access_token(),
                         authenticator.Authenticate(request.entity(), credentials.type(),
                                                    credentials.payload()));
        return absl::OkStatus();
      },
      open);
}

}  // namespace bowerbird::serve
