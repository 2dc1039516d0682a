// SPDX-License-Identifier: Apache-2.0
//
// What a plain HTTP request gets:
//   GET /healthz   200 {"status":"ok"} while serving, 503 while starting or stopping; open to all
//   GET /metrics   Prometheus text; needs credentials where calls do ("Bearer" or "Basic" key)
//   /v2/...        models, by KServe's protocol (kserve_http.h)
//   /data/...      stored files (download_links.h)
//   GET anything   the web page
// and what a page of another origin may do (CORS). Every answer carries the security headers.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "serve/auth.h"
#include "serve/http_message.h"
#include "serve/static_files.h"

namespace bowerbird::serve {

// Which pages may call. Where credentials are required, any: a foreign page has no token, and this
// server knows no cookies. On an open server only pages of this machine and those listed, since
// any page that a browser here shows could otherwise drive the machine.
class OriginPolicy {
 public:
  // `allowed`: further origins, as browsers write them ("https://dash.example:8443").
  OriginPolicy(const Authenticator& authenticator, std::vector<std::string> allowed);

  // `origin`: the request's Origin header; "" (no browser, or the same origin in a GET) passes.
  bool Allows(std::string_view origin) const;

 private:
  const Authenticator& authenticator_;
  const std::vector<std::string> allowed_;
};

// "http://localhost:5173", "https://127.0.0.1", "http://[::1]:80".
bool IsLoopbackOrigin(std::string_view origin);

// Thread-safe.
class HttpRoutes {
 public:
  // Both outlive it.
  HttpRoutes(StaticFiles files, Metrics& metrics, Authenticator& authenticator,
             std::vector<std::string> allowed_origins);

  // The answer to anything but a gRPC-Web call.
  HttpResponse Handle(const HttpRequest& request) const;

  const OriginPolicy& origins() const { return origins_; }
  // See Authenticator::TokenForHttp.
  absl::StatusOr<std::string> CallToken(const HttpRequest& request) const;
  // The answer to a page whose origin may not call.
  HttpResponse RefuseOrigin() const;
  // The headers that let the page read the answer of a call; nothing without Origin.
  Headers CorsHeaders(const HttpRequest& request, const Headers& exposed) const;

  // Adds them to an answer.
  void AddCors(const HttpRequest& request, HttpResponse& response) const;

  void SetServing(bool serving) { serving_ = serving; }

 private:
  HttpResponse Health() const;
  HttpResponse MetricsText(const HttpRequest& request) const;
  HttpResponse Preflight(const HttpRequest& request) const;
  HttpResponse Answer(const HttpRequest& request) const;

  const StaticFiles files_;
  Metrics& metrics_;
  Authenticator& authenticator_;
  const OriginPolicy origins_;
  std::atomic<bool> serving_{false};
};

}  // namespace bowerbird::serve
