// SPDX-License-Identifier: Apache-2.0
#include "serve/mlmodel_rpc.h"

#include <cstring>

#include "gmock/gmock.h"
#include "serve/rpc_test_server.h"
#include "service/mlmodel/v1/mlmodel.pb.h"

namespace bowerbird::serve {
namespace {

namespace proto = viam::service::mlmodel::v1;
using infer::DType;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kService = "viam.service.mlmodel.v1.MLModelService/";

// Takes "image" (uint8 [1, 4]) and gives "sum" (float32 [1]) and "halves" (uint8 [1, 4]).
class SummingLease : public infer::Lease {
 public:
  explicit SummingLease(const infer::ModelMetadata& metadata) : metadata_(metadata) {}
  absl::Status ResizeInputs(const std::vector<infer::Shape>&) override {
    return InvalidArgument("the input cannot be resized");
  }
  std::span<std::byte> Input(int) override { return std::as_writable_bytes(std::span(input_)); }
  infer::TensorView InputView(int) const override {
    return {DType::kUint8, metadata_.inputs[0].shape, std::as_bytes(std::span(input_))};
  }
  absl::Status Invoke(const Context& context) override {
    const PhaseTimer timer(context.phases, Phase::kInvoke);
    RETURN_IF_ERROR(context.Check());
    sum_ = 0;
    for (size_t i = 0; i < input_.size(); ++i) {
      sum_ += input_[i];
      halves_[i] = static_cast<uint8_t>(input_[i] / 2);
    }
    return absl::OkStatus();
  }
  infer::TensorView Output(int index) const override {
    const auto& shape = metadata_.outputs[static_cast<size_t>(index)].shape;
    if (index == 0) return {DType::kFloat32, shape, std::as_bytes(std::span(&sum_, 1))};
    return {DType::kUint8, shape, std::as_bytes(std::span(halves_))};
  }

 private:
  const infer::ModelMetadata& metadata_;
  std::array<uint8_t, 4> input_{};
  std::array<uint8_t, 4> halves_{};
  float sum_ = 0;
};

class SummingModel : public infer::Model {
 public:
  SummingModel() {
    metadata_.name = "summing";
    infer::TensorInfo image, sum, halves;
    image.name = image.graph_name = "image";
    image.type = DType::kUint8;
    image.shape = {1, 4};
    sum.name = sum.graph_name = "sum";
    sum.shape = {1};
    sum.labels_path = "/labels.txt";
    halves.name = halves.graph_name = "halves";
    halves.type = DType::kUint8;
    halves.shape = {1, 4};
    metadata_.inputs = {image};
    metadata_.outputs = {sum, halves};
  }
  const infer::ModelMetadata& metadata() const override { return metadata_; }
  absl::StatusOr<std::unique_ptr<infer::Lease>> Acquire(const Context&) const override {
    if (busy) return ResourceExhausted("64 callers wait already");
    return std::make_unique<SummingLease>(metadata_);
  }
  bool busy = false;

 private:
  infer::ModelMetadata metadata_;
};

class SummingResource : public machine::MlModel {
 public:
  const infer::Model& model() const override { return model_; }
  const std::string& metrics_label() const override { return label_; }
  SummingModel model_;
  std::string label_ = "summing-model";
};

class MlModelRpcTest : public RpcTest {
 protected:
  MlModelRpcTest() {
    Serve(std::make_unique<MlModelRpc>(gate_, finder_, metrics_));
    request_.set_name("m");
    auto& tensor = (*request_.mutable_input_tensors()->mutable_tensors())["image"];
    tensor.add_shape(1);
    tensor.add_shape(4);
    tensor.mutable_uint8_tensor()->set_data("\x02\x04\x06\xFF");
  }

  grpc::Status Infer() { return Call(kService + "Infer", request_, response_); }
  proto::FlatTensor& Input() {
    return (*request_.mutable_input_tensors()->mutable_tensors())["image"];
  }

