// SPDX-License-Identifier: Apache-2.0
#include "audio/resampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace bowerbird::audio {
namespace {

std::vector<float> Tone(double hertz, int rate, size_t count) {
  std::vector<float> samples(count);
  for (size_t i = 0; i < count; ++i)
    samples[i] = static_cast<float>(
        0.5 * std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / rate));
  return samples;
}

std::vector<float> Resampled(int from, int to, const std::vector<float>& samples, size_t piece) {
  auto resampler = Resampler::Create(from, to);
  std::vector<float> out;
  for (size_t at = 0; at < samples.size(); at += piece) {
    const size_t size = std::min(piece, samples.size() - at);
    const auto some = resampler->Push(std::span(samples).subspan(at, size));
    out.insert(out.end(), some->begin(), some->end());
  }
  const auto rest = resampler->Push({}, true);
  out.insert(out.end(), rest->begin(), rest->end());
  return out;
}

TEST(Resampler, AToneStaysThatToneWhateverThePieces) {
  const auto wanted = Tone(440, 16000, 16000);
  for (const int rate : {8000, 22050, 44100, 48000}) {
    const auto tone = Tone(440, rate, static_cast<size_t>(rate));
    const auto whole = Resampled(rate, 16000, tone, tone.size());
    const auto pieces = Resampled(rate, 16000, tone, 331);
    ASSERT_NEAR(static_cast<double>(whole.size()), 16000, 2) << rate;
    ASSERT_NEAR(static_cast<double>(pieces.size()), static_cast<double>(whole.size()), 2) << rate;
    double worst = 0;
    for (size_t i = 1000; i < 15000; ++i) {
      worst = std::max(worst, std::abs(static_cast<double>(whole[i] - wanted[i])));
      worst = std::max(worst, std::abs(static_cast<double>(pieces[i] - wanted[i])));
    }
    EXPECT_LT(worst, 0.002) << rate;
  }
}

TEST(Resampler, WhatTheLowerRateCannotHoldIsGone) {
  const auto out = Resampled(48000, 16000, Tone(11000, 48000, 48000), 4800);
  double power = 0;
  for (size_t i = 1000; i < out.size() - 1000; ++i) power += static_cast<double>(out[i] * out[i]);
  EXPECT_LT(std::sqrt(power / static_cast<double>(out.size())), 1e-3);
}

TEST(Resampler, TheSameRateChangesNothing) {
  const auto tone = Tone(440, 16000, 100);
  EXPECT_EQ(Resampled(16000, 16000, tone, 7), tone);
}

TEST(Resampler, RefusesRatesThatMakeNoSense) {
  EXPECT_FALSE(Resampler::Create(0, 16000).ok());
  EXPECT_FALSE(Resampler::Create(16000, -1).ok());
  EXPECT_FALSE(Resampler::Create(1000, 384000).ok());
}

}  // namespace
}  // namespace bowerbird::audio
