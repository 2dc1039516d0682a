// SPDX-License-Identifier: Apache-2.0
//
// After an upload: whether the item was there already, and if so, what the files say about it now.
//
// A hub leaves an item that is there as it is, so what has changed since is set afterwards, as a
// change with a history. An upload carries the time of this run as the time it was received, which
// is no part of what a hub knows items by: an item that has another one was there before.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "annotation/format.h"
#include "annotation/values.h"
#include "app/data/v1/data.pb.h"
#include "app/data_import.h"
#include "app/hub_client.h"

namespace bowerbird::app {

struct SentItem {
  std::string id;
  annotation::AnnotatedImage image;
};

struct Settled {
  uint64_t added = 0, changed = 0, unchanged = 0;
  std::vector<annotation::Problem> problems;
};

void FillAnnotations(const annotation::Annotations& annotations,
                     viam::app::data::v1::Annotations& out);

// What the files say replaces what the hub has as far as the format can say it: boxes where it
// holds boxes, classifications likewise, tags where a picture has any. Otherwise tags are only
// added. Thread-safe.
class Settler {
 public:
  Settler(const HubClient& hub, const ImportOptions& options,
          const google::protobuf::Timestamp& run)
      : hub_(hub), options_(options), run_(run) {}

  // At most 500 items. May be repeated: what is settled is not changed again.
  absl::StatusOr<Settled> Settle(std::span<const SentItem> sent,
                                 const annotation::Capabilities& holds) const;

 private:
  struct Changes;
  void Compare(const SentItem& sent, const viam::app::data::v1::BinaryMetadata& stored,
               const annotation::Capabilities& holds, Changes& changes) const;
  absl::StatusOr<Settled> OneByOne(std::span<const SentItem> sent,
                                   const annotation::Capabilities& holds) const;
  absl::Status Apply(Changes& changes, Settled& settled) const;

  const HubClient& hub_;
  const ImportOptions& options_;
  const google::protobuf::Timestamp run_;
};

}  // namespace bowerbird::app
