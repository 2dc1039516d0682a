// SPDX-License-Identifier: Apache-2.0
//
// The engine against servers that do not behave; against one that does: serve/kserve_client_test.
#include "infer/remote/remote_model.h"

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "infer/remote/json_message.h"
#include "infer/remote/testing/fake_peer.h"
#include "kserve/inference.pb.h"

namespace bowerbird::infer::remote {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

using Answered = std::pair<int, std::string>;
const Answered kOk = {0, ""};

void AddTensor(
    const std::string& name, const std::string& datatype, std::vector<int64_t> shape,
    google::protobuf::RepeatedPtrField<inference::ModelMetadataResponse::TensorMetadata>* tensors) {
  auto& tensor = *tensors->Add();
  tensor.set_name(name);
  tensor.set_datatype(datatype);
  for (const int64_t extent : shape) tensor.add_shape(extent);
}

// A model that says back what it is given, one input and one output of some type.
FakeGrpcAnswers Echo(const std::string& datatype, std::vector<int64_t> shape) {
  FakeGrpcAnswers answers;
  answers.describe = [=](inference::ModelMetadataResponse& response) {
    response.set_platform("test_echo");
    AddTensor("x", datatype, shape, response.mutable_inputs());
    AddTensor("y", datatype, shape, response.mutable_outputs());
    return kOk;
  };
  answers.infer = [](const inference::ModelInferRequest& request,
                     inference::ModelInferResponse& response) {
    auto& output = *response.add_outputs();
    output.set_name("y");
    output.set_datatype(request.inputs(0).datatype());
    *output.mutable_shape() = request.inputs(0).shape();
    response.add_raw_output_contents(request.raw_input_contents(0));
    return kOk;
  };
  return answers;
}

RemoteOptions OptionsFor(const std::string& scheme, int port) {
  RemoteOptions options;
  options.endpoint = *Endpoint::Parse(scheme + "://127.0.0.1:" + std::to_string(port));
  options.model = "m";
  options.timeout = std::chrono::seconds(5);
  return options;
}

std::unique_ptr<RemoteModel> ConnectOrDie(const RemoteOptions& options) {
  auto model = RemoteModel::Connect({}, options);
  EXPECT_TRUE(model.ok()) << model.status();
  return model.ok() ? *std::move(model) : nullptr;
}

absl::Status InvokeOnce(const RemoteModel& model, const Context& context = {}) {
  const auto lease = model.Acquire({});
  return lease.ok() ? (*lease)->Invoke(context) : lease.status();
}

TEST(RemoteModelOverGrpc, HalfFloatsAreFloatsToCallers) {
  const auto peer = StartGrpcPeer(Echo("FP16", {-1, 2}));
  const auto model = ConnectOrDie(OptionsFor("grpc", peer->port()));
  EXPECT_EQ(model->metadata().inputs[0].type, DType::kFloat32);
  EXPECT_THAT(model->metadata().inputs[0].shape, ElementsAre(-1, 2));
  EXPECT_EQ(model->platform(), "test_echo");
  const auto lease = *model->Acquire({});
  ASSERT_TRUE(lease->ResizeInputs({{2, 2}}).ok());
  const std::array<float, 4> sent = {1.5f, -2, 65504, 0};
  ASSERT_EQ(lease->Input(0).size(), sizeof sent);
  std::memcpy(lease->Input(0).data(), sent.data(), sizeof sent);
  ASSERT_TRUE(lease->Invoke({}).ok());
  EXPECT_EQ(lease->Output(0).type, DType::kFloat32);
  EXPECT_THAT(lease->Output(0).As<float>(), ElementsAre(1.5f, -2, 65504, 0));
}

TEST(RemoteModelOverGrpc, TruthValuesAreBytesToCallers) {
  const auto peer = StartGrpcPeer(Echo("BOOL", {3}));
  const auto model = ConnectOrDie(OptionsFor("grpc", peer->port()));
  const auto lease = *model->Acquire({});
  const std::array<uint8_t, 3> sent = {0, 1, 255};
  std::memcpy(lease->Input(0).data(), sent.data(), sizeof sent);
  ASSERT_TRUE(lease->Invoke({}).ok());
  EXPECT_EQ(lease->Output(0).type, DType::kUint8);
  EXPECT_THAT(lease->Output(0).As<uint8_t>(), ElementsAre(0, 1, 1));
}

TEST(RemoteModelOverGrpc, ShapesBeyondTheDescriptionAreRefusedAndLeaveTheInputAlone) {
  const auto peer = StartGrpcPeer(Echo("UINT8", {-1, 4}));
  const auto model = ConnectOrDie(OptionsFor("grpc", peer->port()));
  const auto lease = *model->Acquire({});
  EXPECT_THAT(MessageOf(lease->ResizeInputs({{1, 5}})), HasSubstr("[-1, 4]"));
  EXPECT_FALSE(lease->ResizeInputs({{4}}).ok());
  EXPECT_FALSE(lease->ResizeInputs({{-1, 4}}).ok());
  EXPECT_THAT(MessageOf(lease->ResizeInputs({{int64_t{1} << 40, 4}})), HasSubstr("at most"));
  EXPECT_EQ(lease->Input(0).size(), 4u);
}

TEST(RemoteModelOverGrpc, DescriptionsThatCannotBeAreRefused) {
  const auto refusal = [](const std::string& datatype, std::vector<int64_t> shape) {
    const auto peer = StartGrpcPeer(Echo(datatype, std::move(shape)));
    const auto model = RemoteModel::Connect({}, OptionsFor("grpc", peer->port()));
    return std::string(model.ok() ? "" : MessageOf(model.status()));
  };
  EXPECT_THAT(refusal("BYTES", {1}), AllOf(HasSubstr("model \"m\" at grpc://127.0.0.1"),
                                           HasSubstr("tensor \"x\""), HasSubstr("BYTES")));
  EXPECT_THAT(refusal("FLOAT", {1}), HasSubstr("is not known"));
  EXPECT_THAT(refusal("FP32", {-2}), HasSubstr("[-2]"));
  EXPECT_THAT(refusal("FP32", {int64_t{1} << 40, int64_t{1} << 40}), HasSubstr("shape"));
  EXPECT_THAT(refusal("FP32", {int64_t{1} << 40}), HasSubstr("at most"));
  EXPECT_THAT(refusal("FP32", std::vector<int64_t>(17, 1)), HasSubstr("17 extents"));
}

TEST(RemoteModelOverGrpc, AnswersThatAreNotAsDescribedAreErrors) {
  FakeGrpcAnswers answers = Echo("FP32", {2});
  std::function<void(inference::ModelInferResponse&)> lie;
  const auto honest = answers.infer;
  answers.infer = [&](const auto& request, auto& response) {
    const Answered answered = honest(request, response);
    lie(response);
    return answered;
  };
  const auto peer = StartGrpcPeer(answers);
  const auto model = ConnectOrDie(OptionsFor("grpc", peer->port()));
  const auto refusal = [&](std::function<void(inference::ModelInferResponse&)> how) {
    lie = std::move(how);
    const absl::Status status = InvokeOnce(*model);
    EXPECT_TRUE(absl::IsInternal(status)) << status;
    return MessageOf(status);
  };
  EXPECT_THAT(refusal([](auto& r) { r.mutable_raw_output_contents(0)->resize(7); }),
              HasSubstr("needs 8"));
  EXPECT_THAT(refusal([](auto& r) { r.mutable_outputs(0)->set_name("z"); }),
              HasSubstr("output \"y\" is missing"));
  EXPECT_THAT(refusal([](auto& r) { r.mutable_outputs(0)->set_datatype("INT32"); }),
              HasSubstr("its description says FP32"));
  EXPECT_THAT(refusal([](auto& r) {
                r.mutable_outputs(0)->set_shape(0, 1);
                r.mutable_raw_output_contents(0)->resize(4);
              }),
              HasSubstr("is FP32 [1]"));
  EXPECT_THAT(refusal([](auto& r) { r.mutable_outputs(0)->set_shape(0, int64_t{1} << 62); }),
              HasSubstr("shape"));
  EXPECT_THAT(refusal([](auto& r) { r.Clear(); }), HasSubstr("is missing"));
  lie = [](auto&) {};
  EXPECT_TRUE(InvokeOnce(*model).ok()) << "the session survived them all";
}

TEST(RemoteModelOverGrpc, ErrorsOfTheServerKeepTheirCodeAndNameTheModel) {
  FakeGrpcAnswers answers = Echo("FP32", {1});
  answers.infer = [](const auto&, auto&) { return Answered{8, "the queue\nis full"}; };
  const auto peer = StartGrpcPeer(answers);
  const auto model = ConnectOrDie(OptionsFor("grpc", peer->port()));
  const absl::Status status = InvokeOnce(*model);
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  EXPECT_THAT(MessageOf(status),
              AllOf(HasSubstr("model \"m\" at"), HasSubstr("the queue?is full")));
}

TEST(RemoteModelOverGrpc, AServerThatWentAndCameBackIsFoundAgain) {
  auto peer = StartGrpcPeer(Echo("FP32", {1}));
  const int port = peer->port();
  const auto model = ConnectOrDie(OptionsFor("grpc", port));
  ASSERT_TRUE(InvokeOnce(*model).ok());
  peer.reset();
  const absl::Status gone = InvokeOnce(*model);
  EXPECT_TRUE(absl::IsUnavailable(gone)) << gone;
  EXPECT_THAT(MessageOf(gone), AllOf(HasSubstr("model \"m\" at grpc://127.0.0.1"),
                                     HasSubstr("does the server run")));
  peer = StartGrpcPeer(Echo("FP32", {1}), port);
  const auto give_up = steady_clock::now() + std::chrono::seconds(10);
  absl::Status back = InvokeOnce(*model);
  while (!back.ok() && steady_clock::now() < give_up) {
    std::this_thread::sleep_for(milliseconds(50));
    back = InvokeOnce(*model);
  }
  EXPECT_TRUE(back.ok()) << back;
}

// What both protocols owe to their callers, against a server that says nothing.
class SilentServer : public testing::TestWithParam<std::string> {
 protected:
  SilentServer() {
    if (GetParam() == "grpc") {
      FakeGrpcAnswers answers = Echo("FP32", {1});
      answers.infer = [this](const auto&, auto&) {
        while (!over_) std::this_thread::sleep_for(milliseconds(5));
        return kOk;
      };
      peer_ = StartGrpcPeer(answers);
    } else {
      peer_ = StartHttpPeer([](const std::string& request) {
        if (request.starts_with("POST")) return std::string("hang");
        return HttpAnswerOf(
            200, "",
            WriteModelDescription({"m", {}, "", {{"x", "FP32", {1}}}, {{"y", "FP32", {1}}}}));
      });
    }
    options_ = OptionsFor(GetParam(), peer_->port());
  }
  ~SilentServer() override { over_ = true; }

