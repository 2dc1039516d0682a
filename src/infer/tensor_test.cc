// SPDX-License-Identifier: Apache-2.0
#include "infer/tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "infer/half.h"

namespace bowerbird::infer {
namespace {

TEST(DType, NamesAreThoseOfTheWire) {
  EXPECT_EQ(DTypeName(DType::kInt8), "int8");
  EXPECT_EQ(DTypeName(DType::kFloat64), "float64");
  EXPECT_EQ(DTypeName(DType::kBool), "uint8") << "travels as bytes";
  EXPECT_EQ(DTypeName(DType::kFloat16), "float32") << "is widened at the boundary";
  for (const char* name : {"int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
                           "float32", "float64"}) {
    ASSERT_TRUE(DTypeFromName(name).has_value()) << name;
    EXPECT_EQ(DTypeName(*DTypeFromName(name)), name);
  }
  EXPECT_EQ(DTypeFromName("uint8"), DType::kUint8);
  EXPECT_EQ(DTypeFromName("float32"), DType::kFloat32);
  EXPECT_EQ(DTypeFromName("string"), std::nullopt);
  EXPECT_EQ(DTypeFromName("FLOAT32"), std::nullopt);
}

TEST(DType, SizesAreInBytes) {
  EXPECT_EQ(DTypeSize(DType::kBool), 1U);
  EXPECT_EQ(DTypeSize(DType::kFloat16), 2U);
  EXPECT_EQ(DTypeSize(DType::kUint64), 8U);
  EXPECT_EQ(DTypeSize(DType::kString), 0U);
}

TEST(ElementCount, IsTheProductUnlessUnknownOrTooLarge) {
  EXPECT_EQ(ElementCount({}), 1);
  EXPECT_EQ(ElementCount({1, 224, 224, 3}), 150528);
  EXPECT_EQ(ElementCount({4, 0, 9}), 0);
  EXPECT_EQ(ElementCount({-1, 3}), std::nullopt);
  EXPECT_EQ(ElementCount({int64_t{1} << 40, int64_t{1} << 40}), std::nullopt);
}

TEST(ShapeText, IsReadable) {
  EXPECT_EQ(ShapeText({1, 224, 224, 3}), "[1, 224, 224, 3]");
  EXPECT_EQ(ShapeText({}), "[]");
}

TEST(Half, KnownValues) {
  EXPECT_EQ(FloatFromHalf(0x3c00), 1.0F);
  EXPECT_EQ(FloatFromHalf(0xc000), -2.0F);
  EXPECT_EQ(FloatFromHalf(0x7bff), 65504.0F);
  EXPECT_EQ(FloatFromHalf(0x0001), 0x1p-24F);
  EXPECT_EQ(FloatFromHalf(0x8001), -0x1p-24F);
  EXPECT_EQ(FloatFromHalf(0x7c00), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(FloatFromHalf(0x7e00)));
  EXPECT_EQ(HalfFromFloat(0.1F), 0x2e66);
  EXPECT_EQ(HalfFromFloat(65519.9F), 0x7bff);
  EXPECT_EQ(HalfFromFloat(65520.0F), 0x7c00) << "halfway beyond the largest becomes infinity";
  EXPECT_EQ(HalfFromFloat(-0.0F), 0x8000);
  EXPECT_EQ(HalfFromFloat(1e-9F), 0);
}

TEST(Half, EveryHalfSurvivesTheWayThroughFloat) {
  for (uint32_t half = 0; half <= 0xffff; ++half) {
    const float value = FloatFromHalf(static_cast<uint16_t>(half));
    if (std::isnan(value)) continue;
    ASSERT_EQ(HalfFromFloat(value), half);
  }
}

TEST(Half, RoundsToTheNearestAndTiesToEven) {
  for (uint16_t half = 0; half < 0x7bff; ++half) {
    const float low = FloatFromHalf(half);
    const float high = FloatFromHalf(static_cast<uint16_t>(half + 1));
    const float middle = low + (high - low) / 2;
    ASSERT_EQ(HalfFromFloat(middle), half % 2 == 0 ? half : half + 1) << half;
    ASSERT_EQ(HalfFromFloat(std::nextafter(middle, low)), half) << half;
    ASSERT_EQ(HalfFromFloat(std::nextafter(middle, high)), half + 1) << half;
  }
}

}  // namespace
}  // namespace bowerbird::infer