  std::shared_ptr<SummingResource> model_ = finder_.Add("m", std::make_shared<SummingResource>());
  proto::InferRequest request_;
  proto::InferResponse response_;
};

TEST_F(MlModelRpcTest, InferRunsTheModelOnTheTensorsSent) {
  const auto status = Infer();
  ASSERT_TRUE(status.ok()) << status.error_message();
  const auto& outputs = response_.output_tensors().tensors();
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_THAT(outputs.at("sum").float_tensor().data(), ElementsAre(267.0f));
  EXPECT_THAT(outputs.at("sum").shape(), ElementsAre(1u));
  EXPECT_EQ(outputs.at("halves").uint8_tensor().data(), "\x01\x02\x03\x7F");
  EXPECT_THAT(outputs.at("halves").shape(), ElementsAre(1u, 4u));
}

TEST_F(MlModelRpcTest, ASingleInputMayHaveAnyName) {
  auto& tensors = *request_.mutable_input_tensors()->mutable_tensors();
  tensors["whatever"] = tensors["image"];
  tensors.erase("image");
  EXPECT_TRUE(Infer().ok());
}

TEST_F(MlModelRpcTest, PhasesAreCountedUnderTheModelsLabelAndReachTheCall) {
  ASSERT_TRUE(Infer().ok());
  EXPECT_THAT(metrics_.Text(),
              AllOf(HasSubstr("model=\"summing-model\""), HasSubstr("phase=\"invoke\"")));
  EXPECT_GT(gate_.last_phases.Get(Phase::kInvoke).count(), 0);
}

TEST_F(MlModelRpcTest, WrongTensorsAreNamed) {
  Input().mutable_uint8_tensor()->set_data("abc");
  auto status = Infer();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), AllOf(HasSubstr("\"image\""), HasSubstr("3 of uint8")));

  Input().clear_shape();
  Input().add_shape(3);
  status = Infer();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), AllOf(HasSubstr("image"), HasSubstr("[3]")));

  Input().mutable_float_tensor()->add_data(1);
  Input().mutable_float_tensor()->add_data(1);
  Input().mutable_float_tensor()->add_data(1);
  status = Infer();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), AllOf(HasSubstr("float32"), HasSubstr("uint8")));
}

TEST_F(MlModelRpcTest, MissingInputsAreNamed) {
  request_.clear_input_tensors();
  const auto status = Infer();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("'image' is missing"));
}

TEST_F(MlModelRpcTest, AFullQueueIsResourceExhausted) {
  model_->model_.busy = true;
  EXPECT_EQ(Infer().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(MlModelRpcTest, AModelThatIsNotThereIsNotFound) {
  request_.set_name("nowhere");
  const auto status = Infer();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "no node found with api rdk:service:mlmodel and name nowhere");
}

TEST_F(MlModelRpcTest, MetadataDescribesTheTensorsInOrder) {
  proto::MetadataRequest request;
  request.set_name("m");
  proto::MetadataResponse response;
  ASSERT_TRUE(Call(kService + "Metadata", request, response).ok());
  const auto& metadata = response.metadata();
  EXPECT_EQ(metadata.name(), "summing");
  ASSERT_EQ(metadata.input_info_size(), 1);
  EXPECT_EQ(metadata.input_info(0).name(), "image");
  EXPECT_EQ(metadata.input_info(0).data_type(), "uint8");
  EXPECT_THAT(metadata.input_info(0).shape(), ElementsAre(1, 4));
  ASSERT_EQ(metadata.output_info_size(), 2);
  EXPECT_EQ(metadata.output_info(0).name(), "sum");
  EXPECT_EQ(metadata.output_info(0).extra().fields().at("labels").string_value(), "/labels.txt");
  EXPECT_EQ(metadata.output_info(1).name(), "halves");
}

TEST_F(MlModelRpcTest, InferTakesNoDoCommand) {
  viam::common::v1::DoCommandRequest request;
  viam::common::v1::DoCommandResponse response;
  EXPECT_EQ(Call(kService + "DoCommand", request, response).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

}  // namespace
}  // namespace bowerbird::serve