  std::atomic<bool> over_{false};
  std::unique_ptr<FakePeer> peer_;
  RemoteOptions options_;
};

TEST_P(SilentServer, TheCallersDeadlineHolds) {
  const auto model = ConnectOrDie(options_);
  const auto start = steady_clock::now();
  const absl::Status status = InvokeOnce(*model, Context().WithTimeout(milliseconds(150)));
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(3));
}

TEST_P(SilentServer, TheCallersCancellationIsSeenAtOnce) {
  const auto model = ConnectOrDie(options_);
  const auto start = steady_clock::now();
  Context context;
  context.cancelled = [start] { return steady_clock::now() - start > milliseconds(150); };
  const absl::Status status = InvokeOnce(*model, context);
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(3));
}

TEST_P(SilentServer, TheEnginesOwnTimeoutSaysThatTheServerIsUnavailable) {
  options_.timeout = milliseconds(200);
  const auto model = ConnectOrDie(options_);
  const absl::Status status = InvokeOnce(*model);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(MessageOf(status), HasSubstr("timeout_seconds"));
}

TEST_P(SilentServer, RequestsBeyondTheLimitWaitInABoundedQueue) {
  options_.instances = 1;
  options_.max_waiting = 0;
  const auto model = ConnectOrDie(options_);
  const auto lease = model->Acquire({});
  ASSERT_TRUE(lease.ok());
  EXPECT_TRUE(absl::IsResourceExhausted(model->Acquire({}).status()));
}

