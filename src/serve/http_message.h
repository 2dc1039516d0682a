// SPDX-License-Identifier: Apache-2.0
//
// HTTP requests and responses as values, so that what is answered can be decided, and tested,
// without a connection.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bowerbird::serve {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;  // "GET"
  std::string target;  // "/index.html?x=1", as sent
  Headers headers;     // names in lower case, in the order sent

  // The first value, "" if absent. `name` in lower case.
  std::string_view Header(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  Headers headers;   // without Content-Length, Connection and Date
  std::string body;  // not sent in answer to HEAD, but counted
};

// "Not Found" for 404.
std::string_view ReasonPhrase(int status);

// A text/plain response; `text` says what was wrong and what to do.
HttpResponse TextResponse(int status, std::string text);

// Status line and headers up to the empty line. `framing`: the headers that say how the body ends.
std::string SerializeHead(const HttpResponse& response, const Headers& framing, bool keep_alive);

}  // namespace bowerbird::serve
