// SPDX-License-Identifier: Apache-2.0
//
// viam.app.data.v1.DataService: what has been captured, found, labelled, given out, deleted.
//
// An answer holds at most kMaxAnswerBytes, whatever the page size: a page that would be larger ends
// earlier, and `last` says where to go on. A file that fits no answer at all comes without its
// bytes in a page (its size is in the metadata, its address in `uri`); asked for by id it is
// RESOURCE_EXHAUSTED. `last` is given with every page that is not empty, since clients go on until
// one is.
#pragma once

#include "app/data/v1/data.pb.h"
#include "serve/hub_rpc.h"

namespace bowerbird::serve {

class DataRpc : public HubRpc {
 public:
  // Below the 32 MiB that clients of this wire accept in one message.
  static constexpr size_t kMaxAnswerBytes = size_t{30} << 20;

  DataRpc(Admission& admission, Hub hub, size_t max_answer_bytes = kMaxAnswerBytes);

 private:
  using BinaryFilterRequest = viam::app::data::v1::BinaryDataByFilterRequest;
  using BinaryFilterResponse = viam::app::data::v1::BinaryDataByFilterResponse;
  using BinaryIdsRequest = viam::app::data::v1::BinaryDataByIDsRequest;
  using BinaryIdsResponse = viam::app::data::v1::BinaryDataByIDsResponse;

  // Registration, by subject; each in a file of its own.
  void AddItemCalls();
  void AddTagCalls();
  void AddBoxCalls();
  void AddDatasetCalls();
  void AddReadingCalls();
  void RefuseTheRest();

  absl::Status FindItems(Call& call, const BinaryFilterRequest& request,
                         BinaryFilterResponse& response) const;
  absl::Status GetItems(Call& call, const BinaryIdsRequest& request,
                        BinaryIdsResponse& response) const;
  absl::Status MakeSignedUrl(
      Call& call, const viam::app::data::v1::CreateBinaryDataSignedURLRequest& request,
      viam::app::data::v1::CreateBinaryDataSignedURLResponse& response) const;
  absl::Status FindReadings(Call& call,
                            const viam::app::data::v1::TabularDataByFilterRequest& request,
                            viam::app::data::v1::TabularDataByFilterResponse& response) const;
  absl::Status ExportReadings(
      Call& call, const viam::app::data::v1::ExportTabularDataRequest& request,
      const std::function<bool(const viam::app::data::v1::ExportTabularDataResponse&)>& send) const;

  // How many of `items`, which become messages in `response`, one answer can hold.
  absl::StatusOr<size_t> Fill(const Call& call, const std::vector<data::Item>& items,
                              bool with_content, BinaryFilterResponse& response) const;

  const size_t max_answer_bytes_;
};

}  // namespace bowerbird::serve