INSTANTIATE_TEST_SUITE_P(Protocols, SilentServer, testing::Values("grpc", "http"),
                         [](const auto& way) { return way.param; });

class BrokenHttpServer : public testing::Test {
 protected:
  // What an inference is answered.
  std::string Refusal(const std::string& answer) {
    const auto peer = StartHttpPeer([&answer](const std::string& request) {
      if (request.starts_with("POST")) return answer;
      return HttpAnswerOf(
          200, "",
          WriteModelDescription({"m", {}, "", {{"x", "FP32", {1}}}, {{"y", "FP32", {2}}}}));
    });
    RemoteOptions options = OptionsFor("http", peer->port());
    options.max_message = 4096;
    const auto model = ConnectOrDie(options);
    const absl::Status status = InvokeOnce(*model);
    EXPECT_FALSE(status.ok());
    return status.ToString(absl::StatusToStringMode::kDefault).c_str();
  }
};

TEST_F(BrokenHttpServer, WhatItAnswersIsCheckedBeforeItIsBelieved) {
  const std::string json = R"({"outputs":[{"name":"y","datatype":"FP32","shape":[2],)";
  const std::string binary = json + R"("parameters":{"binary_data_size":8}}]})";
  const auto with_length = [](size_t length) {
    return "Inference-Header-Content-Length: " + std::to_string(length) + "\r\n";
  };
  EXPECT_THAT(Refusal(HttpAnswerOf(200, "", "")), HasSubstr("not JSON"));
  EXPECT_THAT(Refusal(HttpAnswerOf(200, with_length(9999), binary)), HasSubstr("9999"));
  EXPECT_THAT(Refusal(HttpAnswerOf(200, with_length(binary.size()), binary + "1234567")),
              HasSubstr("beyond the end"));
  EXPECT_THAT(Refusal(HttpAnswerOf(200, "Inference-Header-Content-Length: x\r\n", binary)),
              HasSubstr("no number of bytes"));
  EXPECT_THAT(Refusal(HttpAnswerOf(200, "", json + R"("data":[1]}]})")), HasSubstr("1 elements"));
  EXPECT_THAT(Refusal(HttpAnswerOf(200, "", R"({"outputs":[]})")), HasSubstr("is missing"));
}

