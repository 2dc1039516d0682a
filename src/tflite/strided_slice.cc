// SPDX-License-Identifier: Apache-2.0
#include "tflite/strided_slice.h"

#include <algorithm>

namespace bowerbird::tflite {
namespace {

bool Bit(int64_t mask, size_t index) { return index < 32 && ((mask >> index) & 1) != 0; }

// One entry of the slice applied to one dimension of the input.
class Cutter {
 public:
  Cutter(const Shape& in, const Table& options) : in_(in), options_(options) {}

  bool TakeAll() {
    if (dimension_ >= in_.size()) return false;
    Add(0, 1, in_[dimension_], true);
    return true;
  }

  // Negative positions count from the end; positions outside are moved to the edge.
  bool Take(size_t entry, int64_t begin, int64_t end, int64_t stride) {
    if (dimension_ >= in_.size() || stride == 0) return false;
    const int64_t extent = in_[dimension_];
    if (options_.Bool("offset")) end += begin;
    const int64_t low = stride > 0 ? 0 : -1;
    const int64_t high = stride > 0 ? extent : extent - 1;
    const auto at = [&](int64_t position) {
      return std::clamp(position < 0 ? position + extent : position, low, high);
    };
    int64_t first = at(begin);
    if (Bit(options_.Int("begin_mask"), entry)) first = stride > 0 ? 0 : extent - 1;
    if (Bit(options_.Int("shrink_axis_mask"), entry)) {
      if (first < 0 || first >= extent) return false;
      Add(first, 1, 1, false);
      return true;
    }
    int64_t last = at(end);
    if (Bit(options_.Int("end_mask"), entry)) last = stride > 0 ? extent : -1;
    const int64_t distance = stride > 0 ? last - first : first - last;
    const int64_t step = stride > 0 ? stride : -stride;
    Add(first, stride, std::max<int64_t>((distance + step - 1) / step, 0), true);
    return true;
  }

  void InsertAxis() { plan_.shape.push_back(1); }

  std::optional<StridedSlicePlan> Finish() {
    while (dimension_ < in_.size()) TakeAll();
    return std::move(plan_);
  }

 private:
  void Add(int64_t first, int64_t step, int64_t count, bool keep) {
    plan_.first.push_back(first);
    plan_.step.push_back(step);
    plan_.count.push_back(count);
    if (keep) plan_.shape.push_back(count);
    ++dimension_;
  }

  const Shape& in_;
  const Table& options_;
  size_t dimension_ = 0;
  StridedSlicePlan plan_;
};

}  // namespace

std::optional<StridedSlicePlan> PlanStridedSlice(const Shape& in, const std::vector<int64_t>& begin,
                                                 const std::vector<int64_t>& end,
                                                 const std::vector<int64_t>& strides,
                                                 const Table& options) {
  if (begin.size() != end.size() || begin.size() != strides.size()) return std::nullopt;
  const int64_t ellipsis = options.Int("ellipsis_mask");
  const int64_t new_axis = options.Int("new_axis_mask");
  // Dimensions that the entries behind an ellipsis need for themselves.
  const auto behind = [&](size_t entry) {
    size_t count = 0;
    for (size_t i = entry + 1; i < begin.size(); ++i) count += Bit(new_axis, i) ? 0 : 1;
    return count;
  };
  Cutter cutter(in, options);
  size_t used = 0;
  bool had_ellipsis = false;
  for (size_t i = 0; i < begin.size(); ++i) {
    if (Bit(ellipsis, i) && !had_ellipsis) {
      had_ellipsis = true;
      while (used + behind(i) < in.size()) {
        if (!cutter.TakeAll()) return std::nullopt;
        ++used;
      }
    } else if (Bit(new_axis, i)) {
      cutter.InsertAxis();
    } else {
      if (!cutter.Take(i, begin[i], end[i], strides[i])) return std::nullopt;
      ++used;
    }
  }
  return cutter.Finish();
}

}  // namespace bowerbird::tflite
