// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"
#include "image/codec.h"
#include "serve/crypto.h"
#include "serve/download_http.h"
#include "serve/download_links.h"
#include "serve/download_rpc.h"
#include "serve/hub_test_server.h"

namespace bowerbird::serve::test {
namespace {

constexpr int64_t kFarFuture = 4'000'000'000;

std::string RangeText(std::string_view header) {
  const auto range = ParseRange(header);
  return range.has_value() ? range->ShortDebugString() : "none";
}

TEST(ParseRange, TakesOneRangeOfBytesAndLeavesEverythingElse) {
  EXPECT_EQ(RangeText("bytes=0-99"), "first: 0 last: 99");
  EXPECT_EQ(RangeText("bytes=100-"), "first: 100");
  EXPECT_EQ(RangeText("bytes=-5"), "suffix: 5");
  for (const char* const header :
       {"", "bytes=", "bytes=-", "bytes=5", "bytes=9-5", "bytes=a-b", "bytes=0-1,4-5", "lines=0-1",
        "bytes=0x1-2", "bytes=99999999999999999999-", "bytes=1-2 3"})
    EXPECT_EQ(RangeText(header), "none") << header;
}

TEST(DownloadHead, RangesAreCutToTheFile) {
  v1::ReadFileRequest request;
  request.mutable_range()->set_first(90);
  request.mutable_range()->set_last(500);
  auto head = DownloadHead(request, "t", 100);
  ASSERT_TRUE(head.ok());
  EXPECT_TRUE(head->partial());
  EXPECT_EQ(head->first(), 90u);
  EXPECT_EQ(head->length(), 10u);
  request.mutable_range()->set_first(100);
  EXPECT_TRUE(DownloadHead(request, "t", 100)->out_of_range());
  request.mutable_range()->Clear();
  request.mutable_range()->set_suffix(500);
  EXPECT_EQ(DownloadHead(request, "t", 100)->length(), 100u);
  request.mutable_range()->set_suffix(0);
  EXPECT_TRUE(DownloadHead(request, "t", 100)->out_of_range());
  request.mutable_range()->set_first(1);
  EXPECT_TRUE(absl::IsInvalidArgument(DownloadHead(request, "t", 100).status()));
  request.mutable_range()->Clear();
  request.mutable_range()->set_first(UINT64_MAX);
  request.mutable_range()->set_last(UINT64_MAX);
  EXPECT_TRUE(DownloadHead(request, "t", 100)->out_of_range());
}

TEST(DownloadLinks, ASignatureOpensOneItemUntilItsTime) {
  const DownloadLinks links("secret", false);
  const auto target = ParseDownloadTarget(links.SignedFileUrl("", "org/loc/f 1", kFarFuture));
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(target->item_id, "org/loc/f 1");
  EXPECT_FALSE(target->preview);
  const std::string& signature = target->signature;
  EXPECT_TRUE(links.Check("org/loc/f 1", kFarFuture, signature, 1).ok());
  EXPECT_FALSE(links.Check("org/loc/f 1", kFarFuture, signature, kFarFuture).ok());
  EXPECT_FALSE(links.Check("org/loc/f 2", kFarFuture, signature, 1).ok());
  EXPECT_FALSE(links.Check("org/loc/f 1", kFarFuture + 1, signature, 1).ok());
  EXPECT_FALSE(links.Check("org/loc/f 1", kFarFuture, "", 1).ok());
  EXPECT_FALSE(DownloadLinks("other", false).Check("org/loc/f 1", kFarFuture, signature, 1).ok());
}

TEST(DownloadLinks, AddressesThatAreNoneAreRefused) {
  EXPECT_TRUE(IsDownloadPath("/data/files/a"));
  EXPECT_TRUE(IsDownloadPath("/data/previews/a/b/c?x"));
  EXPECT_FALSE(IsDownloadPath("/data/filesystem"));
  EXPECT_TRUE(absl::IsNotFound(ParseDownloadTarget("/data/files/").status()));
  EXPECT_TRUE(absl::IsNotFound(ParseDownloadTarget("/data/files/%zz").status()));
  EXPECT_TRUE(absl::IsNotFound(ParseDownloadTarget("/data/files/%2").status()));
  for (const char* const query : {"expires=1", "signature=x", "expires=x&signature=x",
                                  "expires=&signature=x", "expires=1&signature="})
    EXPECT_TRUE(absl::IsInvalidArgument(
        ParseDownloadTarget(std::string("/data/files/a?") + query).status()))
        << query;
}

class DownloadTest : public HubServerTest {
 protected:
  void SetUp() override {
    HubServerTest::SetUp();
    for (int i = 0; content_.size() < 1'000'000; ++i) {
      content_ += std::to_string(i);
      content_ += ' ';
    }
    id_ = Upload(content_, 1);
    path_ = "/data/files/" + id_;
    client_ = std::make_unique<RawClient>(server_->port());
  }
  RawResponse Get(const std::string& target, const std::string& headers = "",
                  const std::string& method = "GET") {
    client_->Send(method + " " + target + " HTTP/1.1\r\nhost: localhost\r\n" + headers + "\r\n");
    return ReceiveResponse(*client_, method == "HEAD");
  }
  std::string SignedPath(int64_t expires = kFarFuture) const {
    return links_.SignedFileUrl("", id_, expires);
  }

