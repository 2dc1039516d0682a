// SPDX-License-Identifier: Apache-2.0
#include "serve/static_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "absl/cleanup/cleanup.h"

namespace bowerbird::serve {
namespace {

constexpr std::string_view kHashedFolder = "/assets/";
constexpr char kImmutable[] = "public, max-age=31536000, immutable";
constexpr char kRevalidate[] = "no-cache";

constexpr std::array<std::pair<std::string_view, std::string_view>, 26> kTypes = {{
    {"html", "text/html; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"webmanifest", "application/manifest+json"},
    {"txt", "text/plain; charset=utf-8"},
    {"md", "text/plain; charset=utf-8"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"ico", "image/x-icon"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"ttf", "font/ttf"},
    {"wasm", "application/wasm"},
    {"mp4", "video/mp4"},
    {"webm", "video/webm"},
    {"csv", "text/csv; charset=utf-8"},
    {"pdf", "application/pdf"},
    {"xml", "application/xml"},
}};

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = HexValue(text[i + 1]);
    const int low = HexValue(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

bool AcceptsEncoding(const HttpRequest& request, std::string_view coding) {
  const std::string_view accepted = request.Header("accept-encoding");
  const size_t at = accepted.find(coding);
  if (at == std::string_view::npos) return false;
  // "gzip;q=0" refuses; other weights do not matter to us.
  std::string_view rest = accepted.substr(at + coding.size());
  rest = rest.substr(0, rest.find(','));
  return rest.find("q=0") == std::string_view::npos || rest.find("q=0.") != std::string_view::npos;
}

bool MatchesTag(std::string_view if_none_match, const std::string& tag) {
  return if_none_match == "*" || if_none_match.find(tag) != std::string_view::npos;
}

// Opens a regular file part by part beneath `root`; -1 if there is none.
int OpenBeneath(const std::string& root, std::string_view path) {
  int folder = open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  while (folder >= 0) {
    const size_t start = path.find_first_not_of('/');
    if (start == std::string_view::npos) break;
    path.remove_prefix(start);
    const size_t end = path.find('/');
    const std::string part(path.substr(0, end));
    const bool last = end == std::string_view::npos;
    const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (last ? O_NONBLOCK : O_DIRECTORY);
    const int next = openat(folder, part.c_str(), flags);
    close(folder);
    if (last) return next;
    folder = next;
    path.remove_prefix(end);
  }
  if (folder >= 0) close(folder);
  return -1;
}

bool ReadExactly(int fd, std::string& content) {
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t count = read(fd, content.data() + done, content.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += static_cast<size_t>(count);
  }
  return true;
}

std::string TagOf(const struct stat& status) {
  return '"' + std::to_string(status.st_mtim.tv_sec) + "." +
         std::to_string(status.st_mtim.tv_nsec) + "-" + std::to_string(status.st_size) + '"';
}

}  // namespace

std::optional<std::string> SafePath(std::string_view target) {
  target = target.substr(0, target.find_first_of("?#"));
  auto path = PercentDecode(target);
  if (!path || path->empty() || path->front() != '/') return std::nullopt;
  for (const char c : *path) {
    if (static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == 0x7f) return std::nullopt;
  }
  // Covers "..", "." and hidden files alike; nothing that is served begins with a dot.
  if (path->find("/.") != std::string::npos) return std::nullopt;
  return path;
}

std::string_view ContentTypeOf(std::string_view file_name) {
  const size_t dot = file_name.rfind('.');
  if (dot != std::string_view::npos) {
    const std::string_view extension = file_name.substr(dot + 1);
    for (const auto& [known, type] : kTypes) {
      if (known == extension) return type;
    }
  }
  return "application/octet-stream";
}

StaticFiles::StaticFiles(std::string root) : root_(std::move(root)) {}

std::optional<HttpResponse> StaticFiles::TryFile(const std::string& path,
                                                 const HttpRequest& request) const {
  std::string_view coding;
  int fd = -1;
  for (const auto& [name, suffix] : {std::pair<std::string_view, const char*>{"br", ".br"},
                                     std::pair<std::string_view, const char*>{"gzip", ".gz"}}) {
    if (fd >= 0 || !AcceptsEncoding(request, name)) continue;
    fd = OpenBeneath(root_, path + suffix);
    if (fd >= 0) coding = name;
  }
  if (fd < 0) fd = OpenBeneath(root_, path);
  if (fd < 0) return std::nullopt;
  absl::Cleanup close_file = [fd] { close(fd); };
  struct stat status;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  if (static_cast<size_t>(status.st_size) > kMaxFileSize) return std::nullopt;

  HttpResponse response;
  const std::string tag = TagOf(status);
  const bool hashed = path.compare(0, kHashedFolder.size(), kHashedFolder) == 0;
  response.headers = {{"etag", tag},
                      {"cache-control", hashed ? kImmutable : kRevalidate},
                      {"vary", "accept-encoding"}};
  if (MatchesTag(request.Header("if-none-match"), tag)) {
    response.status = 304;
    return response;
  }
  response.headers.emplace_back("content-type", ContentTypeOf(path));
  if (!coding.empty()) response.headers.emplace_back("content-encoding", coding);
  response.body.resize(static_cast<size_t>(status.st_size));
  // The file may shrink while it is read; half of it must not pass for the whole.
  if (!ReadExactly(fd, response.body)) return TextResponse(503, "the file changed: try again\n");
  return response;
}

HttpResponse StaticFiles::Get(const HttpRequest& request) const {
  const auto path = SafePath(request.target);
  if (has_root() && path) {
    const bool folder = path->back() == '/';
    if (!folder) {
      if (auto response = TryFile(*path, request)) return *std::move(response);
    }
    const bool file_like = path->find('.', path->rfind('/')) != std::string::npos;
    if (!file_like) {
      if (auto response = TryFile("/index.html", request)) return *std::move(response);
    }
  }
  return TextResponse(404, "there is nothing at this address\n");
}

}  // namespace bowerbird::serve
