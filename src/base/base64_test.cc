// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <gtest/gtest.h>

namespace bowerbird {
namespace {

TEST(Base64, IsAsTheStandardShowsIt) {
  // RFC 4648, section 10.
  EXPECT_EQ(Base64Encode(""), "");
  EXPECT_EQ(Base64Encode("f"), "Zg==");
  EXPECT_EQ(Base64Encode("fo"), "Zm8=");
  EXPECT_EQ(Base64Encode("foo"), "Zm9v");
  EXPECT_EQ(Base64Encode("foobar"), "Zm9vYmFy");
}

TEST(Base64, GivesBackWhatItTook) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    bytes += static_cast<char>(i * 37);
    EXPECT_EQ(Base64Decode(Base64Encode(bytes)), bytes);
    EXPECT_EQ(Base64UrlDecode(Base64UrlEncode(bytes)), bytes);
  }
}

TEST(Base64, TakesTextWithAndWithoutPaddingButOneSpellingInAddresses) {
  EXPECT_EQ(Base64Decode("YW55IGNhcm5hbCBwbGVhcw"), "any carnal pleas");
  EXPECT_FALSE(Base64UrlDecode("YR").has_value()) << "stray bits";
  EXPECT_FALSE(Base64UrlDecode("YQ==").has_value()) << "padding";
  EXPECT_FALSE(Base64Decode("Y").has_value());
  EXPECT_FALSE(Base64Decode("Y===").has_value());
  EXPECT_FALSE(Base64Decode("Y W5").has_value());
}

}  // namespace
}  // namespace bowerbird
