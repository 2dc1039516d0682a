// SPDX-License-Identifier: Apache-2.0
#include "tflite/buffer_plan.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/status.h"

namespace bowerbird::tflite {
namespace {

absl::StatusOr<std::vector<bool>> UsedBuffers(const Graph& graph) {
  std::vector<bool> used(graph.buffers.size(), false);
  const auto use = [&](uint64_t buffer, const std::string& what) -> absl::Status {
    if (buffer >= used.size()) {
      return InvalidArgument(what + " refers to buffer " + std::to_string(buffer) + " of " +
                             std::to_string(used.size()));
    }
    used[buffer] = true;
    return absl::OkStatus();
  };
  for (const Subgraph& subgraph : graph.subgraphs) {
    for (const Tensor& tensor : subgraph.tensors) {
      RETURN_IF_ERROR(use(tensor.buffer, "tensor '" + tensor.name + "'"));
    }
  }
  for (const MetadataEntry& entry : graph.metadata) {
    RETURN_IF_ERROR(use(entry.buffer, "the metadata entry '" + entry.name + "'"));
  }
  for (const int32_t buffer : graph.metadata_buffers) {
    RETURN_IF_ERROR(use(static_cast<uint32_t>(buffer), "the list of metadata buffers"));
  }
  return used;
}

// Finds bytes that are stored already: by address first, which costs nothing, then by contents.
class Store {
 public:
  explicit Store(BufferPlan& plan) : plan_(plan) {}

  uint32_t Place(std::span<const std::byte> data) {
    const auto [known, is_new] = by_address_.try_emplace({data.data(), data.size()}, 0);
    if (is_new) known->second = PlaceByContents(data);
    return known->second;
  }

 private:
  uint32_t PlaceByContents(std::span<const std::byte> data) {
    const std::string_view contents(reinterpret_cast<const char*>(data.data()), data.size());
    const auto next = static_cast<uint32_t>(plan_.stored.size());
    const auto [known, is_new] = by_contents_.try_emplace(contents, next);
    if (is_new) plan_.stored.push_back(data);
    return known->second;
  }

  BufferPlan& plan_;
  std::map<std::pair<const std::byte*, size_t>, uint32_t> by_address_;
  std::unordered_map<std::string_view, uint32_t> by_contents_;
};

}  // namespace

absl::StatusOr<BufferPlan> PlanBuffers(const Graph& graph) {
  ASSIGN_OR_RETURN(const std::vector<bool> used, UsedBuffers(graph));
  BufferPlan plan;
  plan.stored.emplace_back();
  plan.place.assign(graph.buffers.size(), 0);
  Store store(plan);
  for (size_t i = 0; i < used.size(); ++i) {
    const std::span<const std::byte> data = graph.buffers[i].data;
    if (used[i] && !data.empty()) plan.place[i] = store.Place(data);
  }
  return plan;
}

}  // namespace bowerbird::tflite
