// SPDX-License-Identifier: Apache-2.0
//
// Requests of the data API as anybody may send them: filters, pages, intervals, ids and boxes are
// values that keep their promises, or INVALID_ARGUMENT. The first byte says which message.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "annotation/values.h"
#include "wire/hub/annotations.h"
#include "wire/hub/filter.h"
#include "wire/hub/item.h"

namespace {

namespace proto = viam::app::data::v1;
namespace wire = bowerbird::wire;

void Require(bool condition) {
  if (!condition) std::abort();
}

bool IsRefusal(const absl::Status& status) {
  return absl::IsInvalidArgument(status) && !status.message().empty();
}

void CheckPage(const proto::DataRequest& request) {
  const auto page = wire::ReadPageRequest(request);
  if (!page.ok()) return Require(IsRefusal(page.status()));
  const auto& filter = page->filter;
  Require(!filter.start || !filter.end || *filter.start <= *filter.end);
  Require(filter.tags.size() == static_cast<size_t>(request.filter().tags_filter().tags().size()));
}

void CheckAnnotations(const proto::Annotations& message) {
  const auto annotations = wire::ReadAnnotations(message);
  if (!bowerbird::annotation::CheckAnnotations(annotations, {}).ok()) return;
  // What is taken in comes out the same, and can be read by every client.
  proto::Annotations written;
  wire::WriteAnnotations(annotations, written);
  Require(proto::Annotations().ParseFromString(written.SerializeAsString()));
  Require(wire::ReadAnnotations(written).boxes.size() == annotations.boxes.size());
}

template <typename Message>
bool Parse(std::string_view bytes, Message& message) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  proto::DataRequest page;
  proto::DeleteTabularFilter deletion;
  proto::BinaryDataByIDsRequest ids;
  proto::Annotations annotations;
  switch (data[0] % 4) {
    case 0:
      if (Parse(bytes, page)) CheckPage(page);
      break;
    case 1:
      if (Parse(bytes, deletion)) {
        const auto filter = wire::ReadFilter(deletion);
        Require(filter.ok() || IsRefusal(filter.status()));
      }
      break;
    case 2:
      if (Parse(bytes, ids)) {
        const auto read = wire::ReadItemIds(ids.binary_data_ids(), ids.binary_ids());
        Require(read.ok() ? !read->empty() : IsRefusal(read.status()));
      }
      break;
    default:
      if (Parse(bytes, annotations)) CheckAnnotations(annotations);
  }
  return 0;
}
