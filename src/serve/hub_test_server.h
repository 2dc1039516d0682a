// SPDX-License-Identifier: Apache-2.0
//
// For tests of the services of stored data: a server with a catalog in a temporary folder, and two
// organizations, which a call chooses by the metadata "organization".
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/data/v1/data.pb.h"
#include "app/dataset/v1/dataset.pb.h"
#include "app/datasync/v1/data_sync.pb.h"
#include "base/status.h"
#include "bowerbird/v1/dataset.pb.h"
#include "serve/hub_services.h"
#include "serve/test_calls.h"

namespace bowerbird::serve::test {

namespace data_v1 = viam::app::data::v1;
namespace sync_v1 = viam::app::datasync::v1;
namespace dataset_v1 = viam::app::dataset::v1;

inline const Headers kFirstOrganization = {};
inline const Headers kSecondOrganization = {{"organization", "org-b"}};

// "org-a" has part "part-a", "org-b" has "part-b".
class TwoOrganizations : public HubAccess {
 public:
  absl::StatusOr<data::Caller> Enter(const serve::Call& call, const std::string& organization_id,
                                     Permission permission) override {
    const std::string own = OrganizationOf(call);
    if (!organization_id.empty() && organization_id != own)
      return NotFound("no organization has the id " + organization_id);
    if (permission == Permission::kWrite && call.Metadata("reader") == "yes")
      return absl::PermissionDeniedError("this key may read only");
    return data::Caller{own, "key of " + own};
  }
  absl::StatusOr<data::Caller> EnterToRead(const serve::Call& call,
                                           const std::string& organization_id) override {
    return Enter(call, organization_id, Permission::kRead);
  }
  absl::StatusOr<Uploader> EnterForPart(const serve::Call& call,
                                        const std::string& part_id) override {
    const std::string own = OrganizationOf(call);
    if (part_id != PartOf(own)) return NotFound("no part has the id " + part_id);
    return Uploader{{own, "key of " + own}, {"loc-1", "robot-1", "bench", part_id, "bench-main"}};
  }

 private:
  static std::string OrganizationOf(const serve::Call& call) {
    const std::string named = call.Metadata("organization");
    return named.empty() ? "org-a" : named;
  }
  static std::string PartOf(const std::string& organization) {
    return organization == "org-a" ? "part-a" : "part-b";
  }
};

class HubServerTest : public testing::Test {
 protected:
  void SetUp() override {
    data::CatalogOptions catalog;
    catalog.directory = folder_.path() + "/hub";
    auto opened = data::Catalog::Open(catalog);
    ASSERT_TRUE(opened.ok()) << opened.status();
    catalog_ = *std::move(opened);
    options_.data_dir = folder_.path();
    options_.listen = {"127.0.0.1:0"};
    auto server = Server::Create(options_, metrics_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    const Hub hub{*catalog_, access_, links_};
    services_ = MakeServices(server_->admission(), hub);
    std::vector<RpcService*> services;
    for (const auto& service : services_) services.push_back(service.get());
    const absl::Status started = server_->Start(services, nullptr);
    ASSERT_TRUE(started.ok()) << started;
    channel_ = Dial(server_->port());
  }
  void TearDown() override {
    if (server_ != nullptr) server_->Stop(std::chrono::seconds(1));
  }

  virtual std::vector<std::unique_ptr<RpcService>> MakeServices(Admission& admission,
                                                                const Hub& hub) {
    return MakeHubServices(admission, hub);
  }

  // `method`: "DataService/TagsByFilter".
  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(const std::string& method, const Request& request,
                               const Headers& metadata = kFirstOrganization) {
    std::vector<Response> answers;
    RETURN_IF_ERROR(Stream(method, request, answers, metadata));
    if (answers.size() != 1) return Internal(std::to_string(answers.size()) + " answers");
    return answers.front();
  }

  template <typename Response, typename Request>
  absl::Status Stream(const std::string& method, const Request& request,
                      std::vector<Response>& answers, const Headers& metadata = {}) {
    AnyCall call(channel_, "/" + PackageOf(method) + "." + method, metadata);
    call.Write(request.SerializeAsString());
    call.WritesDone();
    for (std::string message; (message = call.Read()) != "<end>";)
      if (!answers.emplace_back().ParseFromString(message)) return Internal("no message");
    return StatusOf(call.Finish());
  }

  static absl::Status StatusOf(const grpc::Status& status) {
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                        ToAbsl(status.error_message()));
  }

  static std::string PackageOf(const std::string& method) {
    if (method.starts_with("DataService")) return "viam.app.data.v1";
    if (method.starts_with("DataSyncService")) return "viam.app.datasync.v1";
    if (method.starts_with("DatasetService")) return "viam.app.dataset.v1";
    return "bowerbird.v1";
  }

  static sync_v1::DataCaptureUploadRequest BinaryUpload(const std::string& content, int64_t second,
                                                        const std::string& part = "part-a") {
    sync_v1::DataCaptureUploadRequest request;
    sync_v1::UploadMetadata& upload = *request.mutable_metadata();
    upload.set_part_id(part);
    upload.set_component_type("rdk:component:camera");
    upload.set_component_name("cam");
    upload.set_method_name("ReadImage");
    upload.set_file_extension(".jpg");
    upload.set_type(sync_v1::DATA_TYPE_BINARY_SENSOR);
    sync_v1::SensorData& data = *request.add_sensor_contents();
    data.mutable_metadata()->mutable_time_requested()->set_seconds(second);
    data.set_binary(content);
    return request;
  }

  // The binary_data_id, "" after a failure.
  std::string Upload(const std::string& content, int64_t second, const std::string& part = "part-a",
                     const Headers& metadata = kFirstOrganization) {
    const auto answer = Ask<sync_v1::DataCaptureUploadResponse>(
        "DataSyncService/DataCaptureUpload", BinaryUpload(content, second, part), metadata);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? answer->binary_data_id() : "";
  }

  absl::StatusOr<data_v1::BinaryDataByFilterResponse> Find(
      const data_v1::BinaryDataByFilterRequest& request,
      const Headers& metadata = kFirstOrganization) {
    return Ask<data_v1::BinaryDataByFilterResponse>("DataService/BinaryDataByFilter", request,
                                                    metadata);
  }
  uint64_t Count(const Headers& metadata = kFirstOrganization) {
    data_v1::BinaryDataByFilterRequest request;
    request.set_count_only(true);
    const auto found = Find(request, metadata);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? found->count() : 0;
  }

  TempFolder folder_;
  TwoOrganizations access_;
  DownloadLinks links_{"a secret of this test", /*tls=*/false};
  ServerOptions options_;
  Metrics metrics_;
  std::unique_ptr<data::Catalog> catalog_;
  std::unique_ptr<Server> server_;
  std::vector<std::unique_ptr<RpcService>> services_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace bowerbird::serve::test
