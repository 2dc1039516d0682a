// SPDX-License-Identifier: Apache-2.0
//
// proto.rpc.v1.AuthService: an API key in, an access token out. The one call that needs no
// credentials.
#pragma once

#include "serve/auth.h"
#include "serve/rpc.h"

namespace bowerbird::serve {

class AuthRpc : public RpcService {
 public:
  // Both outlive it.
  AuthRpc(Authenticator& authenticator, Admission& admission);
};

}  // namespace bowerbird::serve
