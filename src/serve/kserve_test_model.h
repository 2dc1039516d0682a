// SPDX-License-Identifier: Apache-2.0
//
// For tests of KServe's protocol: a model with a pair of tensors of every element type, and a
// server that has it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "infer/model.h"
#include "machine/resource.h"
#include "serve/kserve_rpc.h"
#include "serve/rpc_test_server.h"
#include "serve/server.h"
#include "serve/test_peer.h"

namespace bowerbird::serve::test {

inline const std::vector<infer::DType>& AllTypes() {
  using infer::DType;
  static const std::vector<DType> types = {
      DType::kInt8,   DType::kUint8, DType::kInt16,  DType::kUint16,  DType::kInt32,
      DType::kUint32, DType::kInt64, DType::kUint64, DType::kFloat32, DType::kFloat64};
  return types;
}

// Input "in_int8" [-1, 3] comes back as output "out_int8", and so on for every type.
class EchoLease : public infer::Lease {
 public:
  explicit EchoLease(const infer::ModelMetadata& metadata) : metadata_(metadata) {
    tensors_.resize(metadata.inputs.size());
    for (size_t i = 0; i < tensors_.size(); ++i) Size(i, {1, 3});
  }
  absl::Status ResizeInputs(const std::vector<infer::Shape>& shapes) override {
    for (const infer::Shape& shape : shapes) {
      if (shape.size() != 2 || shape[1] != 3) return InvalidArgument("only [-1, 3] fits");
    }
    for (size_t i = 0; i < shapes.size(); ++i) Size(i, shapes[i]);
    return absl::OkStatus();
  }
  std::span<std::byte> Input(int index) override {
    return tensors_[static_cast<size_t>(index)].bytes;
  }
  infer::TensorView InputView(int index) const override {
    return tensors_[static_cast<size_t>(index)].view();
  }
  absl::Status Invoke(const Context& context) override { return context.Check(); }
  infer::TensorView Output(int index) const override { return InputView(index); }

 private:
  void Size(size_t i, infer::Shape shape) {
    const auto rows = static_cast<size_t>(shape[0]);
    tensors_[i].type = metadata_.inputs[i].type;
    tensors_[i].shape = std::move(shape);
    tensors_[i].bytes.resize(rows * 3 * infer::DTypeSize(tensors_[i].type));
  }
  const infer::ModelMetadata& metadata_;
  std::vector<infer::Tensor> tensors_;
};

class EchoModel : public infer::Model {
 public:
  explicit EchoModel(const std::vector<infer::DType>& types) {
    for (const infer::DType type : types) {
      infer::TensorInfo info;
      info.type = type;
      info.shape = {-1, 3};
      info.name = info.graph_name = "in_" + std::string(infer::DTypeName(type));
      metadata_.inputs.push_back(info);
      info.name = info.graph_name = "out_" + std::string(infer::DTypeName(type));
      metadata_.outputs.push_back(info);
    }
  }
  const infer::ModelMetadata& metadata() const override { return metadata_; }
  absl::StatusOr<std::unique_ptr<infer::Lease>> Acquire(const Context&) const override {
    if (busy) return ResourceExhausted("64 callers wait already");
    return std::make_unique<EchoLease>(metadata_);
  }
  bool busy = false;

 private:
  infer::ModelMetadata metadata_;
};

class EchoResource : public machine::MlModel {
 public:
  explicit EchoResource(const std::vector<infer::DType>& types) : model_(types) {}
  const infer::Model& model() const override { return model_; }
  const std::string& metrics_label() const override { return label_; }
  EchoModel model_;
  const std::string label_ = "echo";
};

// Models "all" (every type) and "one" (float32) behind a port.
class KServeServerTest : public testing::Test {
 protected:
  KServeServerTest() {
    options_.data_dir = folder_.path();
    options_.listen = {"127.0.0.1:0"};
  }
  void Start() {
    auto server = Server::Create(options_, metrics_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    kserve_ = std::make_unique<KServeRpc>(
        server_->admission(), KServeOptions{finder_, metrics_, "1.2.3", [this] { return ready_; }});
    const absl::Status started = server_->Start({kserve_.get()}, nullptr);
    ASSERT_TRUE(started.ok()) << started;
  }
  ~KServeServerTest() override {
    if (server_ != nullptr) server_->Stop(std::chrono::seconds(1));
  }

  TempFolder folder_;
  ServerOptions options_;
  Metrics metrics_;
  TestFinder finder_;
  bool ready_ = true;
  std::shared_ptr<EchoResource> all_ =
      finder_.Add("all", std::make_shared<EchoResource>(AllTypes()));
  std::shared_ptr<EchoResource> one_ = finder_.Add(
      "one", std::make_shared<EchoResource>(std::vector<infer::DType>{infer::DType::kFloat32}));
  std::unique_ptr<Server> server_;
  std::unique_ptr<KServeRpc> kserve_;
};

}  // namespace bowerbird::serve::test
