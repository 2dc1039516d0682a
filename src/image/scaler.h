// SPDX-License-Identifier: Apache-2.0
//
// The separable filter behind Resize and FillTensor: source rows in, scaled rows out, one at a
// time, with no temporary but a few filtered rows.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "image/image.h"
#include "image/resize.h"

namespace bowerbird::image {

// How one axis is scaled: output i is the weighted sum of `taps` source pixels from first[i] on,
// plus bias[i], times inverse[i], its fraction cut off. Taps beyond an edge are folded into the
// pixel at the edge, so that 0 <= first[i] <= length - taps.
struct AxisFilter {
  int taps = 1;
  std::vector<int> first;
  std::vector<float> weights;  // taps for each output
  std::vector<float> inverse;  // 1 / sum of the weights
  std::vector<float> bias;     // half a unit to cut off exactly, half the sum to round

  bool identity = false;  // same length: nothing to do
};

// kTriangle: the reference machine's weights, integers of 1/256. kBilinear: two taps.
AxisFilter MakeAxisFilter(int from, int to, Filter filter);

// The source pixel of every output pixel for kNearest: that under its centre.
std::vector<int> NearestIndexes(int from, int to);

// For kTriangle every step is exact in integers of 8 bits, each pass cutting its fraction off as
// the reference machine does, so the result is its result to the bit (up to a 64-fold reduction,
// beyond which the last bit may differ). kBilinear keeps fractions between the passes and rounds at
// the end.
class Scaler {
 public:
  // Gives a source row: either its own memory, or filled into `scratch`.
  using ReadRow = absl::FunctionRef<const uint8_t*(int y, uint8_t* scratch)>;
  using WriteRow = absl::FunctionRef<void(int y, const uint8_t* row)>;

  // channels: 1, 3 or 4 interleaved.
  Scaler(Size from, Size to, Filter filter, int channels);

  // Writes rows 0, 1, ... in order. Reads rows in increasing order, each once (up to 64-fold
  // reductions; twice beyond).
  void Run(ReadRow read, WriteRow write);

 private:
  void RunNearest(ReadRow read, WriteRow write);
  void RunFiltered(ReadRow read, WriteRow write);
  // Row y scaled horizontally, from the ring or made now.
  const float* Filtered(int y, ReadRow read);
  void FilterAcross(const uint8_t* row, float* out);
  void FilterDown(int y, ReadRow read, uint8_t* out);

  const Size from_, to_;
  const Filter filter_;
  const int channels_;
  AxisFilter across_, down_;

  std::vector<uint8_t> scratch_;  // one source row, as ReadRow may need it
  std::vector<float> source_;     // one source row as floats
  std::vector<float> sums_;       // one output row before it is rounded
  std::vector<float> ring_;       // horizontally scaled rows: row y in slot y % ring_rows_.size()
  std::vector<int> ring_rows_;    // which row a slot holds; -1 = none
  size_t ring_stride_ = 0;
};

}  // namespace bowerbird::image
