// SPDX-License-Identifier: Apache-2.0
#include "infer/remote/endpoint.h"

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird::infer::remote {
namespace {

using testing::HasSubstr;

std::string Parsed(const std::string& url, const std::string& protocol = "") {
  const auto endpoint = Endpoint::Parse(url, protocol);
  return endpoint.ok() ? endpoint->ToString() : MessageOf(endpoint.status());
}

TEST(Endpoint, TheSchemeSaysTheProtocol) {
  EXPECT_EQ(Parsed("grpc://box:8001"), "grpc://box:8001");
  EXPECT_EQ(Parsed("grpcs://box:8001"), "grpcs://box:8001");
  EXPECT_EQ(Parsed("http://box:8000"), "http://box:8000");
  EXPECT_EQ(Parsed("https://box"), "https://box:443");
  EXPECT_EQ(Parsed("box:9000"), "grpc://box:9000");
  EXPECT_EQ(Parsed("box"), "grpc://box:8001");
  EXPECT_EQ(Parsed("[::1]:8001"), "grpc://[::1]:8001");
  EXPECT_EQ(Parsed("http://[::1]"), "http://[::1]:80");
}

TEST(Endpoint, TheProtocolMayBeSaidApart) {
  EXPECT_EQ(Parsed("http://box:8001", "grpc"), "grpc://box:8001");
  EXPECT_EQ(Parsed("https://box:8001", "grpc"), "grpcs://box:8001");
  EXPECT_EQ(Parsed("box:8000", "http"), "http://box:8000");
  EXPECT_THAT(Parsed("box", "ftp"), HasSubstr("protocol \"ftp\" is not known"));
}

TEST(Endpoint, HttpMayHaveAPathBeforeTheProtocolsOwn) {
  EXPECT_EQ(Parsed("http://box/models/"), "http://box:80/models");
  EXPECT_EQ(Parsed("http://box:8000/v2"), "http://box:8000");
  EXPECT_EQ(Parsed("http://box:8000/a/v2/"), "http://box:8000/a");
  EXPECT_THAT(Parsed("grpc://box/path"), HasSubstr("has a path"));
}

TEST(Endpoint, WhatIsNoAddressIsRefusedWithTheReason) {
  EXPECT_THAT(Parsed("ftp://box"), HasSubstr("a scheme that is not known"));
  EXPECT_THAT(Parsed(""), HasSubstr("no host"));
  EXPECT_THAT(Parsed("http://"), HasSubstr("no host"));
  EXPECT_THAT(Parsed(":8001"), HasSubstr("no host"));
  EXPECT_THAT(Parsed("box:0"), HasSubstr("a port that is none"));
  EXPECT_THAT(Parsed("box:70000"), HasSubstr("a port that is none"));
  EXPECT_THAT(Parsed("box:80x"), HasSubstr("a port that is none"));
  EXPECT_THAT(Parsed("http://box\r\nx: y"), HasSubstr("control characters"));
  EXPECT_THAT(Parsed("http://me:secret@box"), HasSubstr("credentials"));
  EXPECT_THAT(Parsed("http://box/a?b"), HasSubstr("query"));
}

TEST(CheckHeader, TakesWhatBothProtocolsCanCarry) {
  EXPECT_TRUE(CheckHeader("authorization", "Bearer abc").ok());
  EXPECT_TRUE(CheckHeader("x-tenant_1", "").ok());
  EXPECT_FALSE(CheckHeader("", "v").ok());
  EXPECT_FALSE(CheckHeader("X-Upper", "v").ok());
  EXPECT_FALSE(CheckHeader("a b", "v").ok());
  EXPECT_FALSE(CheckHeader("x", "a\r\nb: c").ok());
  EXPECT_FALSE(CheckHeader("x", "\xC3\xA4").ok());
  for (const char* reserved : {"host", "content-length", "te", "grpc-timeout", "trace-bin",
                               "inference-header-content-length"})
    EXPECT_FALSE(CheckHeader(reserved, "1").ok()) << reserved;
}

TEST(PathSegment, EscapesWhatHasAMeaningInAUrl) {
  EXPECT_EQ(PathSegment("yolo-v8_n.1~"), "yolo-v8_n.1~");
  EXPECT_EQ(PathSegment("a/b c?%"), "a%2Fb%20c%3F%25");
  EXPECT_EQ(PathSegment(".."), "%2E%2E");
  EXPECT_EQ(PathSegment("\xC3\xA4"), "%C3%A4");
}

}  // namespace
}  // namespace bowerbird::infer::remote
