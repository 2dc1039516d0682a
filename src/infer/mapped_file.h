// SPDX-License-Identifier: Apache-2.0
//
// A file mapped into memory for reading. Whoever replaces a model file must do it by rename: a file
// that is cut short in place ends every program that has it mapped.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace bowerbird::infer {

class MappedFile {
 public:
  // NOT_FOUND, PERMISSION_DENIED and the like; INVALID_ARGUMENT: not a regular file, empty, or
  // larger than the 2 GiB that a FlatBuffer can have.
  static absl::StatusOr<std::unique_ptr<MappedFile>> Open(const std::string& path);
  // A copy of `bytes` in a file of its own, without a name, in the folder for temporary files:
  // pages that nobody needs can go.
  static absl::StatusOr<std::unique_ptr<MappedFile>> OfBytes(std::string_view bytes);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }

  // A path to this very file for this user's other processes, whatever happens to its name; as long
  // as this lives.
  std::string LivingPath() const;

  // Lets the pages go that were read so far; they come back from the page cache when touched.
  void DropPages() const;

 private:
  MappedFile(int descriptor, std::byte* data, size_t size)
      : descriptor_(descriptor), data_(data), size_(size) {}

  const int descriptor_;
  std::byte* data_;
  size_t size_;
};

}  // namespace bowerbird::infer
