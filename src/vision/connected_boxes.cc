// SPDX-License-Identifier: Apache-2.0
#include "vision/connected_boxes.h"

#include <algorithm>
#include <cstddef>

namespace bowerbird::vision {
namespace {

// Disjoint sets of pixel runs; a group's name is its smallest run.
class RunSets {
 public:
  int32_t Add() {
    parents_.push_back(static_cast<int32_t>(parents_.size()));
    return parents_.back();
  }
  int32_t Find(int32_t run) {
    while (parents_[At(run)] != run) {
      parents_[At(run)] = parents_[At(parents_[At(run)])];
      run = parents_[At(run)];
    }
    return run;
  }
  void Join(int32_t a, int32_t b) {
    a = Find(a);
    b = Find(b);
    if (a != b) parents_[At(std::max(a, b))] = std::min(a, b);
  }

 private:
  static size_t At(int32_t index) { return static_cast<size_t>(index); }
  std::vector<int32_t> parents_;
};

// Marked pixels first..last of one row.
struct Run {
  int row = 0, first = 0, last = 0;
};

std::vector<Run> RunsOf(std::span<const uint8_t> mask, image::Size size) {
  std::vector<Run> runs;
  for (int y = 0; y < size.height; ++y) {
    const auto row = mask.subspan(static_cast<size_t>(y) * static_cast<size_t>(size.width),
                                  static_cast<size_t>(size.width));
    for (int x = 0; x < size.width; ++x) {
      if (row[static_cast<size_t>(x)] == 0) continue;
      Run run{y, x, x};
      while (run.last + 1 < size.width && row[static_cast<size_t>(run.last) + 1] != 0) ++run.last;
      runs.push_back(run);
      x = run.last;
    }
  }
  return runs;
}

// Joins runs of neighbouring rows that share a column.
RunSets Group(const std::vector<Run>& runs) {
  RunSets sets;
  size_t above = 0;  // first run of the row above that may still touch
  for (size_t i = 0; i < runs.size(); ++i) {
    sets.Add();
    while (runs[above].row < runs[i].row - 1 ||
           (runs[above].row == runs[i].row - 1 && runs[above].last < runs[i].first)) {
      ++above;
    }
    for (size_t j = above; j < i && runs[j].row == runs[i].row - 1; ++j) {
      if (runs[j].first > runs[i].last) break;
      sets.Join(static_cast<int32_t>(i), static_cast<int32_t>(j));
    }
  }
  return sets;
}

struct Blob {
  PixelBox box;
  int first_row = 0;  // of the leftmost column: what a scan by columns meets first
};

}  // namespace

std::vector<PixelBox> ConnectedBoxes(std::span<const uint8_t> mask, image::Size size) {
  const std::vector<Run> runs = RunsOf(mask, size);
  RunSets sets = Group(runs);
  std::vector<Blob> groups;
  std::vector<int32_t> group_of(runs.size(), -1);
  for (size_t i = 0; i < runs.size(); ++i) {
    const Run& run = runs[i];
    int32_t& index = group_of[static_cast<size_t>(sets.Find(static_cast<int32_t>(i)))];
    if (index < 0) {
      index = static_cast<int32_t>(groups.size());
      groups.push_back({{run.first, run.row, run.last, run.row}, run.row});
      continue;
    }
    Blob& group = groups[static_cast<size_t>(index)];
    if (run.first < group.box.x_min) group.first_row = run.row;
    group.box.x_min = std::min(group.box.x_min, run.first);
    group.box.x_max = std::max(group.box.x_max, run.last);
    group.box.y_max = std::max(group.box.y_max, run.row);
  }
  std::sort(groups.begin(), groups.end(), [](const Blob& a, const Blob& b) {
    return a.box.x_min != b.box.x_min ? a.box.x_min < b.box.x_min : a.first_row < b.first_row;
  });
  std::vector<PixelBox> boxes;
  boxes.reserve(groups.size());
  for (const Blob& group : groups) boxes.push_back(group.box);
  return boxes;
}

}  // namespace bowerbird::vision
