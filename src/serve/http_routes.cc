// SPDX-License-Identifier: Apache-2.0
#include "serve/http_routes.h"

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace bowerbird::serve {
namespace {

// Workers from blobs: the SDK keeps its heartbeat in one. Inline styles: components set them.
constexpr char kContentSecurityPolicy[] =
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; "
    "connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'";

constexpr char kPreflightSeconds[] = "7200";
constexpr char kAllowedMethods[] = "GET, HEAD, OPTIONS";

std::string_view PathOf(std::string_view target) {
  return target.substr(0, target.find_first_of("?#"));
}

HttpResponse MethodNotAllowed() {
  HttpResponse response = TextResponse(405, "this address answers GET and HEAD only\n");
  response.headers.emplace_back("allow", kAllowedMethods);
  return response;
}

bool StripPrefix(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool IsNumericV4Loopback(std::string_view host) {
  if (!StripPrefix(host, "127.")) return false;
  return !host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

bool IsLoopbackOrigin(std::string_view origin) {
  if (!StripPrefix(origin, "http://") && !StripPrefix(origin, "https://")) return false;
  std::string_view host = origin;
  if (StripPrefix(host, "[::1]")) return host.empty() || host.front() == ':';
  host = origin.substr(0, origin.find(':'));
  return host == "localhost" || IsNumericV4Loopback(host);
}

OriginPolicy::OriginPolicy(const Authenticator& authenticator, std::vector<std::string> allowed)
    : authenticator_(authenticator), allowed_(std::move(allowed)) {}

bool OriginPolicy::Allows(std::string_view origin) const {
  if (origin.empty() || authenticator_.credentials_required() || IsLoopbackOrigin(origin))
    return true;
  return std::find(allowed_.begin(), allowed_.end(), origin) != allowed_.end();
}

HttpRoutes::HttpRoutes(StaticFiles files, Metrics& metrics, Authenticator& authenticator,
                       std::vector<std::string> allowed_origins)
    : files_(std::move(files)),
      metrics_(metrics),
      authenticator_(authenticator),
      origins_(authenticator, std::move(allowed_origins)) {}

HttpResponse HttpRoutes::Handle(const HttpRequest& request) const {
  HttpResponse response = Answer(request);
  response.headers.emplace_back("x-content-type-options", "nosniff");
  response.headers.emplace_back("referrer-policy", "no-referrer");
  response.headers.emplace_back("content-security-policy", kContentSecurityPolicy);
  response.headers.emplace_back("cross-origin-opener-policy", "same-origin");
  return response;
}

HttpResponse HttpRoutes::Answer(const HttpRequest& request) const {
  if (request.method == "OPTIONS") return Preflight(request);
  if (request.method != "GET" && request.method != "HEAD") return MethodNotAllowed();
  const std::string_view path = PathOf(request.target);
  if (path == "/healthz") return Health();
  if (path == "/metrics") return MetricsText(request);
  if (path == "/" && !files_.has_root()) {
    return TextResponse(200,
                        "Bowerbird serves here: gRPC, gRPC-Web, /healthz and /metrics. "
                        "This server was started without a web page.\n");
  }
  return files_.Get(request);
}

HttpResponse HttpRoutes::Health() const {
  const bool serving = serving_;
  return {serving ? 200 : 503,
          {{"content-type", "application/json"}, {"cache-control", "no-store"}},
          serving ? "{\"status\":\"ok\"}\n" : "{\"status\":\"unavailable\"}\n"};
}

HttpResponse HttpRoutes::MetricsText(const HttpRequest& request) const {
  const auto identity = authenticator_.CheckHttp(request.Header("authorization"));
  if (!identity.ok()) {
    HttpResponse response = TextResponse(401, MessageOf(identity.status()) + "\n");
    response.headers.emplace_back("www-authenticate", "Basic realm=\"bowerbird\"");
    return response;
  }
  return {
      200,
      {{"content-type", "text/plain; version=0.0.4; charset=utf-8"}, {"cache-control", "no-store"}},
      metrics_.Text()};
}

Headers HttpRoutes::CorsHeaders(const HttpRequest& request, const Headers& exposed) const {
  const std::string_view origin = request.Header("origin");
  if (origin.empty() || !origins_.Allows(origin)) return {};
  std::string names = "grpc-status, grpc-message, grpc-status-details-bin";
  for (const auto& [name, value] : exposed) names += ", " + name;
  return {{"access-control-allow-origin", std::string(origin)},
          {"access-control-expose-headers", names},
          {"vary", "origin"}};
}

void HttpRoutes::AddCors(const HttpRequest& request, HttpResponse& response) const {
  for (auto& header : CorsHeaders(request, response.headers))
    response.headers.push_back(std::move(header));
}

absl::StatusOr<std::string> HttpRoutes::CallToken(const HttpRequest& request) const {
  return authenticator_.TokenForHttp(request.Header("authorization"));
}

HttpResponse HttpRoutes::RefuseOrigin() const {
  return TextResponse(403,
                      "a page of this origin may not call an open server: configure "
                      "authentication, or allow the origin\n");
}

HttpResponse HttpRoutes::Preflight(const HttpRequest& request) const {
  const std::string_view origin = request.Header("origin");
  if (origin.empty() || request.Header("access-control-request-method").empty()) {
    HttpResponse response{204, {{"allow", kAllowedMethods}}, ""};
    return response;
  }
  if (!origins_.Allows(origin)) return RefuseOrigin();
  HttpResponse response{204,
                        {{"access-control-allow-origin", std::string(origin)},
                         {"access-control-allow-methods", "POST"},
                         {"access-control-max-age", kPreflightSeconds},
                         {"vary", "origin"}},
                        ""};
  const std::string_view wanted = request.Header("access-control-request-headers");
  if (!wanted.empty())
    response.headers.emplace_back("access-control-allow-headers", std::string(wanted));
  if (!request.Header("access-control-request-private-network").empty())
    response.headers.emplace_back("access-control-allow-private-network", "true");
  return response;
}

}  // namespace bowerbird::serve
