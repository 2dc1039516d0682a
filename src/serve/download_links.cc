// SPDX-License-Identifier: Apache-2.0
#include "serve/download_links.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "base/status.h"
#include "serve/crypto.h"

namespace bowerbird::serve {
namespace {

constexpr std::string_view kFiles = "/data/files/";
constexpr std::string_view kPreviews = "/data/previews/";
constexpr char kForwardedHost[] = "x-forwarded-host";
constexpr char kForwardedScheme[] = "x-forwarded-proto";

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~' || c == '/';
}

std::string Escaped(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : text) {
    if (IsUnreserved(c)) {
      escaped += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    escaped += '%';
    escaped += kDigits[byte >> 4];
    escaped += kDigits[byte & 15];
  }
  return escaped;
}

std::optional<std::string> Unescaped(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    unsigned value = 0;
    const char* const begin = text.data() + i + 1;
    if (i + 2 >= text.size()) return std::nullopt;
    const auto [end, error] = std::from_chars(begin, begin + 2, value, 16);
    if (error != std::errc() || end != begin + 2) return std::nullopt;
    plain += static_cast<char>(value);
    i += 2;
  }
  return plain;
}

// The value of one parameter of a query; nothing if it is not there.
std::optional<std::string_view> Parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(one.size() + 1, query.size()));
    if (one.size() > name.size() && one.substr(0, name.size()) == name && one[name.size()] == '=')
      return one.substr(name.size() + 1);
  }
  return std::nullopt;
}

absl::Status ReadSignature(std::string_view query, DownloadTarget& target) {
  const auto expires = Parameter(query, "expires");
  const auto signature = Parameter(query, "signature");
  if (!expires.has_value() && !signature.has_value()) return absl::OkStatus();
  const absl::Status malformed = InvalidArgument(
      "the signed link is not complete: use it as CreateBinaryDataSignedURL gave it");
  if (!expires.has_value() || !signature.has_value() || signature->empty()) return malformed;
  const auto [end, error] =
      std::from_chars(expires->data(), expires->data() + expires->size(), target.expires);
  if (error != std::errc() || end != expires->data() + expires->size()) return malformed;
  target.signature = std::string(*signature);
  return absl::OkStatus();
}

bool IsHost(std::string_view text) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";
  return !text.empty() && text.size() <= 255 &&
         text.find_first_not_of(kAllowed) == std::string_view::npos;
}

}  // namespace

bool IsDownloadPath(std::string_view target) {
  return target.substr(0, kFiles.size()) == kFiles ||
         target.substr(0, kPreviews.size()) == kPreviews;
}

absl::StatusOr<DownloadTarget> ParseDownloadTarget(std::string_view target) {
  target = target.substr(0, target.find('#'));
  const size_t question = target.find('?');
  const std::string_view path = target.substr(0, question);
  DownloadTarget parsed;
  parsed.preview = path.substr(0, kPreviews.size()) == kPreviews;
  const auto id = Unescaped(path.substr(parsed.preview ? kPreviews.size() : kFiles.size()));
  if (!id.has_value() || id->empty())
    return NotFound("the address names no file: it ends with the binary_data_id of an item");
  parsed.item_id = *id;
  if (question != std::string_view::npos)
    RETURN_IF_ERROR(ReadSignature(target.substr(question + 1), parsed));
  return parsed;
}

std::string DownloadLinks::BaseFor(const Call& call) const {
  // A reverse proxy knows under which name the client sees it.
  std::string host = call.Metadata(kForwardedHost);
  if (!IsHost(host)) host = call.Authority();
  if (!IsHost(host)) return "";
  const std::string scheme = call.Metadata(kForwardedScheme);
  const bool https = scheme == "https" || (scheme != "http" && tls_);
  return (https ? "https://" : "http://") + host;
}

std::string DownloadLinks::FileUrl(std::string_view base, std::string_view item_id) const {
  std::string url(base);
  url += kFiles;
  url += Escaped(item_id);
  return url;
}

std::string DownloadLinks::SignedFileUrl(std::string_view base, std::string_view item_id,
                                         int64_t expires) const {
  return FileUrl(base, item_id) + "?expires=" + std::to_string(expires) +
         "&signature=" + Sign(item_id, expires);
}

std::string DownloadLinks::Sign(std::string_view item_id, int64_t expires) const {
  return Base64UrlEncode(HmacSha256(key_, std::to_string(expires) + ":" + std::string(item_id)));
}

absl::Status DownloadLinks::Check(std::string_view item_id, int64_t expires,
                                  std::string_view signature, int64_t now) const {
  if (!ConstantTimeEquals(signature, Sign(item_id, expires)))
    return absl::PermissionDeniedError(
        "the signature of this link is not one of this server: ask for a new link");
  if (now >= expires)
    return absl::PermissionDeniedError("the time of this link is over: ask for a new one");
  return absl::OkStatus();
}

}  // namespace bowerbird::serve
