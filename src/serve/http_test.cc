// SPDX-License-Identifier: Apache-2.0
//
// The parts of HTTP that need no connection: requests, routes, files, gRPC-Web framing.
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "serve/grpc_web.h"
#include "serve/http_reader.h"
#include "serve/http_routes.h"
#include "serve/test_peer.h"

namespace bowerbird::serve {
namespace {

using test::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

HttpRequest Request(const std::string& method, const std::string& target, Headers headers = {}) {
  return {method, target, std::move(headers)};
}

std::string HeaderOf(const HttpResponse& response, const std::string& name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

class RoutesTest : public testing::Test {
 protected:
  RoutesTest()
      : authenticator_(*Authenticator::Create(folder_.path() + "/data")),
        routes_(StaticFiles(folder_.path() + "/web"), metrics_, *authenticator_,
                {"https://dash.example"}) {
    folder_.Write("web/index.html", "<p>index");
    folder_.Write("web/assets/app-Bx12.js", "let x;");
    folder_.Write("web/picture.png", "png");
    folder_.Write("web/.secret", "s");
    folder_.Write("outside.txt", "outside");
    authenticator_->SetPolicy({false});
  }
  HttpResponse Get(const std::string& target, Headers headers = {}) {
    return routes_.Handle(Request("GET", target, std::move(headers)));
  }

  TempFolder folder_;
  Metrics metrics_;
  std::unique_ptr<Authenticator> authenticator_;
  HttpRoutes routes_;
};

TEST_F(RoutesTest, ServesFilesWithTheirTypesAndCaching) {
  const HttpResponse index = Get("/");
  EXPECT_EQ(index.body, "<p>index");
  EXPECT_EQ(HeaderOf(index, "content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(HeaderOf(index, "cache-control"), "no-cache");
  EXPECT_EQ(HeaderOf(index, "x-content-type-options"), "nosniff");
  const HttpResponse script = Get("/assets/app-Bx12.js?v=1");
  EXPECT_EQ(HeaderOf(script, "content-type"), "text/javascript; charset=utf-8");
  EXPECT_THAT(HeaderOf(script, "cache-control"), HasSubstr("immutable"));
  EXPECT_EQ(HeaderOf(Get("/picture.png"), "content-type"), "image/png");
}

TEST_F(RoutesTest, AnswersARepeatedRequestWith304) {
  const std::string tag = HeaderOf(Get("/picture.png"), "etag");
  ASSERT_FALSE(tag.empty());
  const HttpResponse again = Get("/picture.png", {{"if-none-match", tag}});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  folder_.Write("web/picture.png", "another png");
  EXPECT_EQ(Get("/picture.png", {{"if-none-match", tag}}).status, 200);
}

TEST_F(RoutesTest, GivesThePageForItsOwnPathsButNotForMissingFiles) {
  EXPECT_EQ(Get("/machine/camera").body, "<p>index");
  EXPECT_EQ(Get("/machine/").body, "<p>index");
  EXPECT_EQ(Get("/missing.js").status, 404);
  EXPECT_EQ(Get("/assets/app.js").status, 404);
}

TEST_F(RoutesTest, LeavesTheFolderForNobody) {
  ASSERT_EQ(symlink((folder_.path() + "/outside.txt").c_str(),
                    (folder_.path() + "/web/link.txt").c_str()),
            0);
  for (const char* target :
       {"/../outside.txt", "/%2e%2e/outside.txt", "/assets/../../outside.txt", "/..%2foutside.txt",
        "/.secret", "/assets/%00", "/a\\..\\outside.txt", "/link.txt", "//../outside.txt",
        "http://host/../outside.txt", "*", "/%", "/%zz", ""}) {
    const HttpResponse response = Get(target);
    EXPECT_EQ(response.status, 404) << target;
    EXPECT_EQ(response.body.find("outside"), std::string::npos) << target;
  }
}

TEST_F(RoutesTest, PrefersWhatWasCompressedBefore) {
  folder_.Write("web/assets/app-Bx12.js.gz", "zipped");
  const HttpResponse zipped = Get("/assets/app-Bx12.js", {{"accept-encoding", "gzip, br"}});
  EXPECT_EQ(zipped.body, "zipped");
  EXPECT_EQ(HeaderOf(zipped, "content-encoding"), "gzip");
  EXPECT_EQ(HeaderOf(zipped, "content-type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(Get("/assets/app-Bx12.js", {{"accept-encoding", "gzip;q=0"}}).body, "let x;");
  EXPECT_EQ(Get("/assets/app-Bx12.js").body, "let x;");
}

TEST_F(RoutesTest, RefusesOtherMethods) {
  const HttpResponse response = routes_.Handle(Request("PUT", "/"));
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(HeaderOf(response, "allow"), "GET, HEAD, OPTIONS");
}

TEST_F(RoutesTest, MetricsNeedCredentialsWhereCallsDo) {
  EXPECT_EQ(Get("/metrics").status, 200);
  authenticator_->SetPolicy({true});
  EXPECT_EQ(Get("/metrics").status, 401);
  EXPECT_EQ(Get("/healthz").status, 503) << "open to all, but not serving yet";
}

TEST_F(RoutesTest, AnOpenServerLetsOnlyPagesOfThisMachineCall) {
  const auto preflight = [this](const std::string& origin) {
    return routes_.Handle(
        Request("OPTIONS", "/a.B/C",
                {{"origin", origin},
                 {"access-control-request-method", "POST"},
                 {"access-control-request-headers", "authorization,x-grpc-web"}}));
  };
  const HttpResponse local = preflight("http://localhost:5173");
  EXPECT_EQ(local.status, 204);
  EXPECT_EQ(HeaderOf(local, "access-control-allow-origin"), "http://localhost:5173");
  EXPECT_EQ(HeaderOf(local, "access-control-allow-headers"), "authorization,x-grpc-web");
  EXPECT_EQ(HeaderOf(local, "access-control-allow-methods"), "POST");
  EXPECT_EQ(preflight("https://dash.example").status, 204);
  EXPECT_EQ(preflight("https://evil.example").status, 403);
  EXPECT_EQ(preflight("http://localhost.evil.example").status, 403);
  EXPECT_EQ(preflight("null").status, 403);
  authenticator_->SetPolicy({true});
  EXPECT_EQ(preflight("https://evil.example").status, 204) << "it has no token";
}

TEST(Origins, OfThisMachineAreKnownByTheirHostAlone) {
  for (const char* origin : {"http://localhost", "http://localhost:1", "https://127.0.0.1:8443",
                             "http://127.1.2.3", "http://[::1]", "http://[::1]:80"})
    EXPECT_TRUE(IsLoopbackOrigin(origin)) << origin;
  for (const char* origin : {"", "null", "localhost", "ftp://localhost", "http://127.evil.example",
                             "http://127.0.0.1.evil.example", "http://[::1].evil.example",
                             "http://localhost@evil.example", "http://127."})
    EXPECT_FALSE(IsLoopbackOrigin(origin)) << origin;
}

TEST(StaticFiles, WithoutAFolderHaveNothing) {
  EXPECT_EQ(StaticFiles("").Get(Request("GET", "/")).status, 404);
  EXPECT_EQ(StaticFiles("/no/such/folder").Get(Request("GET", "/")).status, 404);
}

// Reads `bytes`, given in pieces of `step`, and returns the requests with their bodies.
std::vector<std::pair<std::string, std::string>> ReadAll(const std::string& bytes, size_t step) {
  HttpReader reader(4096);
  std::vector<std::pair<std::string, std::string>> requests;
  size_t given = 0;
  for (;;) {
    switch (reader.Next()) {
      case HttpReader::Step::kNeedMore: {
        if (given == bytes.size()) return requests;
        const auto room = reader.Prepare();
        const size_t count = std::min({step, bytes.size() - given, room.size()});
        std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(given), count, room.begin());
        reader.Commit(count);
        given += count;
        break;
      }
      case HttpReader::Step::kHeader:
        reader.SetMaxBody(100);
        break;
      case HttpReader::Step::kRequest:
        requests.emplace_back(reader.request().target, reader.TakeBody());
        reader.Reset();
        break;
      case HttpReader::Step::kFailed:
        requests.emplace_back("failed", std::to_string(reader.failure().status));
        return requests;
    }
  }
}

TEST(HttpReader, MakesNoRoomForABodyBeyondItsLimit) {
  for (const char* length : {"101", "4099276464608243447"}) {
    const std::string bytes =
        "POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: " + std::string(length) + "\r\n\r\nhello";
    EXPECT_THAT(ReadAll(bytes, 1000), ElementsAre(Pair("failed", "413"))) << length;
  }
}

TEST(HttpReader, ReadsTheSameRequestsHoweverTheyAreCut) {
  const std::string bytes =
      "GET /one HTTP/1.1\r\nHost: x\r\n\r\n"
      "POST /two HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello"
      "POST /three HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
      "GET /four HTTP/1.0\r\n\r\n";
  for (const size_t step : {1, 2, 3, 7, 50, 1000}) {
    EXPECT_THAT(ReadAll(bytes, step), ElementsAre(Pair("/one", ""), Pair("/two", "hello"),
                                                  Pair("/three", "abcde"), Pair("/four", "")))
        << step;
  }
}

TEST(HttpReader, FailsWithTheStatusThatSaysWhy) {
  EXPECT_THAT(ReadAll("what\r\n\r\n", 100), ElementsAre(Pair("failed", "400")));
  EXPECT_THAT(ReadAll("GET / HTTP/1.1\r\nx: " + std::string(5000, 'a') + "\r\n\r\n", 100),
              ElementsAre(Pair("failed", "431")));
  EXPECT_THAT(ReadAll("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nff\r\n" +
                          std::string(255, 'a') + "\r\n0\r\n\r\n",
                      100),
              ElementsAre(Pair("failed", "413")));
  EXPECT_THAT(ReadAll("POST / HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n", 100),
              ElementsAre(Pair("failed", "400")));
}

TEST(GrpcWeb, KnowsItsContentTypes) {
  EXPECT_EQ(GrpcWebFormatOf("application/grpc-web"), GrpcWebFormat::kBinary);
  EXPECT_EQ(GrpcWebFormatOf("application/grpc-web+proto"), GrpcWebFormat::kBinary);
  EXPECT_EQ(GrpcWebFormatOf("application/grpc-web+proto; charset=x"), GrpcWebFormat::kBinary);
  EXPECT_EQ(GrpcWebFormatOf("application/grpc-web-text+proto"), GrpcWebFormat::kText);
  EXPECT_EQ(GrpcWebFormatOf("application/grpc-web+json"), GrpcWebFormat::kNone);
  EXPECT_EQ(GrpcWebFormatOf("application/grpc"), GrpcWebFormat::kNone);
  EXPECT_EQ(GrpcWebFormatOf(""), GrpcWebFormat::kNone);
}

TEST(GrpcWeb, FindsTheMessagesOfABody) {
  EXPECT_THAT(*ParseGrpcWebFrames(test::Framed("one") + test::Framed("") + test::Framed("two"), 9),
              ElementsAre("one", "", "two"));
  EXPECT_THAT(*ParseGrpcWebFrames("", 9), IsEmpty());
}

TEST(GrpcWeb, RefusesMalformedBodies) {
  const auto code = [](const std::string& body) {
    return ParseGrpcWebFrames(body, 100).status().code();
  };
  EXPECT_EQ(code(test::Framed("one").substr(0, 4)), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(test::Framed("one").substr(0, 7)), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(test::Framed("one") + "x"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code("\x02" + test::Framed("").substr(1)), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code("\x01" + test::Framed("").substr(1)), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(code("\x80" + test::Framed("").substr(1)), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(code(std::string("\0\xff\xff\xff\xff", 5)), absl::StatusCode::kResourceExhausted);
}

TEST(GrpcWeb, DecodesTextInOneRunOrSeveral) {
  EXPECT_EQ(*DecodeGrpcWebText("AAAAAAA="), std::string(5, '\0'));
  EXPECT_EQ(*DecodeGrpcWebText("YQ==YWI=YWJj"), "aababc");
  EXPECT_EQ(*DecodeGrpcWebText(""), "");
  EXPECT_FALSE(DecodeGrpcWebText("YQ=").ok());
  EXPECT_FALSE(DecodeGrpcWebText("=").ok());
  EXPECT_FALSE(DecodeGrpcWebText("Y!==").ok());
}

TEST(GrpcWeb, PassesMetadataOnButNotWhatBelongsToHttp) {
  const auto metadata = RpcMetadataOf(Request("POST", "/a.B/C",
                                              {{"host", "x"},
                                               {"content-type", "application/grpc-web"},
                                               {"origin", "http://x"},
                                               {"sec-fetch-mode", "cors"},
                                               {"grpc-timeout", "1S"},
                                               {"x-bowerbird-peer", "forged"},
                                               {"authorization", "Bearer t"},
                                               {"viam_client", "typescript;v1"},
                                               {"trace-bin", "AAE, Ag=="}}));
  ASSERT_TRUE(metadata.ok());
  EXPECT_THAT(*metadata,
              ElementsAre(Pair("authorization", "Bearer t"), Pair("viam_client", "typescript;v1"),
                          Pair("trace-bin", std::string("\0\1", 2)), Pair("trace-bin", "\2")));
}

TEST(GrpcWeb, RefusesHeadersThatWouldMakeGrpcAbort) {
  for (const auto& header : {std::pair<std::string, std::string>{"x!", "a"},
                             {"x", "caf\xc3\xa9"},
                             {"x", std::string("a\0b", 3)},
                             {"x-bin", "!"}})
    EXPECT_FALSE(RpcMetadataOf(Request("POST", "/", {header})).ok()) << header.first;
}

TEST(GrpcWeb, ReadsTimeouts) {
  const auto timeout = [](const std::string& text) {
    return RpcTimeoutOf(Request("POST", "/", {{"grpc-timeout", text}}));
  };
  EXPECT_EQ(**timeout("1500m"), std::chrono::milliseconds(1500));
  EXPECT_EQ(**timeout("7n"), std::chrono::nanoseconds(7));
  EXPECT_EQ(**timeout("99999999H"), std::chrono::hours(365 * 24)) << "as good as none";
  EXPECT_FALSE(RpcTimeoutOf(Request("POST", "/"))->has_value());
  for (const char* bad : {"m", "1", "1x", "-1m", "123456789m", "1.5S"})
    EXPECT_FALSE(timeout(bad).ok()) << bad;
}

TEST(GrpcWeb, WritesTrailersThatHttpCanCarry) {
  const std::string frame = GrpcWebTrailers(
      5, "not \xe2\x9c\x93 100%\r\n",
      {{"grpc-status-details-bin", std::string("\0\1", 2)}, {"x", "y"}, {"bad", "a\nb"}});
  EXPECT_EQ(frame.substr(5),
            "grpc-status: 5\r\ngrpc-message: not %E2%9C%93 100%25%0D%0A\r\n"
            "grpc-status-details-bin: AAE=\r\nx: y\r\n");
  EXPECT_EQ(static_cast<unsigned char>(frame[0]), 0x80);
  EXPECT_EQ(static_cast<size_t>(frame[4]), frame.size() - 5);
}

TEST(GrpcWeb, KnowsPathsOfCalls) {
  EXPECT_TRUE(IsRpcPath("/viam.robot.v1.RobotService/GetOperations"));
  for (const char* bad : {"", "/", "/a", "/a/", "//b", "/a/b/c", "/a/b?c", "a/b", "/a b/c"})
    EXPECT_FALSE(IsRpcPath(bad)) << bad;
}

}  // namespace
}  // namespace bowerbird::serve
