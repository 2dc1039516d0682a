// SPDX-License-Identifier: Apache-2.0
#include "audio/format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace bowerbird::audio {
namespace {

TEST(Format, SixteenBitsComeBackAsTheyWere) {
  std::string bytes;
  for (int value = -32768; value <= 32767; ++value) {
    const auto stored = static_cast<int16_t>(value);
    bytes.append(reinterpret_cast<const char*>(&stored), 2);
  }
  const auto samples = Decode(Codec::kPcm16, bytes);
  ASSERT_TRUE(samples.ok());
  EXPECT_EQ(Encode(Codec::kPcm16, *samples), bytes);
}

TEST(Format, WhatIsTooLoudIsCutAndWhatIsNoNumberIsSilent) {
  const std::vector<float> loud = {2.0F, -3.0F, std::numeric_limits<float>::quiet_NaN(),
                                   std::numeric_limits<float>::infinity()};
  const std::vector<float> cut = {1.0F, -1.0F, 0.0F, 1.0F};
  EXPECT_EQ(*Decode(Codec::kPcm32Float, Encode(Codec::kPcm32Float, loud)), cut);
  const auto samples = *Decode(Codec::kPcm32, Encode(Codec::kPcm32, loud));
  for (size_t i = 0; i < cut.size(); ++i) EXPECT_NEAR(samples[i], cut[i], 1e-6) << i;
}

TEST(Format, HalfASampleIsRefused) {
  EXPECT_FALSE(Decode(Codec::kPcm16, "abc").ok());
  EXPECT_FALSE(Decode(Codec::kPcm32, "abcdef").ok());
}

TEST(Format, CodecsAreKnownByTheirNames) {
  EXPECT_EQ(*CodecFromName(""), Codec::kPcm16);
  EXPECT_EQ(*CodecFromName("PCM32_FLOAT"), Codec::kPcm32Float);
  EXPECT_NE(CodecFromName("opus").status().message().find("pcm32_float"), std::string::npos);
}

TEST(Format, AWavFileSaysWhatIsInIt) {
  const std::string file = *WavFile(Codec::kPcm16, {8000, 2}, std::string(8, 'x'));
  ASSERT_EQ(file.size(), 52u);
  const auto number = [&](size_t at, size_t size) {
    uint32_t value = 0;
    std::memcpy(&value, file.data() + at, size);
    return value;
  };
  EXPECT_EQ(number(4, 4), file.size() - 8);
  EXPECT_EQ(number(20, 2), 1u);      // whole numbers
  EXPECT_EQ(number(22, 2), 2u);      // channels
  EXPECT_EQ(number(24, 4), 8000u);   // frames a second
  EXPECT_EQ(number(28, 4), 32000u);  // bytes a second
  EXPECT_EQ(number(32, 2), 4u);      // bytes a frame
  EXPECT_EQ(number(34, 2), 16u);     // bits a sample
  EXPECT_EQ(number(40, 4), 8u);
  EXPECT_FALSE(WavFile(Codec::kPcm16, {0, 1}, "").ok());
}

TEST(Format, MonoIsTheMeanOfTheChannels) {
  const std::vector<float> stereo = {0.5F, -0.5F, 1.0F, 0.5F};
  EXPECT_EQ(ToMono(stereo, 2), (std::vector<float>{0.0F, 0.75F}));
  EXPECT_EQ(ToMono(stereo, 1), stereo);
}

}  // namespace
}  // namespace bowerbird::audio
