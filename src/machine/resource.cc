// SPDX-License-Identifier: Apache-2.0
#include "machine/resource.h"

#include "base/status.h"

namespace bowerbird::machine {

absl::StatusOr<Json> Resource::DoCommand(const Context&, const Json&) {
  return Unknown("DoCommand unimplemented");
}

absl::StatusOr<Json> Resource::GetStatus(const Context&) { return Json::object(); }

absl::Status Resource::Stop(const Context&) { return absl::OkStatus(); }

absl::StatusOr<std::string> Camera::GetPointCloud(const Context&, const Json&) {
  return Unimplemented("this camera gives no point clouds");
}

absl::Status DataManager::UploadBinaryToDatasets(const Context&, const BinaryUpload&) {
  return absl::UnimplementedError("this data manager does not take files for datasets");
}

}  // namespace bowerbird::machine
