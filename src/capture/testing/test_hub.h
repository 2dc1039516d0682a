// SPDX-License-Identifier: Apache-2.0
//
// For tests: a DataSyncService that keeps what it is sent, and fails as it is told to.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "capture/uploader.h"
#include "nlohmann/json.hpp"

namespace bowerbird::capture {

class TestHub {
 public:
  enum class Fault {
    kNone,
    kRefuse,       // INVALID_ARGUMENT: never again
    kUnavailable,  // before anything is taken
    kBroken,       // INTERNAL before anything is taken
    kMidStream,    // after the first piece of content
    kLateAnswer,   // takes everything, then the answer is lost
  };

  struct Item {
    std::string part_id, component_name, method_name, file_name, file_extension, mime_type;
    int type = 0;
    std::vector<std::string> tags, dataset_ids;
    std::string time_requested;  // as text, "" if there is none
    std::string content;
    nlohmann::json readings;  // null if there are none
  };

  TestHub();
  ~TestHub();
  TestHub(const TestHub&) = delete;
  TestHub& operator=(const TestHub&) = delete;

  HubLink link();

  // The next `times` uploads that can meet it do.
  void Fail(Fault fault, int times);

  // From now on CreateSequence gives an item of its first resource; before, UNIMPLEMENTED.
  void KeepSequences();

  // By what a hub knows an item by (where it comes from, when it was asked for, its content): what
  // came twice is there once.
  std::vector<Item> items() const;
  int uploads() const;
  size_t largest_piece() const;  // of content, in bytes

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace bowerbird::capture
