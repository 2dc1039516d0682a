// SPDX-License-Identifier: Apache-2.0
#include "infer/remote/elements.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird::infer::remote {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <typename T>
std::vector<T> Values(const absl::StatusOr<std::string>& bytes) {
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  std::vector<T> values(bytes.ok() ? bytes->size() / sizeof(T) : 0);
  if (!values.empty()) std::memcpy(values.data(), bytes->data(), bytes->size());
  return values;
}

template <typename T>
std::string BytesOf(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

TEST(Elements, WholeNumbersBecomeAnyTypeThatHoldsThem) {
  Elements elements;
  elements.AddInteger(-3);
  elements.AddUnsigned(100);
  EXPECT_THAT(Values<int8_t>(elements.Pack(DType::kInt8, 2)), ElementsAre(-3, 100));
  EXPECT_THAT(Values<int64_t>(elements.Pack(DType::kInt64, 2)), ElementsAre(-3, 100));
  EXPECT_THAT(Values<float>(elements.Pack(DType::kFloat32, 2)), ElementsAre(-3.0f, 100.0f));
  const auto refused = elements.Pack(DType::kUint8, 2);
  EXPECT_TRUE(absl::IsInvalidArgument(refused.status()));
  EXPECT_THAT(MessageOf(refused.status()), HasSubstr("element 0 of \"data\" is no UINT8"));
}

TEST(Elements, TheLargestIntegersAreExact) {
  constexpr uint64_t kLargest = std::numeric_limits<uint64_t>::max();
  constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
  Elements large;
  large.AddUnsigned(kLargest);
  large.AddUnsigned(7);
  EXPECT_THAT(Values<uint64_t>(large.Pack(DType::kUint64, 2)), ElementsAre(kLargest, 7u));
  EXPECT_FALSE(large.Pack(DType::kInt64, 2).ok());
  Elements low;
  low.AddInteger(kLowest);
  EXPECT_THAT(Values<int64_t>(low.Pack(DType::kInt64, 1)), ElementsAre(kLowest));
  EXPECT_FALSE(low.Pack(DType::kUint64, 1).ok());
}

TEST(Elements, RealsAmongWholeNumbersKeepTheirPlaces) {
  Elements elements;
  elements.AddUnsigned(1);
  elements.AddReal(0.5);
  elements.AddInteger(-2);
  EXPECT_THAT(Values<double>(elements.Pack(DType::kFloat64, 3)), ElementsAre(1, 0.5, -2));
  EXPECT_FALSE(elements.Pack(DType::kInt32, 3).ok()) << "0.5 is no whole number";
}

TEST(Elements, WholeRealsAreWholeNumbers) {
  Elements elements;
  elements.AddReal(255.0);
  EXPECT_THAT(Values<uint8_t>(elements.Pack(DType::kUint8, 1)), ElementsAre(255));
  Elements beyond;
  beyond.AddReal(9223372036854775808.0);
  EXPECT_FALSE(beyond.Pack(DType::kInt64, 1).ok());
  EXPECT_FALSE(beyond.Pack(DType::kUint64, 1).ok()) << "nobody knows which number was meant";
}

TEST(Elements, NegativeAndVeryLargeNumbersMayMeetInFloats) {
  Elements elements;
  elements.AddInteger(-1);
  elements.AddUnsigned(10000000000000000000u);
  elements.AddInteger(-2);
  EXPECT_THAT(Values<double>(elements.Pack(DType::kFloat64, 3)), ElementsAre(-1, 1e19, -2));
  EXPECT_FALSE(elements.Pack(DType::kInt64, 3).ok());
  EXPECT_FALSE(elements.Pack(DType::kUint64, 3).ok());
}

TEST(Elements, FloatsThatWouldBecomeInfiniteAreRefused) {
  Elements elements;
  elements.AddReal(1e39);
  EXPECT_FALSE(elements.Pack(DType::kFloat32, 1).ok());
  EXPECT_TRUE(elements.Pack(DType::kFloat64, 1).ok());
}

TEST(Elements, TruthValuesAreForBoolOnly) {
  Elements elements;
  elements.AddBool(true);
  elements.AddUnsigned(0);
  EXPECT_THAT(Values<uint8_t>(elements.Pack(DType::kBool, 2)), ElementsAre(1, 0));
  EXPECT_FALSE(elements.Pack(DType::kUint8, 2).ok());
  Elements two;
  two.AddUnsigned(2);
  EXPECT_FALSE(two.Pack(DType::kBool, 1).ok());
}

TEST(Elements, AnotherNumberThanTheShapesIsRefused) {
  Elements elements;
  elements.AddUnsigned(1);
  EXPECT_FALSE(elements.Pack(DType::kUint8, 2).ok());
  EXPECT_FALSE(elements.Pack(DType::kUint8, -1).ok());
}

TEST(AppendElements, WhatIsWrittenReadsBackTheSame) {
  const std::vector<float> values = {0.1f, -0.0f, 3.4e38f, 1.17549435e-38f, 16777216.0f};
  std::string json;
  ASSERT_TRUE(AppendElements(DType::kFloat32, BytesOf(values), json).ok());
  EXPECT_EQ(json, "0.1,-0.0,3.4e+38,1.1754944e-38,16777216");
  json.clear();
  ASSERT_TRUE(AppendElements(DType::kInt8, BytesOf(std::vector<int8_t>{-128, 0, 127}), json).ok());
  EXPECT_EQ(json, "-128,0,127");
  json.clear();
  ASSERT_TRUE(AppendElements(DType::kBool, std::string("\0\1\7", 3), json).ok());
  EXPECT_EQ(json, "false,true,true");
}

TEST(AppendElements, WhatJsonCannotSayIsRefused) {
  std::string json;
  const auto status = AppendElements(DType::kFloat64, BytesOf(std::vector<double>{1, NAN}), json);
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(MessageOf(status), HasSubstr("element 1"));
  EXPECT_FALSE(AppendElements(DType::kFloat16, "ab", json).ok());
}

}  // namespace
}  // namespace bowerbird::infer::remote
