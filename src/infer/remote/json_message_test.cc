// SPDX-License-Identifier: Apache-2.0
#include "infer/remote/json_message.h"

#include <cstring>

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird::infer::remote {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

absl::StatusOr<InferMessage> Parse(const std::string& json, const std::string& binary = "") {
  if (binary.empty()) return ParseInferBody(Direction::kRequest, json, std::nullopt);
  return ParseInferBody(Direction::kRequest, json + binary, json.size());
}

std::string Refusal(const std::string& json, const std::string& binary = "") {
  const auto message = Parse(json, binary);
  EXPECT_FALSE(message.ok()) << json;
  return MessageOf(message.status());
}

std::string Input(const std::string& rest) { return R"({"inputs":[{"name":"x",)" + rest + "}]}"; }

TEST(ParseInferBody, ReadsTensorsAsJson) {
  const auto message = Parse(R"({
    "id": "42", "parameters": {"binary_data_output": true, "timeout": 5},
    "inputs": [
      {"name": "a", "shape": [2, 2], "datatype": "FP32", "data": [[1, 2], [3.5, -4e2]]},
      {"data": [true, false], "datatype": "BOOL", "shape": [2], "name": "b", "extra": {"k": [1]}}],
    "outputs": [{"name": "p", "parameters": {"binary_data": false}},
                {"name": "q", "parameters": {"classification": 3}}, {"name": "r"}]})");
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->id, "42");
  EXPECT_TRUE(message->binary_output);
  ASSERT_THAT(message->tensors, SizeIs(2));
  const MessageTensor& a = message->tensors[0];
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.type, DType::kFloat32);
  EXPECT_THAT(a.shape, ElementsAre(2, 2));
  EXPECT_FALSE(a.binary);
  std::array<float, 4> values;
  ASSERT_EQ(a.bytes.size(), sizeof values);
  std::memcpy(values.data(), a.bytes.data(), sizeof values);
  EXPECT_THAT(values, ElementsAre(1, 2, 3.5f, -400));
  EXPECT_EQ(message->tensors[1].bytes, std::string("\1\0", 2)) << "the type may follow the data";
  ASSERT_THAT(message->requested, SizeIs(3));
  EXPECT_EQ(message->requested[0].binary, std::optional(false));
  EXPECT_EQ(message->requested[1].classes, 3);
  EXPECT_EQ(message->requested[2].binary, std::nullopt);
}

TEST(ParseInferBody, ReadsBinaryTensorsInOrderAmongJsonOnes) {
  const auto message = Parse(
      R"({"inputs":[
        {"name":"a","shape":[3],"datatype":"UINT8","parameters":{"binary_data_size":3}},
        {"name":"b","shape":[1],"datatype":"INT8","data":[-1]},
        {"name":"c","shape":[1],"datatype":"FP16","parameters":{"binary_data_size":2}}]})",
      "abcde");
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->tensors[0].bytes, "abc");
  EXPECT_TRUE(message->tensors[0].binary);
  EXPECT_EQ(message->tensors[1].bytes, "\xFF");
  EXPECT_EQ(message->tensors[2].bytes, "de");
}

TEST(ParseInferBody, AnAnswerHasItsTensorsUnderOutputs) {
  const auto message =
      ParseInferBody(Direction::kAnswer,
                     R"({"model_name":"m","model_version":"1","inputs":[{"any":"thing"}],
                         "outputs":[{"name":"y","datatype":"INT64","shape":[],"data":[7]}]})",
                     std::nullopt);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->model_name, "m");
  ASSERT_THAT(message->tensors, SizeIs(1));
  EXPECT_THAT(message->tensors[0].bytes, SizeIs(8)) << "a scalar has one element";
}

TEST(ParseInferBody, SizesThatDoNotAgreeAreRefused) {
  const std::string binary = R"("datatype":"FP32","shape":[2],"parameters":{"binary_data_size":)";
  EXPECT_THAT(Refusal(Input(binary + "8}"), "1234567"), HasSubstr("beyond the end"));
  EXPECT_THAT(Refusal(Input(binary + "7}"), "1234567"), HasSubstr("has 8 bytes"));
  EXPECT_THAT(Refusal(Input(binary + "8}"), "123456789"), HasSubstr("belong to no tensor"));
  EXPECT_THAT(Refusal(Input(R"("datatype":"FP32","shape":[2],"data":[1])")),
              HasSubstr("tensor \"x\": \"data\" has 1 elements"));
  EXPECT_THAT(Refusal(Input(R"("datatype":"FP32","shape":[2])")), HasSubstr("neither"));
  EXPECT_THAT(Refusal(Input(R"("datatype":"INT8","shape":[1],"data":[1],
                               "parameters":{"binary_data_size":1})"),
                      "a"),
              HasSubstr("both"));
}

TEST(ParseInferBody, ShapesThatNoMemoryHoldsAreRefusedWithoutAskingForIt) {
  EXPECT_THAT(Refusal(Input(R"("datatype":"FP64","shape":[4294967296,4294967296],"data":[1])")),
              HasSubstr("shape"));
  EXPECT_THAT(Refusal(Input(R"("datatype":"FP64","shape":[9223372036854775807],"data":[1])")),
              HasSubstr("shape"));
  EXPECT_THAT(Refusal(Input(R"("datatype":"UINT8","shape":[1000000000000],"data":[])")),
              HasSubstr("has 0 elements"));
  EXPECT_THAT(Refusal(Input(R"("datatype":"UINT8","shape":[-1],"data":[1])")),
              HasSubstr("no whole number"));
  EXPECT_THAT(Refusal(Input(
                  R"("datatype":"UINT8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data":[1])")),
              HasSubstr("too many extents"));
}

