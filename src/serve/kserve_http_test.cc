// SPDX-License-Identifier: Apache-2.0
//
// KServe's protocol over HTTP, as bytes on the port.
#include "serve/kserve_http.h"
#include "base/base64.h"

#include <cstring>

#include "gmock/gmock.h"
#include "serve/kserve_test_model.h"

namespace bowerbird::serve {
namespace {

using test::RawClient;
using test::RawResponse;
using testing::AllOf;
using testing::HasSubstr;

std::string RouteText(const std::string& method, const std::string& target) {
  const auto route = KServeRoute::Parse({method, target, {}});
  if (!route.ok()) return MessageOf(route.status());
  return route->method().substr(route->method().rfind('/') + 1) + " " + route->model + " " +
         route->version;
}

TEST(KServeRoute, EveryAddressIsACall) {
  EXPECT_EQ(RouteText("GET", "/v2/health/live"), "ServerLive  ");
  EXPECT_EQ(RouteText("HEAD", "/v2/health/ready"), "ServerReady  ");
  EXPECT_EQ(RouteText("GET", "/v2"), "ServerMetadata  ");
  EXPECT_EQ(RouteText("GET", "/v2/"), "ServerMetadata  ");
  EXPECT_EQ(RouteText("GET", "/v2/models/m"), "ModelMetadata m ");
  EXPECT_EQ(RouteText("GET", "/v2/models/m/versions/1"), "ModelMetadata m 1");
  EXPECT_EQ(RouteText("GET", "/v2/models/far%3Am%20n/ready?x=1"), "ModelReady far:m n ");
  EXPECT_EQ(RouteText("POST", "/v2/models/m/versions/1/infer"), "ModelInfer m 1");
}

TEST(KServeRoute, OtherAddressesAndMethodsAreRefused) {
  for (const char* target : {"/v2/models", "/v2/models//infer", "/v2/models/m/config", "/v2/health",
                             "/v2/health/well", "/v2/models/m/versions", "/v2/models/m/infer/x",
                             "/v2/models/%zz/ready", "/v2/models/%FF", "/v2/models/%2", "/v2/x"})
    EXPECT_THAT(RouteText("GET", target), HasSubstr("is no address")) << target;
  EXPECT_THAT(RouteText("GET", "/v2/models/m/infer"), HasSubstr("wants POST"));
  EXPECT_THAT(RouteText("POST", "/v2/models/m"), HasSubstr("wants GET"));
  EXPECT_TRUE(IsKServePath("/v2/x"));
  EXPECT_FALSE(IsKServePath("/v2x"));
  EXPECT_FALSE(IsKServePath("/"));
}

class KServeHttp : public test::KServeServerTest {
 protected:
  RawResponse Send(const std::string& method, const std::string& target,
                   const std::string& body = "", const std::string& headers = "") {
    RawClient client(server_->port());
    const std::string length =
        body.empty() ? "" : "content-length: " + std::to_string(body.size()) + "\r\n";
    client.Send(method + " " + target + " HTTP/1.1\r\nhost: x\r\n" + length + headers + "\r\n" +
                body);
    return ReceiveResponse(client, method == "HEAD");
  }
  RawResponse Infer(const std::string& body, const std::string& headers = "") {
    return Send("POST", "/v2/models/one/infer", body, headers);
  }

  const std::string input_ = R"({"name":"in_float32","datatype":"FP32","shape":[1,3],)";
};

TEST_F(KServeHttp, JsonInJsonOut) {
  Start();
  const RawResponse response =
      Infer(R"({"id":"7","inputs":[)" + input_ + R"("data":[[1,2.5,-3e10]]}]})");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.Header("content-type"), "application/json");
  EXPECT_EQ(response.body,
            R"({"model_name":"one","model_version":"1","id":"7","outputs":[{"name":"out_float32",)"
            R"("datatype":"FP32","shape":[1,3],"data":[1,2.5,-3e+10]}]})");
}

TEST_F(KServeHttp, BinaryTensorsGoBothWaysAndTheConnectionGoesOn) {
  Start();
  const std::string json =
      R"({"inputs":[)" + input_ + R"("parameters":{"binary_data_size":12}}],)" +
      R"("outputs":[{"name":"out_float32","parameters":{"binary_data":true}}]})";
  const std::string bytes("\0\0\x80\x3f\0\0\0\x40\0\0\xc0\x7f", 12);  // 1, 2, NaN
  RawClient client(server_->port());
  for (int i = 0; i < 3; ++i) {
    client.Send("POST /v2/models/one/versions/1/infer HTTP/1.1\r\nhost: x\r\ncontent-length: " +
                std::to_string(json.size() + bytes.size()) +
                "\r\nInference-Header-Content-Length: " + std::to_string(json.size()) + "\r\n\r\n" +
                json + bytes);
    const RawResponse response = ReceiveResponse(client);
    EXPECT_EQ(response.status, 200) << response.body;
    const std::string length = response.Header("inference-header-content-length");
    ASSERT_FALSE(length.empty());
    EXPECT_EQ(response.body.substr(std::stoul(length)), bytes);
    EXPECT_THAT(response.body, HasSubstr(R"("parameters":{"binary_data_size":12})"));
  }
}

TEST_F(KServeHttp, WhatJsonCannotSayIsAskedForAsBinaryData) {
  Start();
  const std::string json = R"({"inputs":[)" + input_ + R"("parameters":{"binary_data_size":12}}]})";
  const RawResponse response =
      Infer(json + std::string("\0\0\xc0\x7f\0\0\0\0\0\0\0\0", 12),
            "Inference-Header-Content-Length: " + std::to_string(json.size()) + "\r\n");
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("binary_data"));
}

