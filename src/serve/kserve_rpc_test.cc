// SPDX-License-Identifier: Apache-2.0
#include "serve/kserve_rpc.h"

#include <cstring>

#include "gmock/gmock.h"
#include "kserve/inference.pb.h"
#include "serve/kserve_test_model.h"
#include "serve/rpc_test_server.h"

namespace bowerbird::serve {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kService = "inference.GRPCInferenceService/";

std::string Floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

class KServeRpcTest : public RpcTest {
 protected:
  KServeRpcTest() {
    Serve(std::make_unique<KServeRpc>(
        gate_, KServeOptions{finder_, metrics_, "1.2.3", [this] { return ready_; }}));
    request_.set_model_name("one");
    request_.set_id("call-7");
    auto& input = *request_.add_inputs();
    input.set_name("in_float32");
    input.set_datatype("FP32");
    input.add_shape(2);
    input.add_shape(3);
    request_.add_raw_input_contents(Floats({1, 2, 3, 4, 5, 6}));
  }
  grpc::Status Infer() { return Call(kService + "ModelInfer", request_, response_); }
  // Of an inference that is refused.
  std::string Refusal(grpc::StatusCode code = grpc::StatusCode::INVALID_ARGUMENT) {
    const grpc::Status status = Infer();
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    return status.error_message();
  }

  std::shared_ptr<test::EchoResource> one_ = finder_.Add(
      "one",
      std::make_shared<test::EchoResource>(std::vector<infer::DType>{infer::DType::kFloat32}));
  std::shared_ptr<test::EchoResource> all_ =
      finder_.Add("all", std::make_shared<test::EchoResource>(test::AllTypes()));
  bool ready_ = true;
  inference::ModelInferRequest request_;
  inference::ModelInferResponse response_;
};

TEST_F(KServeRpcTest, RawInputsGiveRawOutputsAndTheIdBack) {
  const auto status = Infer();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response_.model_name(), "one");
  EXPECT_EQ(response_.model_version(), "1");
  EXPECT_EQ(response_.id(), "call-7");
  ASSERT_EQ(response_.outputs_size(), 1);
  EXPECT_EQ(response_.outputs(0).name(), "out_float32");
  EXPECT_EQ(response_.outputs(0).datatype(), "FP32");
  EXPECT_THAT(response_.outputs(0).shape(), ElementsAre(2, 3));
  EXPECT_THAT(response_.raw_output_contents(), ElementsAre(request_.raw_input_contents(0)));
  EXPECT_EQ(gate_.last_resource, "one") << "the limit of calls in flight is the model's";
  EXPECT_THAT(metrics_.Text(), HasSubstr("model=\"echo\""));
}

TEST_F(KServeRpcTest, TypedInputsGiveTypedOutputs) {
  request_.clear_raw_input_contents();
  for (int i = 0; i < 6; ++i)
    request_.mutable_inputs(0)->mutable_contents()->add_fp32_contents(static_cast<float>(i));
  ASSERT_TRUE(Infer().ok());
  EXPECT_EQ(response_.raw_output_contents_size(), 0);
  EXPECT_THAT(response_.outputs(0).contents().fp32_contents(), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST_F(KServeRpcTest, OutputsAreThoseAskedForInThatOrder) {
  request_.set_model_name("all");
  request_.clear_inputs();
  request_.clear_raw_input_contents();
  for (const auto& info : all_->model().metadata().inputs) {
    auto& input = *request_.add_inputs();
    input.set_name(info.name);
    input.add_shape(1);
    input.add_shape(3);
    request_.add_raw_input_contents(std::string(3 * infer::DTypeSize(info.type), '\1'));
  }
  const char* datatypes[] = {"INT8",   "UINT8", "INT16",  "UINT16", "INT32",
                             "UINT32", "INT64", "UINT64", "FP32",   "FP64"};
  for (int i = 0; i < 10; ++i) request_.mutable_inputs(i)->set_datatype(datatypes[i]);
  request_.add_outputs()->set_name("out_int64");
  request_.add_outputs()->set_name("out_int8");
  const auto status = Infer();
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response_.outputs_size(), 2);
  EXPECT_EQ(response_.outputs(0).name(), "out_int64");
  EXPECT_EQ(response_.outputs(1).datatype(), "INT8");
  EXPECT_EQ(response_.raw_output_contents(1).size(), 3u);

  request_.clear_outputs();
  ASSERT_TRUE(Infer().ok());
  ASSERT_EQ(response_.outputs_size(), 10);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(response_.outputs(i).datatype(), datatypes[i]);
}

TEST_F(KServeRpcTest, WrongInputsAreNamedWithWhatIsWanted) {
  request_.mutable_inputs(0)->set_name("image");
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("\"image\""), HasSubstr("\"in_float32\"")));
  request_.mutable_inputs(0)->set_name("in_float32");
  request_.mutable_inputs(0)->set_datatype("UINT8");
  EXPECT_THAT(Refusal(), HasSubstr("datatype UINT8, the model wants FP32"));
  request_.mutable_inputs(0)->set_datatype("FLOAT");
  EXPECT_THAT(Refusal(), HasSubstr("\"FLOAT\" is not known"));
  request_.mutable_inputs(0)->set_datatype("BYTES");
  EXPECT_THAT(Refusal(grpc::StatusCode::UNIMPLEMENTED), HasSubstr("BYTES"));
  request_.mutable_inputs(0)->set_datatype("FP32");
  request_.mutable_inputs(0)->set_shape(1, 4);
  EXPECT_THAT(Refusal(), HasSubstr("has 32 bytes, but 24 were sent"));
  request_.mutable_inputs(0)->set_shape(0, 6);
  request_.mutable_inputs(0)->set_shape(1, 1);
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("[6, 1]"), HasSubstr("[-1, 3]")));
  request_.mutable_inputs(0)->set_shape(0, int64_t{1} << 62);
  EXPECT_THAT(Refusal(), HasSubstr("shape"));
}

