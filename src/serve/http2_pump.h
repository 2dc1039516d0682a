// SPDX-License-Identifier: Apache-2.0
//
// Carries the bytes of an HTTP/2 connection between the TLS stream of a client and the socketpair
// whose other end gRPC has. Internal to the port.
#pragma once

#include <memory>
#include <string_view>

#include "serve/byte_stream.h"

namespace bowerbird::serve {

// Takes both over; ends when either side does. A client that goes silent is noticed by gRPC's
// keepalive, which closes its end. `received`: what the client has sent already.
void PumpHttp2(std::unique_ptr<ByteStream> client, std::unique_ptr<ByteStream> local,
               std::string_view received, ConnectionSet& connections);

}  // namespace bowerbird::serve
