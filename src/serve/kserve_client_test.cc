// SPDX-License-Identifier: Apache-2.0
//
// The remote engine against this server: the same model must look and answer the same over every
// protocol.
#include <atomic>
#include <cstring>
#include <random>
#include <thread>

#include "gmock/gmock.h"
#include "infer/remote/remote_model.h"
#include "serve/kserve_test_model.h"

namespace bowerbird::serve {
namespace {

using infer::DType;
using infer::remote::Endpoint;
using infer::remote::RemoteModel;
using infer::remote::RemoteOptions;
using testing::AllOf;
using testing::HasSubstr;

struct Way {
  std::string name;
  std::string scheme;
  bool json = false;
};

class KServeClient : public test::KServeServerTest, public testing::WithParamInterface<Way> {
 protected:
  RemoteOptions OptionsFor(const std::string& model) {
    RemoteOptions options;
    options.endpoint = *Endpoint::Parse(GetParam().scheme + (server_->tls() ? "s" : "") +
                                        "://localhost:" + std::to_string(server_->port()));
    options.model = model;
    options.json = GetParam().json;
    options.timeout = std::chrono::seconds(20);
    return options;
  }
  std::unique_ptr<RemoteModel> Connect(const std::string& model) {
    auto connected = RemoteModel::Connect({}, OptionsFor(model));
    EXPECT_TRUE(connected.ok()) << connected.status();
    return connected.ok() ? *std::move(connected) : nullptr;
  }
  absl::Status RunOnce(const infer::Model& model, const infer::NamedViews& inputs) {
    ASSIGN_OR_RETURN(const auto lease, model.Acquire({}));
    return infer::Run({}, model, inputs, *lease).status();
  }
};

// Any bits for integers; for floats such that JSON can say.
infer::Tensor RandomTensor(DType type, infer::Shape shape, std::mt19937& random) {
  infer::Tensor tensor{type, std::move(shape), {}};
  const auto count = static_cast<size_t>(*infer::ElementCount(tensor.shape));
  tensor.bytes.resize(count * infer::DTypeSize(type));
  for (std::byte& byte : tensor.bytes) byte = static_cast<std::byte>(random());
  std::normal_distribution<double> normal;
  for (size_t i = 0; i < count; ++i) {
    const double real = normal(random);
    const auto narrow = static_cast<float>(real);
    if (type == DType::kFloat32) std::memcpy(tensor.bytes.data() + i * 4, &narrow, 4);
    if (type == DType::kFloat64) std::memcpy(tensor.bytes.data() + i * 8, &real, 8);
  }
  return tensor;
}

TEST_P(KServeClient, EveryTypeComesBackBitByBit) {
  Start();
  const auto model = Connect("all");
  ASSERT_NE(model, nullptr);
  std::mt19937 random(7);
  const auto lease = *model->Acquire({});
  for (const int64_t rows : {1, 4, 1, 50}) {
    infer::NamedTensors inputs;
    infer::NamedViews views;
    for (const DType type : test::AllTypes()) {
      const std::string name(infer::DTypeName(type));
      views["in_" + name] = (inputs[name] = RandomTensor(type, {rows, 3}, random)).view();
    }
    const auto outputs = infer::Run({}, *model, views, *lease);
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    for (const auto& [name, input] : inputs) {
      const infer::TensorView& output = outputs->at("out_" + name);
      EXPECT_EQ(output.type, input.type);
      EXPECT_EQ(infer::Shape(output.shape.begin(), output.shape.end()), input.shape);
      ASSERT_EQ(output.bytes.size(), input.bytes.size());
      EXPECT_EQ(std::memcmp(output.bytes.data(), input.bytes.data(), input.bytes.size()), 0)
          << name;
    }
  }
}

TEST_P(KServeClient, TheMetadataIsTheModelsOwn) {
  Start();
  const auto remote = Connect("all");
  const infer::ModelMetadata& local = all_->model().metadata();
  ASSERT_EQ(remote->metadata().inputs.size(), local.inputs.size());
  for (size_t i = 0; i < local.inputs.size(); ++i) {
    EXPECT_EQ(remote->metadata().inputs[i].name, local.inputs[i].name);
    EXPECT_EQ(remote->metadata().inputs[i].type, local.inputs[i].type);
    EXPECT_EQ(remote->metadata().inputs[i].shape, local.inputs[i].shape);
    EXPECT_EQ(remote->metadata().outputs[i].name, local.outputs[i].name);
  }
  EXPECT_EQ(remote->platform(), "bowerbird_mlmodel");
}

TEST_P(KServeClient, ModelsThatAreNotThereAreNotFound) {
  Start();
  const auto nowhere = RemoteModel::Connect({}, OptionsFor("no where/?"));
  EXPECT_TRUE(absl::IsNotFound(nowhere.status())) << nowhere.status();
  EXPECT_THAT(MessageOf(nowhere.status()),
              AllOf(HasSubstr("model \"no where/?\" at "), HasSubstr("no node found")));
  RemoteOptions second = OptionsFor("one");
  second.version = "2";
  EXPECT_TRUE(absl::IsNotFound(RemoteModel::Connect({}, second).status()));
  second.version = "1";
  EXPECT_TRUE(RemoteModel::Connect({}, second).ok());
}

TEST_P(KServeClient, WrongTensorsAreRefusedLikeALocalModels) {
  Start();
  const auto model = Connect("one");
  const std::array<float, 4> values = {};
  const infer::Shape shape = {1, 4};
  const auto refused =
      RunOnce(*model, {{"in_float32", {DType::kFloat32, shape, std::as_bytes(std::span(values))}}});
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_THAT(MessageOf(refused), HasSubstr("[-1, 3]"));
}

TEST_P(KServeClient, AModelThatWasReplacedOverThereIsAnErrorUntilTheNextConnection) {
  Start();
  const auto model = Connect("one");
  finder_.Add("one", std::make_shared<test::EchoResource>(std::vector<DType>{DType::kInt32}));
  const std::array<float, 3> values = {};
  const infer::Shape shape = {1, 3};
  const auto refused =
      RunOnce(*model, {{"in_float32", {DType::kFloat32, shape, std::as_bytes(std::span(values))}}});
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_THAT(MessageOf(refused), HasSubstr("in_int32"));
}

TEST_P(KServeClient, AFullQueueOverThereIsResourceExhaustedHere) {
  Start();
  const auto model = Connect("one");
  one_->model_.busy = true;
  const auto lease = *model->Acquire({});
  const absl::Status status = lease->Invoke({});
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(MessageOf(status), HasSubstr("64 callers wait already"));
}

TEST_P(KServeClient, RequestsThatTheServerFindsTooLargeEndWithItsWord) {
  options_.max_message = 16384;
  Start();
  const auto model = Connect("one");
  const auto lease = *model->Acquire({});
  ASSERT_TRUE(lease->ResizeInputs({{20000, 3}}).ok());
  const absl::Status status = lease->Invoke({});
  EXPECT_TRUE(absl::IsInvalidArgument(status) || absl::IsResourceExhausted(status)) << status;
  ASSERT_TRUE(lease->ResizeInputs({{2, 3}}).ok());
  EXPECT_TRUE(lease->Invoke({}).ok()) << "the next one is answered";
}

TEST_P(KServeClient, AServerThatStopsIsUnavailable) {
  Start();
  const auto model = Connect("one");
  const auto lease = *model->Acquire({});
  ASSERT_TRUE(lease->Invoke({}).ok());
  server_->Stop(std::chrono::nanoseconds(0));
  const absl::Status status = lease->Invoke({});
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(MessageOf(status), HasSubstr("model \"one\" at " + GetParam().scheme));
}

TEST_P(KServeClient, CredentialsGoAsHeaders) {
  Start();
  ASSERT_TRUE(server_->SetAuthHandlers({{"api-key", {{"key-1", "s3cret"}}}}).ok());
  RemoteOptions options = OptionsFor("one");
  EXPECT_TRUE(absl::IsUnauthenticated(RemoteModel::Connect({}, options).status()));
  const auto token = server_->authenticator().Authenticate("key-1", "api-key", "s3cret");
  options.headers = {{"authorization", "Bearer " + *token}};
  const auto model = RemoteModel::Connect({}, options);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_TRUE((*(*model)->Acquire({}))->Invoke({}).ok());
}

TEST_P(KServeClient, TlsIsCheckedAgainstTheCertificateNamed) {
  const test::TestCertificate certificate(folder_);
  options_.tls_certificate_file = certificate.certificate_file;
  options_.tls_key_file = certificate.key_file;
  Start();
  RemoteOptions options = OptionsFor("one");
  EXPECT_TRUE(absl::IsUnavailable(RemoteModel::Connect({}, options).status()));
  options.ca_file = certificate.certificate_file;
  const auto model = RemoteModel::Connect({}, options);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_TRUE((*(*model)->Acquire({}))->Invoke({}).ok());
}

TEST_P(KServeClient, ManyCallersAtOnceGetTheirOwnAnswers) {
  Start();
  const auto model = Connect("one");
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 40; ++i) {
        const auto lease = model->Acquire({});
        if (!lease.ok()) continue;
        const auto value = static_cast<float>(t * 1000 + i);
        const std::array<float, 3> sent = {value, -value, 0.5f};
        std::memcpy((*lease)->Input(0).data(), sent.data(), sizeof sent);
        if (!(*lease)->Invoke({}).ok()) continue;
        right += std::memcmp((*lease)->Output(0).bytes.data(), sent.data(), sizeof sent) == 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 240);
}

INSTANTIATE_TEST_SUITE_P(Ways, KServeClient,
                         testing::Values(Way{"grpc", "grpc"}, Way{"http", "http"},
                                         Way{"json", "http", true}),
                         [](const auto& way) { return way.param.name; });

}  // namespace
}  // namespace bowerbird::serve
