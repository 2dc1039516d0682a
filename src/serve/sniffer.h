// SPDX-License-Identifier: Apache-2.0
//
// Looks at the first bytes of a connection without taking them. Internal to the port.
#pragma once

#include <functional>

#include "serve/connection.h"

namespace bowerbird::serve {

enum class FirstBytes { kTls, kHttp2, kOther };

// Calls `found` on the socket's strand once it is clear what the client speaks; a client that goes
// away, or says too little for `patience`, is closed without a word.
void Sniff(Socket socket, std::chrono::nanoseconds patience, ConnectionSet& connections,
           std::function<void(Socket, FirstBytes)> found);

}  // namespace bowerbird::serve
