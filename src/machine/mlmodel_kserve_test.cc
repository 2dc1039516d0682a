// SPDX-License-Identifier: Apache-2.0
#include "machine/mlmodel_kserve.h"

#include "base/mutex.h"
#include "gmock/gmock.h"
#include "infer/remote/testing/fake_peer.h"
#include "machine/builtins.h"
#include "machine/machine_fixture.h"

namespace bowerbird::machine {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class RemoteModels : public MachineTest {
 protected:
  RemoteModels() {
    AddTfliteModel(catalog_);
    AddKServeModel(catalog_);
  }

  std::string StateWith(const std::string& attributes,
                        const std::string& model = "bowerbird:remote:kserve") {
    auto config = ParseConfig(R"({"services": [{"name": "m", "type": "mlmodel", "model": ")" +
                                  model + R"(", "attributes": )" + attributes + "}]}",
                              {"m.json", "", nullptr});
    EXPECT_TRUE(config.ok()) << config.status();
    ApplyConfig(*std::move(config));
    return StateOf("m");
  }

  std::string last_request() const {
    const MutexLock lock(mutex_);
    return last_request_;
  }

  mutable Mutex mutex_;
  std::string last_request_ ABSL_GUARDED_BY(mutex_);
  // A server over HTTP with a model "picture" of one input and one output.
  const std::unique_ptr<infer::remote::FakePeer> peer_ =
      infer::remote::StartHttpPeer([this](const std::string& request) {
        const MutexLock lock(mutex_);
        last_request_ = request.substr(0, request.find("\r\n"));
        return infer::remote::HttpAnswerOf(
            200, "",
            R"({"name":"picture","platform":"test","inputs":[{"name":"x","datatype":"UINT8",)"
            R"("shape":[1,8,8,3]}],"outputs":[{"name":"y","datatype":"FP32","shape":[1,2]}]})");
      });
  const std::string url_ = "http://127.0.0.1:" + std::to_string(peer_->port());
};

TEST_F(RemoteModels, BothFormsOfTheAttributeAreUnderstood) {
  EXPECT_EQ(StateWith(R"({"engine": {"kserve": ")" + url_ + R"(", "model": "picture"}})"), "ready");
  EXPECT_EQ(last_request(), "GET /v2/models/picture HTTP/1.1");
  EXPECT_EQ(StateWith(R"({"engine": {"kserve": {"url": ")" + url_ +
                      R"(/base", "model": "picture", "version": 2}}})"),
            "ready");
  EXPECT_EQ(last_request(), "GET /base/v2/models/picture/versions/2 HTTP/1.1");
  const auto model = machine_->FindAs<MlModel>("m");
  ASSERT_TRUE(model.ok());
  EXPECT_EQ((*model)->model().metadata().inputs[0].name, "x");
  EXPECT_EQ((*model)->metrics_label(), "m");
}

TEST_F(RemoteModels, AnyLocalModelOfTheConfigMayMoveElsewhere) {
  EXPECT_EQ(StateWith(R"({"engine": {"kserve": ")" + url_ + R"(", "model": "picture"}})",
                      "viam:mlmodel-tflite:tflite_cpu"),
            "ready");
}

TEST_F(RemoteModels, FaultyAttributesAreNamed) {
  const std::string at = "m.json: services[0].attributes.engine";
  EXPECT_THAT(StateWith(R"({"engine": {"triton": "x"}})"), HasSubstr(at + ".kserve"));
  EXPECT_THAT(StateWith(R"({"engine": {"kserve": "http://box"}})"), HasSubstr(at + ".model"));
  EXPECT_THAT(StateWith(R"({"engine": {"kserve": "ftp://box", "model": "m"}})"),
              AllOf(HasSubstr(at + ".kserve"), HasSubstr("scheme")));
  EXPECT_THAT(StateWith(R"({"engine": {"kserve": {"url": "box:x", "model": "m"}}})"),
              HasSubstr(at + ".kserve.url"));
  EXPECT_THAT(StateWith(R"({"engine": {"kserve": "box", "model": "m", "protocol": "udp"}})"),
              HasSubstr(at + ".protocol"));
  EXPECT_THAT(StateWith(R"({"engine": {"kserve": "box", "model": "m", "headers": {"Host": "x"}}})"),
              HasSubstr(at + ".headers"));
  EXPECT_THAT(StateWith(R"({"engine": {"kserve": "box", "model": "m", "timeout_seconds": 0}})"),
              HasSubstr(at + ".timeout_seconds"));
}

TEST_F(RemoteModels, AServerThatIsNotThereIsTheResourcesState) {
  EXPECT_THAT(
      StateWith(R"({"engine": {"kserve": "http://127.0.0.1:1", "model": "m"}})"),
      AllOf(HasSubstr("model \"m\" at http://127.0.0.1:1"), HasSubstr("does the server run")));
}

}  // namespace
}  // namespace bowerbird::machine
