// SPDX-License-Identifier: Apache-2.0
#include "serve/tls_context.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "base/status.h"
#include "openssl/err.h"

namespace bowerbird::serve {
namespace {

constexpr std::string_view kHttp11 = "http/1.1";
constexpr std::string_view kHttp2 = "h2";

// The oldest entry of OpenSSL's queue says best what went wrong; the rest is dropped.
std::string OpenSslError() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown fault" : reason;
}

absl::Status CheckReadable(const std::string& path, std::string_view what) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "TLS " + std::string(what) + " " + path);
  close(fd);
  return absl::OkStatus();
}

// Instead of a prompt on the terminal.
int NoPassword(char*, int, int, void*) { return 0; }

bool Offers(std::string_view protocols, std::string_view wanted, const unsigned char** out,
            unsigned char* out_size) {
  while (!protocols.empty()) {
    const size_t size = static_cast<unsigned char>(protocols.front());
    protocols.remove_prefix(1);
    if (size > protocols.size()) return false;
    if (protocols.substr(0, size) == wanted) {
      *out = reinterpret_cast<const unsigned char*>(protocols.data());
      *out_size = static_cast<unsigned char>(size);
      return true;
    }
    protocols.remove_prefix(size);
  }
  return false;
}

int SelectProtocol(SSL*, const unsigned char** out, unsigned char* out_size,
                   const unsigned char* offered, unsigned int offered_size, void*) {
  const std::string_view protocols(reinterpret_cast<const char*>(offered), offered_size);
  for (const std::string_view ours : {kHttp11, kHttp2}) {
    if (Offers(protocols, ours, out, out_size)) return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

absl::StatusOr<SslContext> LoadServerTls(const std::string& certificate_file,
                                         const std::string& key_file) {
  if (certificate_file.empty() || key_file.empty()) {
    return InvalidArgument("TLS needs both a certificate and a key: give --tls-cert and --tls-key");
  }
  RETURN_IF_ERROR(CheckReadable(certificate_file, "certificate"));
  RETURN_IF_ERROR(CheckReadable(key_file, "key"));
  ERR_clear_error();
  SslContext context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return Internal("TLS: " + OpenSslError());
  SSL_CTX* const raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(raw, SelectProtocol, nullptr);
  SSL_CTX_set_default_passwd_cb(raw, NoPassword);
  if (SSL_CTX_use_certificate_chain_file(raw, certificate_file.c_str()) != 1) {
    return InvalidArgument("TLS certificate " + certificate_file + ": " + OpenSslError() +
                           "; a PEM file is expected, the server's certificate first");
  }
  if (SSL_CTX_use_PrivateKey_file(raw, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return InvalidArgument("TLS key " + key_file + ": " + OpenSslError() +
                           "; an unencrypted PEM key is expected, the one of the certificate " +
                           certificate_file);
  }
  if (SSL_CTX_check_private_key(raw) != 1) {
    return InvalidArgument("TLS key " + key_file + " does not belong to the certificate " +
                           certificate_file + ": " + OpenSslError());
  }
  return context;
}

}  // namespace bowerbird::serve
