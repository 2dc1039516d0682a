// SPDX-License-Identifier: Apache-2.0
//
// A picture as it travels between rooms: immutable, encoded and decoded forms made on demand and
// kept, so that several consumers of one camera frame decode it once.
//
// The encoded bytes are the picture's identity: what a client is sent, what is captured, and what
// models see are decoded from the same bytes, so GetDetections and GetDetectionsFromCamera agree to
// the last bit.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "base/phases.h"
#include "image/codec.h"
#include "image/image.h"

namespace bowerbird::image {

// Thread-safe. Shared by pointer because camera caches and in-flight requests outlive each other.
class Picture {
 public:
  // Takes encoded bytes as they are; nothing is checked before it is needed.
  // `mime` empty: sniffed. A MIME type that contradicts the content is an error at decoding, except
  // that jpeg and png named for each other are renamed by content.
  static std::shared_ptr<const Picture> FromBytes(std::string bytes, std::string_view mime = {},
                                                  DecodeOptions limits = {});

  // Encodes now, as `mime`, and keeps the pixels as the decoded form only if `mime` is lossless.
  static absl::StatusOr<std::shared_ptr<const Picture>> FromImage(Image image,
                                                                  std::string_view mime,
                                                                  int jpeg_quality = 75,
                                                                  PhaseTimes* phases = nullptr);

  const std::string& bytes() const { return bytes_; }
  const std::string& mime() const { return mime_; }

  // Without decoding. The size is the one a person sees.
  absl::StatusOr<Header> header() const;

  // Pixels of at least `at_least` (see DecodeOptions; {0, 0} = full size), from the cache where one
  // of that scale exists. Time goes to Phase::kDecode of `phases`. Valid as long as the pointer is
  // held.
  absl::StatusOr<std::shared_ptr<const Image>> Decoded(Size at_least = {0, 0},
                                                       PhaseTimes* phases = nullptr) const;

  // The bytes in another format: the own ones if `mime` is the own type or empty.
  absl::StatusOr<std::string> EncodedAs(std::string_view mime, PhaseTimes* phases = nullptr) const;

 private:
  Picture(std::string bytes, std::string mime, DecodeOptions limits);

  const std::string bytes_;
  const std::string mime_;
  const DecodeOptions limits_;
  mutable Mutex mutex_;
  // Decoded forms by their eighths of the full size: a request always gets the form that its size
  // asks for, never a larger one that happens to be there, so that answers do not depend on who
  // else looked at the picture. Shared with readers.
  mutable std::array<std::shared_ptr<const Image>, 9> decoded_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace bowerbird::image