  std::string content_, id_, path_;
  std::unique_ptr<RawClient> client_;
};

TEST_F(DownloadTest, AFileIsGivenWholeWithItsTypeNameAndTag) {
  const RawResponse got = Get(path_);
  EXPECT_EQ(got.status, 200);
  EXPECT_TRUE(got.body == content_);
  EXPECT_EQ(got.Header("content-type"), "image/jpeg");
  const std::string hash = HexEncode(Sha256(content_));
  EXPECT_EQ(got.Header("etag").find(hash), 1u);
  EXPECT_EQ(got.Header("accept-ranges"), "bytes");
  EXPECT_EQ(got.Header("content-disposition").find("inline; filename=\""), 0u);
  EXPECT_EQ(got.Header("x-content-type-options"), "nosniff");
  EXPECT_EQ(got.Header("content-security-policy").find("sandbox"), 0u);
}

TEST_F(DownloadTest, OneConnectionServesManyRequests) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Get(path_).body == content_);
    EXPECT_EQ(Get("/healthz").status, 200);
  }
}

TEST_F(DownloadTest, HeadTellsTheLengthAndSendsNothing) {
  const RawResponse got = Get(path_, "", "HEAD");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.Header("content-length"), std::to_string(content_.size()));
  // What comes next on this connection is the next answer.
  EXPECT_EQ(Get("/healthz").status, 200);
}