TEST_F(KServeHttp, FailuresSayWhatIsWrongAsJson) {
  Start();
  const RawResponse bad = Infer("{");
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(bad.Header("content-type"), "application/json");
  EXPECT_THAT(bad.body, HasSubstr("{\"error\":\"the body of the message: not JSON"));
  EXPECT_EQ(Infer(R"({"inputs":[]})").status, 400);
  EXPECT_EQ(Send("POST", "/v2/models/nowhere/infer", R"({"inputs":[]})").status, 404);
  EXPECT_EQ(Send("GET", "/v2/models/one/config").status, 404);
  EXPECT_EQ(Send("GET", "/v2/models/one/infer").status, 501);
  EXPECT_EQ(Infer("x", "content-encoding: gzip\r\n").status, 501);
  one_->model_.busy = true;
  EXPECT_EQ(Infer(R"({"inputs":[)" + input_ + R"("data":[1,2,3]}]})").status, 429);
}

TEST_F(KServeHttp, HealthAndMetadataAreThere) {
  Start();
  EXPECT_EQ(Send("GET", "/v2/health/live").status, 200);
  EXPECT_EQ(Send("HEAD", "/v2/health/ready").status, 200);
  ready_ = false;
  EXPECT_EQ(Send("GET", "/v2/health/ready").status, 400);
  EXPECT_EQ(Send("GET", "/v2").body,
            R"({"name":"bowerbird","version":"1.2.3","extensions":["binary_tensor_data"]})");
  EXPECT_EQ(Send("GET", "/v2/models/one").body,
            R"({"inputs":[{"datatype":"FP32","name":"in_float32","shape":[-1,3]}],"name":"one",)"
            R"("outputs":[{"datatype":"FP32","name":"out_float32","shape":[-1,3]}],)"
            R"("platform":"bowerbird_mlmodel","versions":["1"]})");
  EXPECT_EQ(Send("GET", "/v2/models/one/ready").status, 200);
  EXPECT_EQ(Send("GET", "/v2/models/two/ready").status, 404);
}

TEST_F(KServeHttp, CredentialsAreAskedForAsElsewhere) {
  Start();
  ASSERT_TRUE(server_->SetAuthHandlers({{"api-key", {{"key-1", "s3cret"}}}}).ok());
  const std::string body = R"({"inputs":[)" + input_ + R"("data":[1,2,3]}]})";
  const RawResponse refused = Infer(body);
  EXPECT_EQ(refused.status, 401);
  EXPECT_THAT(refused.Header("www-authenticate"), HasSubstr("Basic"));
  EXPECT_EQ(Send("GET", "/v2/models/one").status, 401);
  EXPECT_EQ(Send("GET", "/v2/health/live").status, 200) << "probes have none";
  const auto basic = [](const std::string& pair) {
    return "authorization: Basic " + Base64Encode(pair) + "\r\n";
  };
  EXPECT_EQ(Infer(body, basic("key-1:wrong")).status, 401);
  EXPECT_EQ(Infer(body, basic("key-1:s3cret")).status, 200);
  const auto token = server_->authenticator().Authenticate("key-1", "api-key", "s3cret");
  ASSERT_TRUE(token.ok());
  EXPECT_EQ(Infer(body, "authorization: Bearer " + *token + "\r\n").status, 200);
}

TEST_F(KServeHttp, PagesOfOtherOriginsMayNotCallAnOpenServer) {
  Start();
  const std::string body = R"({"inputs":[)" + input_ + R"("data":[1,2,3]}]})";
  EXPECT_EQ(Infer(body, "origin: https://evil.example\r\n").status, 403);
  const RawResponse local = Infer(body, "origin: http://localhost:5173\r\n");
  EXPECT_EQ(local.status, 200);
  EXPECT_EQ(local.Header("access-control-allow-origin"), "http://localhost:5173");
}

TEST_F(KServeHttp, BodiesBeyondTheLimitAreRefused) {
  options_.max_message = 4096;
  Start();
  EXPECT_EQ(Infer(std::string(200000, ' ')).status, 413);
  std::string many =
      R"({"inputs":[{"name":"in_float32","datatype":"FP32","shape":[600,3],"data":[0)";
  for (int i = 1; i < 1800; ++i) many += ",0";
  EXPECT_EQ(Infer(many + "]}]}").status, 429) << "small as JSON, too large as tensors";
}

TEST_F(KServeHttp, CallsAreCountedWithThoseOfGrpc) {
  Start();
  Send("GET", "/v2/models/one");
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("method=\"/inference.GRPCInferenceService/ModelMetadata\""));
}

}  // namespace
}  // namespace bowerbird::serve