TEST(ParseInferBody, WhatIsNoMessageIsRefusedWithTheReason) {
  EXPECT_THAT(Refusal(""), HasSubstr("not JSON"));
  EXPECT_THAT(Refusal("[1]"), HasSubstr("an object is expected"));
  EXPECT_THAT(Refusal("7"), HasSubstr("an object is expected"));
  EXPECT_THAT(Refusal(R"({"inputs": 3})"), HasSubstr("\"inputs\" is no array"));
  EXPECT_THAT(Refusal(R"({"inputs": [3]})"), HasSubstr("a tensor is expected"));
  EXPECT_THAT(Refusal(R"({"inputs": [{"name": 3}]})"), HasSubstr("\"name\" is no text"));
  EXPECT_THAT(Refusal(Input(R"("datatype":"FP32","shape":[1],"data":[null])")), HasSubstr("null"));
  EXPECT_THAT(Refusal(Input(R"("datatype":"FP32","shape":[1],"data":[{}])")),
              HasSubstr("object among numbers"));
  EXPECT_THAT(Refusal(Input(R"("datatype":"BYTES","shape":[1],"data":["a"])")), HasSubstr("BYTES"));
  EXPECT_THAT(Refusal(Input(R"("datatype":"FLOAT","shape":[1],"data":[1])")),
              HasSubstr("datatype \"FLOAT\" is not known"));
  EXPECT_THAT(Refusal(std::string(100, '[')), HasSubstr("object"));
  EXPECT_THAT(Refusal("{\"x\":" + std::string(100, '[')), HasSubstr("nested too deeply"));
}

TEST(ParseInferBody, NumbersOfTensorsAndJsonAreBounded) {
  std::string many = R"({"inputs":[{"name":"a"})";
  for (size_t i = 0; i < kMaxTensors; ++i) many += R"(,{"name":"a"})";
  EXPECT_THAT(Refusal(many + "]}"), HasSubstr("too many tensors"));
  const std::string large(kMaxJson + 1, ' ');
  EXPECT_THAT(Refusal(large), HasSubstr("send the tensors as binary data"));
  EXPECT_THAT(MessageOf(ParseInferBody(Direction::kRequest, "{}", 3).status()),
              HasSubstr("the body has 2 bytes"));
}

TEST(ParseJsonLength, TakesNumbersOnly) {
  EXPECT_EQ(*ParseJsonLength(""), std::nullopt);
  EXPECT_EQ(*ParseJsonLength("17"), std::optional<size_t>(17));
  for (const char* bad : {"-1", "1 ", "0x10", "99999999999999999999", "a"})
    EXPECT_FALSE(ParseJsonLength(bad).ok()) << bad;
}

TEST(WriteInferJson, WhatIsWrittenReadsBackTheSame) {
  InferMessage message;
  message.id = "quo\"te\n";
  message.tensors = {{"a", DType::kUint16, {2}, std::string("\1\0\2\0", 4), false},
                     {"b", DType::kFloat16, {1, 2}, "wxyz", true}};
  message.requested = {{"p", true, 0}, {"q", std::nullopt, 0}};
  const auto json = WriteInferJson(Direction::kRequest, message);
  ASSERT_TRUE(json.ok()) << json.status();
  const auto again = Parse(*json, "wxyz");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->id, message.id);
  ASSERT_THAT(again->tensors, SizeIs(2));
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(again->tensors[i].name, message.tensors[i].name);
    EXPECT_EQ(again->tensors[i].type, message.tensors[i].type);
    EXPECT_EQ(again->tensors[i].shape, message.tensors[i].shape);
    EXPECT_EQ(again->tensors[i].bytes, message.tensors[i].bytes);
  }
  ASSERT_THAT(again->requested, SizeIs(2));
  EXPECT_EQ(again->requested[0].binary, std::optional(true));
}

TEST(ModelDescription, WhatIsWrittenReadsBackTheSame) {
  const ModelDescription description = {
      "m", {"1", "2"}, "onnxruntime_onnx", {{"x", "FP32", {-1, 3}}}, {{"y", "INT64", {}}}};
  const auto again = ParseModelDescription(WriteModelDescription(description));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->name, "m");
  EXPECT_THAT(again->versions, ElementsAre("1", "2"));
  EXPECT_EQ(again->platform, "onnxruntime_onnx");
  ASSERT_THAT(again->inputs, SizeIs(1));
  EXPECT_THAT(again->inputs[0].shape, ElementsAre(-1, 3));
  EXPECT_EQ(again->outputs[0].datatype, "INT64");
}

TEST(ModelDescription, WhatIsNoneIsRefused) {
  for (const char* bad :
       {"", "[]", "{}", R"({"inputs":[],"outputs":3})", R"({"inputs":[3],"outputs":[]})",
        R"({"inputs":[{"name":"x"}],"outputs":[]})",
        R"({"inputs":[{"name":"x","shape":["a"]}],"outputs":[]})"})
    EXPECT_FALSE(ParseModelDescription(bad).ok()) << bad;
}

TEST(Errors, AreReadAndWritten) {
  EXPECT_EQ(ParseError(WriteError("no \"such\" model")), "no \"such\" model");
  EXPECT_EQ(ParseError("<html>"), "");
  EXPECT_EQ(ParseError("[\"error\"]"), "");
}

}  // namespace
}  // namespace bowerbird::infer::remote
