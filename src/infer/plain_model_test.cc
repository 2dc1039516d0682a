// SPDX-License-Identifier: Apache-2.0
#include "infer/plain_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "infer/synthetic_input.h"
#include "infer/testing/model_on_disk.h"
#include "infer/tflite_model.h"

namespace bowerbird::infer {
namespace {

using ::testing::ElementsAreArray;
using testing::FileOnDisk;

TEST(PlainModel, GivesWhatThePooledModelGives) {
  const FileOnDisk file(tflite::testing::AddModel(1000));
  const auto ours = *TfliteModel::Load({.model_path = file.path()});
  const auto lease = *ours->Acquire(Context());
  for (int i = 0; i < 2; ++i) {
    const TensorView view = lease->InputView(i);
    FillWithPattern(view.type, view.shape, lease->Input(i));
  }
  ASSERT_TRUE(lease->Invoke(Context()).ok());
  for (const bool xnnpack : {false, true}) {
    const auto plain = PlainModel::Load({.model_path = file.path(), .xnnpack = xnnpack});
    if (!plain.ok() && xnnpack) continue;  // a runtime without the delegate
    ASSERT_TRUE(plain.ok()) << plain.status();
    ASSERT_EQ((*plain)->input_count(), 2);
    for (int i = 0; i < 2; ++i) {
      FillWithPattern((*plain)->input_type(i), (*plain)->input_shape(i), (*plain)->input(i));
    }
    ASSERT_TRUE((*plain)->Invoke());
    const std::span<const std::byte> output = (*plain)->output(0);
    EXPECT_EQ((*plain)->output_type(0), DType::kFloat32);
    EXPECT_EQ((*plain)->output_shape(0), (Shape{1, 1000}));
    EXPECT_THAT(output, ElementsAreArray(lease->Output(0).bytes));
  }
}

TEST(PlainModel, FailsByNameWhereTheRuntimeRefuses) {
  const FileOnDisk text("no model\n");
  EXPECT_FALSE(PlainModel::Load({.model_path = text.path()}).ok());
  EXPECT_FALSE(PlainModel::Load({.model_path = "/no/such.tflite"}).ok());
}

TEST(FillWithPattern, IsTheSameEveryTimeAndNotFlat) {
  const Shape shape = {1, 64, 64, 3};
  std::vector<std::byte> first(64 * 64 * 3);
  std::vector<std::byte> second(first.size());
  FillWithPattern(DType::kUint8, shape, first);
  FillWithPattern(DType::kUint8, shape, second);
  EXPECT_EQ(first, second);
  const auto [low, high] = std::ranges::minmax_element(first);
  EXPECT_LT(std::to_integer<int>(*low), 30);
  EXPECT_GT(std::to_integer<int>(*high), 225);
}

TEST(FillWithPattern, StaysWithinTheRangeOfFloatPictures) {
  const Shape shape = {100};
  std::vector<float> values(100);
  FillWithPattern(DType::kFloat32, shape, std::as_writable_bytes(std::span(values)));
  EXPECT_THAT(values, ::testing::Each(::testing::AllOf(::testing::Ge(-1.0F), ::testing::Le(1.0F))));
}

}  // namespace
}  // namespace bowerbird::infer
