// SPDX-License-Identifier: Apache-2.0
#include "image/picture.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace bowerbird::image {
namespace {

std::span<const uint8_t> AsBytes(const std::string& bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

bool InterchangeableNames(std::string_view a, std::string_view b) {
  const auto photo = [](std::string_view mime) { return mime == kMimeJpeg || mime == kMimePng; };
  return photo(a) && photo(b);
}

// What `bytes` shall be called: JPEG and PNG named for each other get their true name, so that
// nobody is sent the wrong one; other contradictions stay and are reported at decoding.
std::string NameFor(const std::string& bytes, std::string_view mime) {
  const std::string_view sniffed = SniffMime(AsBytes(bytes));
  const std::string_view plain = PlainMime(mime);
  if (plain.empty() || InterchangeableNames(plain, sniffed)) return std::string(sniffed);
  return std::string(plain);
}

// True when decoding what Encode made of `image` gives `image` again.
bool RoundTrips(const Image& image, std::string_view mime) {
  if (mime == kMimePng) return true;
  if (mime == kMimeRawRgba) return image.format() == PixelFormat::kRgba8;
  return mime == kMimeRawDepth;
}

}  // namespace

Picture::Picture(std::string bytes, std::string mime, DecodeOptions limits)
    : bytes_(std::move(bytes)), mime_(std::move(mime)), limits_(limits) {}

std::shared_ptr<const Picture> Picture::FromBytes(std::string bytes, std::string_view mime,
                                                  DecodeOptions limits) {
  std::string name = NameFor(bytes, mime);
  return std::shared_ptr<const Picture>(new Picture(std::move(bytes), std::move(name), limits));
}

absl::StatusOr<std::shared_ptr<const Picture>> Picture::FromImage(Image image,
                                                                  std::string_view mime,
                                                                  int jpeg_quality,
                                                                  PhaseTimes* phases) {
  const std::string_view plain = PlainMime(mime);
  PhaseTimer timer(phases, Phase::kEncode);
  ASSIGN_OR_RETURN(std::string bytes,
                   plain == kMimeJpeg ? EncodeJpeg(image, jpeg_quality) : Encode(image, plain));
  timer.Stop();
  auto picture =
      std::shared_ptr<Picture>(new Picture(std::move(bytes), std::string(plain), DecodeOptions{}));
  if (RoundTrips(image, plain)) {
    const MutexLock lock(picture->mutex_);
    picture->decoded_[8] = std::make_shared<const Image>(std::move(image));
  }
  return picture;
}

absl::StatusOr<Header> Picture::header() const {
  ASSIGN_OR_RETURN(Header header, ReadHeader(AsBytes(bytes_), limits_));
  if (header.mime != mime_) {
    return InvalidArgument(absl::StrCat("picture is named \"", mime_, "\" but its content is ",
                                        ToAbsl(header.mime),
                                        ": name it so, or leave the name out"));
  }
  return header;
}

absl::StatusOr<std::shared_ptr<const Image>> Picture::Decoded(Size at_least,
                                                              PhaseTimes* phases) const {
  const PhaseTimer timer(phases, Phase::kDecode);
  ASSIGN_OR_RETURN(const Header found, header());
  DecodeOptions options = limits_;
  options.at_least = at_least;
  const auto eighths = static_cast<size_t>(EighthsFor(found, options));
  // Held while decoding: whoever wants the same pixels waits for them instead of making them again.
  const MutexLock lock(mutex_);
  std::shared_ptr<const Image>& slot = decoded_[eighths];
  if (slot == nullptr) {
    ASSIGN_OR_RETURN(Image image, Decode(AsBytes(bytes_), options));
    slot = std::make_shared<const Image>(std::move(image));
  }
  return slot;
}

absl::StatusOr<std::string> Picture::EncodedAs(std::string_view mime, PhaseTimes* phases) const {
  const std::string_view plain = PlainMime(mime);
  if (plain.empty() || plain == mime_) return bytes_;
  ASSIGN_OR_RETURN(const std::shared_ptr<const Image> image, Decoded({0, 0}, phases));
  const PhaseTimer timer(phases, Phase::kEncode);
  return Encode(*image, plain);
}

}  // namespace bowerbird::image
