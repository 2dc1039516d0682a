// SPDX-License-Identifier: Apache-2.0
//
// bowerbird.v1.DownloadService: stored files in pieces. Requests of /data/... over HTTP become its
// calls (download_http.h), so one gate is in front of both.
#pragma once

#include "bowerbird/v1/download.pb.h"
#include "serve/hub_rpc.h"

namespace bowerbird::serve {

// What a request asks for of a file of that size and tag; INVALID_ARGUMENT: a range that is none.
absl::StatusOr<v1::FileHead> DownloadHead(const v1::ReadFileRequest& request,
                                          const std::string& tag, uint64_t size);

class DownloadRpc : public HubRpc {
 public:
  DownloadRpc(Admission& admission, Hub hub);

 private:
  using Send = std::function<bool(const v1::ReadFileResponse&)>;

  absl::Status Read(Call& call, const data::Caller& caller, const v1::ReadFileRequest& request,
                    const Send& send) const;
  absl::Status SendFile(Call& call, const data::Item& item, const v1::ReadFileRequest& request,
                        const Send& send) const;
  absl::Status SendPreview(const data::Item& item, const v1::ReadFileRequest& request,
                           const Send& send) const;
};

}  // namespace bowerbird::serve