TEST_F(BrokenHttpServer, ItsFailuresKeepTheirMeaning) {
  EXPECT_THAT(Refusal(HttpAnswerOf(404, "", R"({"error":"no such model"})")),
              AllOf(HasSubstr("NOT_FOUND"), HasSubstr("no such model")));
  EXPECT_THAT(Refusal(HttpAnswerOf(500, "", "<html>")),
              AllOf(HasSubstr("INTERNAL"), HasSubstr("HTTP status 500")));
  EXPECT_THAT(Refusal(HttpAnswerOf(401, "", "")), HasSubstr("\"headers\""));
  EXPECT_THAT(Refusal(HttpAnswerOf(302, "Location: http://127.0.0.1:1/\r\n", "")),
              HasSubstr("HTTP status 302"));
  EXPECT_THAT(Refusal(HttpAnswerOf(429, "", "")), HasSubstr("RESOURCE_EXHAUSTED"));
}

TEST_F(BrokenHttpServer, LargeAndBrokenOffAnswersEndTheRequest) {
  EXPECT_THAT(Refusal(HttpAnswerOf(200, "", std::string(5000, ' '))),
              HasSubstr("larger than 4096 bytes"));
  EXPECT_THAT(Refusal("HTTP/1.1 200 X\r\nContent-Length: 9999999999999\r\n\r\n{"),
              HasSubstr("UNAVAILABLE"));
  EXPECT_THAT(Refusal("SSH-2.0-x\r\n"), HasSubstr("UNAVAILABLE"));
  EXPECT_THAT(Refusal(""), HasSubstr("UNAVAILABLE"));
}

TEST(RemoteModel, NobodyThereIsUnavailableAndNamed) {
  for (const std::string scheme : {"grpc", "http"}) {
    int port = 0;
    {
      port = StartHttpPeer([](const auto&) { return std::string(); })->port();
    }
    const auto model = RemoteModel::Connect({}, OptionsFor(scheme, port));
    EXPECT_TRUE(absl::IsUnavailable(model.status())) << model.status();
    EXPECT_THAT(MessageOf(model.status()), AllOf(HasSubstr("model \"m\" at " + scheme + "://"),
                                                 HasSubstr("does the server run")));
  }
}

TEST(RemoteModel, OptionsThatCannotWorkAreRefusedBeforeAnybodyIsCalled) {
  RemoteOptions options = OptionsFor("grpcs", 1);
  options.ca_file = "/nowhere/ca.pem";
  EXPECT_THAT(MessageOf(RemoteModel::Connect({}, options).status()), HasSubstr("/nowhere/ca.pem"));
  options.headers = {{"bad name", "x"}};
  EXPECT_THAT(MessageOf(RemoteModel::Connect({}, options).status()), HasSubstr("bad name"));
  options.model = "";
  EXPECT_FALSE(RemoteModel::Connect({}, options).ok());
}

}  // namespace
}  // namespace bowerbird::infer::remote