TEST_F(KServeRpcTest, InputsThatAreMissingDoubleOrWithoutContentsAreRefused) {
  const auto good = request_;
  request_.add_raw_input_contents("x");
  EXPECT_THAT(Refusal(), HasSubstr("1 inputs, but 2 raw contents"));
  request_ = good;
  request_.clear_raw_input_contents();
  EXPECT_THAT(Refusal(), HasSubstr("0 elements of FP32"));
  request_ = good;
  *request_.add_inputs() = good.inputs(0);
  request_.add_raw_input_contents(good.raw_input_contents(0));
  EXPECT_THAT(Refusal(), HasSubstr("twice"));
  request_.clear_inputs();
  request_.clear_raw_input_contents();
  EXPECT_THAT(Refusal(), HasSubstr("'in_float32' is missing"));
}

TEST_F(KServeRpcTest, OutputsThatCannotBeGivenAreRefused) {
  request_.add_outputs()->set_name("scores");
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("\"scores\""), HasSubstr("\"out_float32\"")));
  request_.mutable_outputs(0)->set_name("out_float32");
  (*request_.mutable_outputs(0)->mutable_parameters())["classification"].set_int64_param(3);
  EXPECT_THAT(Refusal(grpc::StatusCode::UNIMPLEMENTED), HasSubstr("classification"));
  request_.mutable_outputs(0)->clear_parameters();
  *request_.add_outputs() = request_.outputs(0);
  EXPECT_THAT(Refusal(), HasSubstr("twice"));
}

TEST_F(KServeRpcTest, ModelsAndVersionsThatAreNotThereAreNotFound) {
  request_.set_model_version("1");
  EXPECT_TRUE(Infer().ok());
  request_.set_model_version("2");
  EXPECT_THAT(Refusal(grpc::StatusCode::NOT_FOUND), HasSubstr("no version \"2\""));
  request_.set_model_version("");
  request_.set_model_name("nowhere");
  EXPECT_THAT(Refusal(grpc::StatusCode::NOT_FOUND), HasSubstr("nowhere"));
  one_->model_.busy = true;
  request_.set_model_name("one");
  EXPECT_THAT(Refusal(grpc::StatusCode::RESOURCE_EXHAUSTED), HasSubstr("64 callers"));
}

TEST_F(KServeRpcTest, MetadataAndReadinessAreToldByName) {
  inference::ModelMetadataRequest request;
  request.set_name("all");
  inference::ModelMetadataResponse metadata;
  ASSERT_TRUE(Call(kService + "ModelMetadata", request, metadata).ok());
  EXPECT_EQ(metadata.name(), "all");
  EXPECT_THAT(metadata.versions(), ElementsAre("1"));
  ASSERT_EQ(metadata.inputs_size(), 10);
  EXPECT_EQ(metadata.inputs(8).datatype(), "FP32");
  EXPECT_THAT(metadata.inputs(8).shape(), ElementsAre(-1, 3));
  EXPECT_EQ(metadata.outputs(0).name(), "out_int8");

  inference::ModelReadyRequest ask;
  inference::ModelReadyResponse ready;
  ask.set_name("one");
  ASSERT_TRUE(Call(kService + "ModelReady", ask, ready).ok());
  EXPECT_TRUE(ready.ready());
  ask.set_name("nowhere");
  EXPECT_EQ(Call(kService + "ModelReady", ask, ready).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(KServeRpcTest, TheServerTellsOfItself) {
  inference::ServerMetadataResponse server;
  ASSERT_TRUE(Call(kService + "ServerMetadata", inference::ServerMetadataRequest(), server).ok());
  EXPECT_EQ(server.name(), "bowerbird");
  EXPECT_EQ(server.version(), "1.2.3");
  EXPECT_THAT(server.extensions(), ElementsAre("binary_tensor_data"));
  inference::ServerLiveResponse live;
  ASSERT_TRUE(Call(kService + "ServerLive", inference::ServerLiveRequest(), live).ok());
  EXPECT_TRUE(live.live());
  EXPECT_TRUE(gate_.last_method.needs_no_credentials);
  ready_ = false;
  inference::ServerReadyResponse ready;
  ASSERT_TRUE(Call(kService + "ServerReady", inference::ServerReadyRequest(), ready).ok());
  EXPECT_FALSE(ready.ready());
}

}  // namespace
}  // namespace bowerbird::serve
