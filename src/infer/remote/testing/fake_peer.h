// SPDX-License-Identifier: Apache-2.0
//
// For tests: servers of KServe's protocol that say whatever the test wants them to, however wrong.
#pragma once

#include <functional>
#include <memory>
#include <string>

namespace inference {
class ModelInferRequest;
class ModelInferResponse;
class ModelMetadataResponse;
}  // namespace inference

namespace bowerbird::infer::remote {

// gRPC. The functions run on threads of gRPC's; they give a status code and a message.
struct FakeGrpcAnswers {
  std::function<std::pair<int, std::string>(inference::ModelMetadataResponse&)> describe;
  std::function<std::pair<int, std::string>(const inference::ModelInferRequest&,
                                            inference::ModelInferResponse&)>
      infer;
};

class FakePeer {
 public:
  virtual ~FakePeer() = default;
  virtual int port() const = 0;
};

// `port`: 0 = any that is free.
std::unique_ptr<FakePeer> StartGrpcPeer(FakeGrpcAnswers answers, int port = 0);

// HTTP/1.1, one request a connection: `answer` takes the whole request and gives the whole answer,
// status line included; "" closes without one, "hang" says nothing until the peer goes.
std::unique_ptr<FakePeer> StartHttpPeer(std::function<std::string(const std::string&)> answer);

// A complete answer.
std::string HttpAnswerOf(int status, const std::string& headers, const std::string& body);

}  // namespace bowerbird::infer::remote
