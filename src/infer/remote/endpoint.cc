// SPDX-License-Identifier: Apache-2.0
#include "infer/remote/endpoint.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "base/status.h"
#include "infer/remote/datatype.h"

namespace bowerbird::infer::remote {
namespace {

struct Scheme {
  std::string_view name;
  Protocol protocol;
  bool tls;
};

constexpr std::array<Scheme, 4> kSchemes = {{{"grpc", Protocol::kGrpc, false},
                                             {"grpcs", Protocol::kGrpc, true},
                                             {"http", Protocol::kHttp, false},
                                             {"https", Protocol::kHttp, true}}};

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

absl::Status BadUrl(const std::string& url, std::string_view problem) {
  return InvalidArgument("URL \"" + Shown(url) + "\" " + std::string(problem) +
                         ": write grpc://host:8001, http://host:8000, or grpcs and https");
}

// Where the port's digits start in "host:port", "[::1]:port"; npos without a port.
size_t PortStart(std::string_view authority) {
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket))
    return std::string_view::npos;
  return colon + 1;
}

bool IsPort(std::string_view digits) {
  int port = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return result.ec == std::errc() && result.ptr == digits.data() + digits.size() && port > 0 &&
         port < 65536;
}

// KServe's servers have no common ports; those of Triton are the ones people know.
std::string DefaultPort(const Endpoint& endpoint) {
  if (endpoint.protocol == Protocol::kGrpc) return ":8001";
  return endpoint.tls ? ":443" : ":80";
}

absl::Status TakeScheme(const std::string& url, std::string_view& rest, Endpoint& endpoint) {
  const size_t end = rest.find("://");
  if (end == std::string_view::npos) return absl::OkStatus();
  for (const Scheme& scheme : kSchemes) {
    if (scheme.name != rest.substr(0, end)) continue;
    endpoint.protocol = scheme.protocol;
    endpoint.tls = scheme.tls;
    rest.remove_prefix(end + 3);
    return absl::OkStatus();
  }
  return BadUrl(url, "has a scheme that is not known");
}

}  // namespace

absl::StatusOr<Endpoint> Endpoint::Parse(const std::string& url, const std::string& protocol) {
  Endpoint endpoint;
  std::string_view rest = url;
  if (!IsPrintable(url)) return BadUrl(url, "has blanks or control characters");
  RETURN_IF_ERROR(TakeScheme(url, rest, endpoint));
  if (protocol == "grpc") endpoint.protocol = Protocol::kGrpc;
  if (protocol == "http") endpoint.protocol = Protocol::kHttp;
  if (!protocol.empty() && protocol != "grpc" && protocol != "http")
    return InvalidArgument("protocol \"" + Shown(protocol) + "\" is not known: use grpc or http");
  const size_t slash = rest.find('/');
  endpoint.authority = rest.substr(0, slash);
  if (slash != std::string_view::npos) endpoint.path = rest.substr(slash);
  while (!endpoint.path.empty() && endpoint.path.back() == '/') endpoint.path.pop_back();
  if (endpoint.path.ends_with("/v2")) endpoint.path.resize(endpoint.path.size() - 3);
  if (endpoint.protocol == Protocol::kGrpc && !endpoint.path.empty())
    return BadUrl(url, "has a path, which gRPC has no use for");
  if (endpoint.path.find_first_of("?#") != std::string::npos)
    return BadUrl(url, "has a query or a fragment");
  if (endpoint.authority.find('@') != std::string::npos)
    return BadUrl(url, "has credentials, which belong into \"headers\"");
  const size_t port = PortStart(endpoint.authority);
  if (endpoint.authority.empty() || port == 1) return BadUrl(url, "has no host");
  if (port == std::string::npos) {
    endpoint.authority += DefaultPort(endpoint);
  } else if (!IsPort(std::string_view(endpoint.authority).substr(port))) {
    return BadUrl(url, "has a port that is none");
  }
  return endpoint;
}

std::string Endpoint::ToString() const {
  for (const Scheme& scheme : kSchemes) {
    if (scheme.protocol == protocol && scheme.tls == tls)
      return std::string(scheme.name) + "://" + authority + path;
  }
  return authority;
}

absl::Status CheckHeader(const std::string& name, const std::string& value) {
  const bool legal = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (IsLetterOrDigit(c) && !(c >= 'A' && c <= 'Z')) || c == '-' || c == '_';
  });
  if (!legal) {
    return InvalidArgument("header \"" + Shown(name) +
                           "\": a name has lower-case letters, digits, '-' and '_'");
  }
  constexpr std::array<std::string_view, 7> kReserved = {
      "host", "content-length", "content-type", "transfer-encoding", "connection", "te", "expect"};
  const bool reserved = std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end() ||
                        name.starts_with("grpc-") || name.ends_with("-bin") ||
                        name.starts_with("inference-header");
  if (reserved) return InvalidArgument("header \"" + name + "\" is set by the protocol itself");
  const bool printable =
      std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  if (!printable) return InvalidArgument("header \"" + name + "\" has a value that is not ASCII");
  return absl::OkStatus();
}

std::string PathSegment(const std::string& segment) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : segment) {
    const auto byte = static_cast<unsigned char>(c);
    if (IsLetterOrDigit(c) || c == '-' || c == '_' || c == '~' ||
        (c == '.' && segment != "." && segment != "..")) {
      escaped += c;
    } else {
      escaped += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return escaped;
}

}  // namespace bowerbird::infer::remote
