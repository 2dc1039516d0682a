// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <gtest/gtest.h>

namespace bowerbird {
namespace {

TEST(Base64, IsAsTheStandardShowsIt) {
  // RFC 4648, section 10.
  EXPECT_EQ(Base64Of(""), "");
  EXPECT_EQ(Base64Of("f"), "Zg==");
  EXPECT_EQ(Base64Of("fo"), "Zm8=");
  EXPECT_EQ(Base64Of("foo"), "Zm9v");
  EXPECT_EQ(Base64Of("foobar"), "Zm9vYmFy");
}

TEST(Base64, HasNoSeamBetweenPieces) {
  const std::string text = Base64Of(std::string((3 << 20) + 3, 'o'));
  EXPECT_EQ(text.size(), (size_t{4} << 20) + 4);
  EXPECT_EQ(text.find('='), std::string::npos);
  EXPECT_EQ(text.substr((4 << 20) - 4), "b29vb29v");
}

}  // namespace
}  // namespace bowerbird
