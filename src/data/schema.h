// SPDX-License-Identifier: Apache-2.0
//
// The tables of this room (docs/formats/store.md) and the steps that made them.
#pragma once

#include <vector>

#include "store/database.h"

namespace bowerbird::data {

std::vector<store::Migration> Migrations();

// What a term of an item is.
enum class TermKind : int64_t { kTag = 0, kBoxLabel = 1, kClassification = 2, kDataset = 3 };

}  // namespace bowerbird::data
