// SPDX-License-Identifier: Apache-2.0
#include "capture/testing/test_hub.h"

#include <algorithm>
#include <chrono>
#include <list>
#include <map>
#include <utility>

#include "app/data/v1/data.pb.h"
#include "app/datasync/v1/data_sync.pb.h"
#include "base/mutex.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/impl/codegen/method_handler.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/impl/codegen/rpc_service_method.h"
#include "grpcpp/impl/codegen/service_type.h"
#include "wire/machine/struct.h"

namespace bowerbird::capture {

namespace proto = viam::app::datasync::v1;

class TestHub::Impl : public grpc::Service {
 public:
  Impl() {
    using proto::DataCaptureUploadRequest, proto::DataCaptureUploadResponse,
        proto::StreamingDataCaptureUploadRequest, proto::StreamingDataCaptureUploadResponse,
        proto::FileUploadRequest, proto::FileUploadResponse;
    AddUnary<DataCaptureUploadRequest, DataCaptureUploadResponse>(
        "DataCaptureUpload", [this](const DataCaptureUploadRequest& request) {
          if (auto status = Begin(); !status.ok()) return status;
          for (const auto& data : request.sensor_contents()) {
            Item item = ItemOf(request.metadata(), data.metadata());
            item.content = data.binary();
            if (data.has_struct_()) item.readings = *wire::JsonFromStruct(data.struct_());
            Keep(std::move(item));
          }
          return End();
        });
    AddStream<StreamingDataCaptureUploadRequest, StreamingDataCaptureUploadResponse>(
        "StreamingDataCaptureUpload", [this](auto& reader) { return TakeStream(reader); });
    AddStream<FileUploadRequest, FileUploadResponse>(
        "FileUpload", [this](auto& reader) { return TakeFile(reader); });
    AddUnary<viam::app::data::v1::CreateSequenceRequest,
             viam::app::data::v1::CreateSequenceResponse>(
        "CreateSequence", [this](const auto& request) { return TakeSequence(request); },
        "/viam.app.data.v1.DataService/");
    grpc::ServerBuilder builder;
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~Impl() override { server_->Shutdown(std::chrono::system_clock::now()); }

  HubLink link() {
    return {.channel = server_->InProcessChannel({}), .part_id = "part-1", .in_process = true};
  }

  // The next `times` uploads meet it.
  void Fail(Fault fault, int times) {
    MutexLock lock(mutex_);
    fault_ = fault;
    fault_times_ = times;
  }

  void KeepSequences() {
    MutexLock lock(mutex_);
    keeps_sequences_ = true;
  }

  // By identity: what came twice is there once.
  std::vector<Item> items() const {
    MutexLock lock(mutex_);
    std::vector<Item> all;
    for (const auto& [identity, item] : items_) all.push_back(item);
    return all;
  }
  int uploads() const {
    MutexLock lock(mutex_);
    return uploads_;
  }
  size_t largest_piece() const {
    MutexLock lock(mutex_);
    return largest_piece_;
  }

 private:
  template <typename Request, typename Response, typename Handle>
  void AddUnary(const std::string& name, Handle handle,
                const std::string& service = "/viam.app.datasync.v1.DataSyncService/") {
    names_.push_back(service + name);
    auto serve = [handle](Impl*, grpc::ServerContext*, const Request* request, Response*) {
      return handle(*request);
    };
    AddMethod(new grpc::internal::RpcServiceMethod(
        names_.back().c_str(), grpc::internal::RpcMethod::NORMAL_RPC,
        new grpc::internal::RpcMethodHandler<Impl, Request, Response>(serve, this)));
  }
  template <typename Request, typename Response, typename Handle>
  void AddStream(const std::string& name, Handle handle) {
    names_.push_back("/viam.app.datasync.v1.DataSyncService/" + name);
    auto serve = [handle](Impl*, grpc::ServerContext*, grpc::ServerReader<Request>* reader,
                          Response* response) {
      response->set_binary_data_id("id");
      return handle(*reader);
    };
    AddMethod(new grpc::internal::RpcServiceMethod(
        names_.back().c_str(), grpc::internal::RpcMethod::CLIENT_STREAMING,
        new grpc::internal::ClientStreamingHandler<Impl, Request, Response>(serve, this)));
  }

  grpc::Status TakeSequence(const viam::app::data::v1::CreateSequenceRequest& request) {
    {
      MutexLock lock(mutex_);
      if (!keeps_sequences_) return {grpc::StatusCode::UNIMPLEMENTED, "no sequences"};
    }
    if (auto status = Begin(); !status.ok()) return status;
    Item item;
    item.part_id = request.part_id();
    item.component_name = request.resources(0).resource_name();
    item.method_name = request.resources(0).method_name();
    item.tags.assign(request.sequence_tags().begin(), request.sequence_tags().end());
    item.time_requested = request.start_time().ShortDebugString();
    Keep(std::move(item));
    return End();
  }

  template <typename Reader>
  grpc::Status TakeStream(Reader& reader) {
    proto::StreamingDataCaptureUploadRequest request;
    Item item;
    if (auto status = Begin(); !status.ok()) return status;
    while (reader.Read(&request)) {
      if (request.has_metadata()) {
        item = ItemOf(request.metadata().upload_metadata(), request.metadata().sensor_metadata());
        continue;
      }
      if (auto status = Piece(request.data()); !status.ok()) return status;
      item.content += request.data();
    }
    Keep(std::move(item));
    return End();
  }
  template <typename Reader>
  grpc::Status TakeFile(Reader& reader) {
    proto::FileUploadRequest request;
    Item item;
    if (auto status = Begin(); !status.ok()) return status;
    while (reader.Read(&request)) {
      if (request.has_metadata()) {
        item = ItemOf(request.metadata(), {});
        continue;
      }
      if (auto status = Piece(request.file_contents().data()); !status.ok()) return status;
      item.content += request.file_contents().data();
    }
    Keep(std::move(item));
    return End();
  }

  bool Meets(Fault fault) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (fault_ != fault || fault_times_ == 0) return false;
    --fault_times_;
    return true;
  }
  grpc::Status Begin() {
    MutexLock lock(mutex_);
    ++uploads_;
    if (Meets(Fault::kRefuse)) return {grpc::StatusCode::INVALID_ARGUMENT, "refused"};
    if (Meets(Fault::kUnavailable)) return {grpc::StatusCode::UNAVAILABLE, "away"};
    if (Meets(Fault::kBroken)) return {grpc::StatusCode::INTERNAL, "broken"};
    return grpc::Status::OK;
  }
  grpc::Status Piece(const std::string& bytes) {
    MutexLock lock(mutex_);
    largest_piece_ = std::max(largest_piece_, bytes.size());
    if (Meets(Fault::kMidStream)) return {grpc::StatusCode::INTERNAL, "died"};
    return grpc::Status::OK;
  }
  grpc::Status End() {
    MutexLock lock(mutex_);
    if (Meets(Fault::kLateAnswer)) return {grpc::StatusCode::INTERNAL, "the line was cut"};
    return grpc::Status::OK;
  }
  static Item ItemOf(const proto::UploadMetadata& from, const proto::SensorMetadata& sensor) {
    Item item;
    item.part_id = from.part_id();
    item.component_name = from.component_name();
    item.method_name = from.method_name();
    item.file_name = from.file_name();
    item.file_extension = from.file_extension();
    item.mime_type = from.mime_type();
    item.type = from.type();
    item.tags.assign(from.tags().begin(), from.tags().end());
    item.dataset_ids.assign(from.dataset_ids().begin(), from.dataset_ids().end());
    if (sensor.has_time_requested())
      item.time_requested = sensor.time_requested().ShortDebugString();
    return item;
  }
  void Keep(Item item) {
    MutexLock lock(mutex_);
    const std::string identity = item.component_name + "|" + item.method_name + "|" +
                                 item.file_name + "|" + item.time_requested + "|" + item.content +
                                 "|" + item.readings.dump();
    items_[identity] = std::move(item);
  }

  mutable Mutex mutex_;
  Fault fault_ ABSL_GUARDED_BY(mutex_) = Fault::kNone;
  int fault_times_ ABSL_GUARDED_BY(mutex_) = 0;
  bool keeps_sequences_ ABSL_GUARDED_BY(mutex_) = false;
  int uploads_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t largest_piece_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, Item> items_ ABSL_GUARDED_BY(mutex_);
  std::list<std::string> names_;
  std::unique_ptr<grpc::Server> server_;
};

TestHub::TestHub() : impl_(std::make_unique<Impl>()) {}
TestHub::~TestHub() = default;
HubLink TestHub::link() { return impl_->link(); }
void TestHub::Fail(Fault fault, int times) { impl_->Fail(fault, times); }
void TestHub::KeepSequences() { impl_->KeepSequences(); }
std::vector<TestHub::Item> TestHub::items() const { return impl_->items(); }
int TestHub::uploads() const { return impl_->uploads(); }
size_t TestHub::largest_piece() const { return impl_->largest_piece(); }

}  // namespace bowerbird::capture