TEST_F(DownloadTest, RangesAreAnsweredInPart) {
  RawResponse got = Get(path_, "range: bytes=10-19\r\n");
  EXPECT_EQ(got.status, 206);
  EXPECT_EQ(got.body, content_.substr(10, 10));
  EXPECT_EQ(got.Header("content-range"), "bytes 10-19/" + std::to_string(content_.size()));
  got = Get(path_, "range: bytes=-7\r\n");
  EXPECT_EQ(got.body, content_.substr(content_.size() - 7));
  got = Get(path_, "range: bytes=600000-\r\n");
  EXPECT_TRUE(got.body == content_.substr(600'000));
  got = Get(path_, "range: bytes=99999999-\r\n");
  EXPECT_EQ(got.status, 416);
  EXPECT_EQ(got.Header("content-range"), "bytes */" + std::to_string(content_.size()));
  got = Get(path_, "range: bytes=0-1,5-6\r\n");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body.size(), content_.size());
}

TEST_F(DownloadTest, WhatTheClientHasIsNotSentAgain) {
  const std::string tag = Get(path_, "", "HEAD").Header("etag");
  EXPECT_EQ(Get(path_, "if-none-match: " + tag + "\r\n").status, 304);
  EXPECT_EQ(Get(path_, "if-none-match: \"x\", W/" + tag + "\r\n").status, 304);
  EXPECT_EQ(Get(path_, "if-none-match: *\r\n").status, 304);
  EXPECT_EQ(Get(path_, "if-none-match: \"x\"\r\n").status, 200);
  const std::string range = "range: bytes=0-4\r\n";
  EXPECT_EQ(Get(path_, range + "if-range: " + tag + "\r\n").status, 206);
  EXPECT_EQ(Get(path_, range + "if-range: \"old\"\r\n").status, 200);
  EXPECT_EQ(Get(path_, range + "if-range: Wed, 21 Oct 2015 07:28:00 GMT\r\n").status, 200);
}

TEST_F(DownloadTest, WhatIsNotThereIsNotFoundAndOtherMethodsAreRefused) {
  EXPECT_EQ(Get("/data/files/org-a/loc-1/" + std::string(40, '0')).status, 404);
  EXPECT_EQ(Get("/data/files/org-b/loc-1/" + std::string(40, '0')).status, 404);
  EXPECT_EQ(Get("/data/files/nonsense").status, 404);
  // The caller's organization is org-a here, whatever the address says.
  EXPECT_EQ(Get(path_, "organization: org-b\r\n").status, 404);
  client_->Send("DELETE " + path_ + " HTTP/1.1\r\nhost: localhost\r\n\r\n");
  EXPECT_EQ(ReceiveResponse(*client_).status, 405);
}

TEST_F(DownloadTest, ASignedLinkNeedsNoCredentialsAndAnotherAddressDoes) {
  ASSERT_TRUE(server_->SetAuthHandlers({{"api-key", {{"robot", "secret"}}}}).ok());
  EXPECT_EQ(Get(path_).status, 401);
  EXPECT_EQ(Get(SignedPath()).status, 200);
  EXPECT_EQ(Get(SignedPath(1)).status, 403);
  EXPECT_EQ(Get(SignedPath() + "x").status, 403);
  EXPECT_EQ(Get(path_, "key_id: robot\r\nkey: secret\r\n").status, 200);
  EXPECT_EQ(Get(path_, "authorization: Basic " + Base64Encode("robot:secret") + "\r\n").status,
            200);
  EXPECT_EQ(Get(path_, "key_id: robot\r\nkey: wrong\r\n").status, 401);
}

TEST_F(DownloadTest, ASignedLinkOfTheApiOpensThatItemAsItIs) {
  data_v1::CreateBinaryDataSignedURLRequest request;
  request.set_binary_data_id(id_);
  const auto link = Ask<data_v1::CreateBinaryDataSignedURLResponse>(
      "DataService/CreateBinaryDataSignedURL", request);
  ASSERT_TRUE(link.ok()) << link.status();
  const std::string base = "http://127.0.0.1:" + std::to_string(server_->port());
  ASSERT_EQ(link->signed_url().find(base + path_ + "?"), 0u) << link->signed_url();
  EXPECT_TRUE(Get(link->signed_url().substr(base.size())).body == content_);
  request.set_expiration_minutes(0);
  EXPECT_EQ(Ask<data_v1::CreateBinaryDataSignedURLResponse>("DataService/CreateBinaryDataSignedURL",
                                                            request)
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(DownloadTest, APreviewIsASmallJpegAndOnlyOfPictures) {
  image::Image picture(800, 600, image::PixelFormat::kRgb8);
  const auto jpeg = image::EncodeJpeg(picture, 80);
  ASSERT_TRUE(jpeg.ok());
  const std::string id = Upload(*jpeg, 2);
  const RawResponse got = Get("/data/previews/" + id);
  ASSERT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(got.Header("content-type"), "image/jpeg");
  EXPECT_EQ(got.body.substr(0, 2), "\xff\xd8");
  EXPECT_EQ(Get("/data/previews/" + id, "if-none-match: " + got.Header("etag") + "\r\n").status,
            304);
  EXPECT_EQ(Get("/data/previews/" + id_).status, 404);
}

TEST_F(DownloadTest, AClientThatGoesAwayEndsTheCall) {
  client_->Send("GET " + path_ + " HTTP/1.1\r\nhost: localhost\r\n\r\n");
  client_->ReceiveExactly(1000);
  client_.reset();
  EXPECT_TRUE(Eventually([&] { return server_->operations().List().empty(); }));
}

TEST_F(DownloadTest, ReadsAFileOverGrpcInPieces) {
  v1::ReadFileRequest request;
  request.set_binary_data_id(id_);
  std::vector<v1::ReadFileResponse> pieces;
  const absl::Status done = Stream("DownloadService/ReadFile", request, pieces);
  ASSERT_TRUE(done.ok()) << done;
  ASSERT_GT(pieces.size(), 3u);
  EXPECT_EQ(pieces[0].head().size(), content_.size());
  std::string bytes;
  for (const auto& piece : pieces) bytes += piece.data();
  EXPECT_TRUE(bytes == content_);
}

}  // namespace
}  // namespace bowerbird::serve::test
