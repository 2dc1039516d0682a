// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a capture file: read to their end or to their damage, never beyond.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "capture/capture_file.h"

namespace bowerbird::capture {
namespace {

class MemoryFile : public ReadableFile {
 public:
  explicit MemoryFile(std::string_view bytes) : bytes_(bytes) {}
  absl::StatusOr<size_t> ReadAt(uint64_t offset, std::span<char> buffer) const override {
    if (offset >= bytes_.size()) return 0;
    const size_t size = std::min(buffer.size(), bytes_.size() - static_cast<size_t>(offset));
    std::memcpy(buffer.data(), bytes_.data() + offset, size);
    return size;
  }
  absl::StatusOr<uint64_t> Size() const override { return bytes_.size(); }

 private:
  const std::string_view bytes_;
};

void ReadAll(std::string_view bytes) {
  const auto reader = CaptureFileReader::FromFile(std::make_unique<MemoryFile>(bytes));
  if (!reader.ok()) return;
  uint64_t before = (*reader)->position();
  for (auto record = (*reader)->Next(); record.ok() && record->has_value();
       record = (*reader)->Next()) {
    if ((*record)->begin != before || (*record)->end <= before) std::abort();
    if ((*record)->payload_offset + (*record)->payload_size > (*record)->end) std::abort();
    before = (*record)->end;
  }
  if ((*reader)->position() != before || before > bytes.size()) std::abort();
}

}  // namespace
}  // namespace bowerbird::capture

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bowerbird::capture::ReadAll({reinterpret_cast<const char*>(data), size});
  return 0;
}
