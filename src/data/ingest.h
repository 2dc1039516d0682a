// SPDX-License-Identifier: Apache-2.0
//
// The rows of a new item, and their removal. Internal to this room; inside a transaction of the
// caller.
#pragma once

#include <string>

#include "data/core.h"
#include "data/item.h"
#include "data/items.h"
#include "data/state.h"

namespace bowerbird::data {

struct Content {
  std::string hash{};  // hex
  uint64_t size = 0;
  int width = 0, height = 0;  // of a picture as a person sees it
};

// What cannot be is refused before the content is written.
absl::Status CheckNewItem(const NewItem& item);

// `existed` if it is there: nothing is changed then.
absl::StatusOr<Ingested> InsertItem(Connection& connection, const Caller& caller,
                                    const NewItem& item, const Content& content, Time now);

// Takes the item out of everything. The hash of its content if no other item has it, else "".
absl::StatusOr<std::string> DeleteItemRows(Connection& connection, const StoredItem& stored);

}  // namespace bowerbird::data
