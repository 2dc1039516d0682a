// SPDX-License-Identifier: Apache-2.0
//
// Damaged and hostile model files, made from sound ones. The same source, index and seed give the
// same bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace bowerbird::robustness {

class MutantSource {
 public:
  enum class Kind {
    kFlips,    // a few bits, half of the files outside of the weights
    kCuts,     // the first 64 * index bytes
    kShapes,   // an extent of a tensor that is not what the operators need
    kArchive,  // a zip behind the model: bombs first, then bits flipped in one
  };

  // `count`: how many mutants there are.
  MutantSource(std::string name, Kind kind, std::string original, size_t count);

  const std::string& name() const { return name_; }
  size_t count() const { return count_; }
  std::string Make(size_t index) const;

 private:
  std::string Flipped(uint64_t seed) const;
  std::string WithOtherShape(uint64_t seed) const;
  std::string WithArchive(size_t index, uint64_t seed) const;

  std::string name_;
  Kind kind_;
  std::string original_;
  size_t count_;
  std::vector<std::pair<size_t, size_t>> tables_;  // ranges [first, last) that hold no weights
  size_t table_bytes_ = 0;
  std::vector<size_t> extents_;  // offsets of numbers that look like a tensor's extents
};

// What is there for a run: of the models below `data`, and made by ourselves. `full`: the whole
// corpus, else a sample that takes seconds.
std::vector<MutantSource> Corpus(const std::string& data, bool full);

}  // namespace bowerbird::robustness
