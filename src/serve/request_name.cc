// SPDX-License-Identifier: Apache-2.0
#include "serve/request_name.h"

#include <functional>
#include <utility>
#include <vector>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "grpcpp/support/slice.h"

namespace bowerbird::serve {
namespace {

using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;
using Wire = google::protobuf::internal::WireFormatLite;

constexpr uint32_t kNameTag = Wire::MakeTag(1, Wire::WIRETYPE_LENGTH_DELIMITED);
// Names are far shorter; what is longer is no name of a resource here.
constexpr uint32_t kMaxName = 1024;

std::optional<std::string> Flatten(const grpc::ByteBuffer& message) {
  std::vector<grpc::Slice> slices;
  if (!message.Valid() || message.Length() > INT32_MAX || !message.Dump(&slices).ok())
    return std::nullopt;
  std::string bytes;
  bytes.reserve(message.Length());
  for (const grpc::Slice& slice : slices)
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

// Calls `field` with the place of each field 1 (tag to end) and of its text within `bytes`. False
// if the bytes are no message.
struct NamePlace {
  size_t begin, text, end;
};
bool EachName(const std::string& bytes, const std::function<void(NamePlace)>& found) {
  CodedInputStream input(reinterpret_cast<const uint8_t*>(bytes.data()),
                         static_cast<int>(bytes.size()));
  for (;;) {
    const auto begin = static_cast<size_t>(input.CurrentPosition());
    const uint32_t tag = input.ReadTag();
    if (tag == 0) return input.ConsumedEntireMessage() && begin == bytes.size();
    if (tag != kNameTag) {
      if (!Wire::SkipField(&input, tag)) return false;
      continue;
    }
    uint32_t size = 0;
    if (!input.ReadVarint32(&size)) return false;
    const auto text = static_cast<size_t>(input.CurrentPosition());
    if (size > bytes.size() - text || !input.Skip(static_cast<int>(size))) return false;
    found({begin, text, text + size});
  }
}

}  // namespace

std::optional<std::string> RequestName(const grpc::ByteBuffer& message) {
  const auto bytes = Flatten(message);
  std::string name;
  const bool parsed = bytes && EachName(*bytes, [&](NamePlace place) {
                        const size_t size = place.end - place.text;
                        name = size <= kMaxName ? bytes->substr(place.text, size) : std::string();
                      });
  return parsed ? std::optional(name) : std::nullopt;
}

std::optional<grpc::ByteBuffer> WithRequestName(const grpc::ByteBuffer& message,
                                                const std::string& name) {
  const auto bytes = Flatten(message);
  if (!bytes) return std::nullopt;
  std::string rewritten;
  rewritten.reserve(bytes->size() + name.size() + 8);
  {
    uint8_t head[16];
    uint8_t* end = CodedOutputStream::WriteTagToArray(kNameTag, head);
    end = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(name.size()), end);
    rewritten.append(reinterpret_cast<const char*>(head), static_cast<size_t>(end - head));
    rewritten += name;
  }
  size_t copied = 0;
  const bool parsed = EachName(*bytes, [&](NamePlace place) {
    rewritten.append(*bytes, copied, place.begin - copied);
    copied = place.end;
  });
  if (!parsed) return std::nullopt;
  rewritten.append(*bytes, copied);
  const grpc::Slice slice(rewritten);
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace bowerbird::serve
