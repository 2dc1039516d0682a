// SPDX-License-Identifier: Apache-2.0
#include "infer/remote/contents.h"

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kserve/inference.pb.h"

namespace bowerbird::infer::remote {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

inference::ModelInferResponse Answer(const std::string& datatype, std::vector<int64_t> shape) {
  inference::ModelInferResponse answer;
  auto& output = *answer.add_outputs();
  output.set_name("y");
  output.set_datatype(datatype);
  for (const int64_t extent : shape) output.add_shape(extent);
  return answer;
}

TEST(Contents, EveryTypeSurvivesItsTypedForm) {
  const std::string bytes("\1\0\1\1\0\0\0\1\0\0\0\0\0\0\0\0", 16);
  for (const DType type :
       {DType::kBool, DType::kInt8, DType::kUint8, DType::kInt16, DType::kUint16, DType::kInt32,
        DType::kUint32, DType::kInt64, DType::kUint64, DType::kFloat32, DType::kFloat64}) {
    inference::InferTensorContents contents;
    ASSERT_TRUE(UnpackContents(type, bytes, contents));
    const auto count = static_cast<int64_t>(bytes.size() / DTypeSize(type));
    const auto packed = PackContents(contents, type, count);
    ASSERT_TRUE(packed.ok()) << packed.status();
    EXPECT_EQ(*packed, bytes) << DTypeName(type);
    EXPECT_FALSE(PackContents(contents, type, count + 1).ok());
  }
  inference::InferTensorContents contents;
  EXPECT_FALSE(UnpackContents(DType::kFloat16, bytes, contents));
  EXPECT_FALSE(PackContents(contents, DType::kFloat16, 0).ok());
}

TEST(Contents, ElementsThatTheTypeCannotHoldAreNamed) {
  inference::InferTensorContents contents;
  contents.add_int_contents(1);
  contents.add_int_contents(128);
  contents.add_uint_contents(70000);
  const auto packed = PackContents(contents, DType::kInt8, 2);
  EXPECT_THAT(MessageOf(packed.status()), HasSubstr("element 1 of the contents is no INT8"));
  EXPECT_FALSE(PackContents(contents, DType::kUint16, 1).ok());
  EXPECT_TRUE(PackContents(contents, DType::kUint32, 1).ok());
}

TEST(TakeOutputs, TakesRawAndTypedAnswers) {
  auto raw = Answer("UINT8", {3});
  raw.add_raw_output_contents("abc");
  const auto outputs = TakeOutputs(raw);
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_EQ((*outputs)[0].bytes, "abc");

  auto typed = Answer("UINT8", {2});
  typed.mutable_outputs(0)->mutable_contents()->add_uint_contents(65);
  typed.mutable_outputs(0)->mutable_contents()->add_uint_contents(66);
  const auto packed = TakeOutputs(typed);
  ASSERT_TRUE(packed.ok()) << packed.status();
  EXPECT_EQ((*packed)[0].bytes, "AB");
}

TEST(TakeOutputs, LiesAboutSizesAreRefused) {
  auto fewer = Answer("FP32", {2});
  fewer.add_raw_output_contents("1234567");
  EXPECT_THAT(MessageOf(TakeOutputs(fewer).status()), HasSubstr("needs 8"));
  auto huge = Answer("FP32", {int64_t{1} << 40, int64_t{1} << 40});
  EXPECT_THAT(MessageOf(TakeOutputs(huge).status()), HasSubstr("output \"y\": shape"));
  auto negative = Answer("FP32", {-1});
  negative.add_raw_output_contents("");
  EXPECT_FALSE(TakeOutputs(negative).ok());
  auto unfilled = Answer("UINT8", {int64_t{1} << 50});
  EXPECT_FALSE(TakeOutputs(unfilled).ok())
      << "no memory is asked for before the elements are there";
  auto deep = Answer("UINT8", std::vector<int64_t>(17, 1));
  EXPECT_FALSE(TakeOutputs(deep).ok());
  auto bytes = Answer("BYTES", {1});
  EXPECT_TRUE(absl::IsUnimplemented(TakeOutputs(bytes).status()));
}

TEST(TakeOutputs, RawContentsGoWithAllOutputsOrNone) {
  auto answer = Answer("UINT8", {1});
  answer.add_raw_output_contents("a");
  answer.add_raw_output_contents("b");
  EXPECT_THAT(MessageOf(TakeOutputs(answer).status()), HasSubstr("1 outputs, but 2 raw"));
  inference::ModelInferResponse many;
  for (size_t i = 0; i <= kMaxTensors; ++i) many.add_outputs()->set_name("y");
  EXPECT_FALSE(TakeOutputs(many).ok());
  EXPECT_THAT(*TakeOutputs(*std::make_unique<inference::ModelInferResponse>()), SizeIs(0));
}

}  // namespace
}  // namespace bowerbird::infer::remote
