// SPDX-License-Identifier: Apache-2.0
//
// Calls of services that live elsewhere.
#include "serve/generic_proxy.h"

#include <atomic>

#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "gtest/gtest.h"
#include "serve/request_name.h"
#include "serve/test_calls.h"

namespace bowerbird::serve {
namespace {

using testing::HasSubstr;
using namespace test;  // NOLINT: the tools of these tests

// Answers each call with what it was called with, from a server of its own.
class Elsewhere : public grpc::CallbackGenericService {
 public:
  Elsewhere() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.SetMaxReceiveMessageSize(-1);
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
    channel_ = Dial(port);
  }
  ~Elsewhere() override {
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  }
  std::shared_ptr<grpc::Channel> channel() const { return channel_; }
  std::atomic<int> open{0};
  std::atomic<bool> saw_authorization{false};

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    class Reactor : public grpc::ServerGenericBidiReactor {
     public:
      Reactor(Elsewhere& owner, grpc::GenericCallbackServerContext& call)
          : owner_(owner),
            fails_(call.method() == "/acme.v1.GizmoService/Fail"),
            hangs_(call.method() == "/acme.v1.GizmoService/HangOnce") {
        ++owner_.open;
        const auto& metadata = call.client_metadata();
        if (metadata.count("authorization") > 0) owner_.saw_authorization = true;
        if (const auto tag = metadata.find("x-tag"); tag != metadata.end())
          call.AddInitialMetadata("x-tag-seen",
                                  std::string(tag->second.data(), tag->second.size()));
        call.AddTrailingMetadata("x-trailer", "last");
        StartRead(&message_);
      }
      void OnReadDone(bool ok) override {
        if (ok && fails_) return Finish({grpc::StatusCode::ABORTED, "gizmo jammed"});
        if (hangs_) return;
        if (!ok) return Finish(grpc::Status::OK);
        StartWrite(&message_);
      }
      void OnCancel() override {
        if (hangs_) Finish(grpc::Status::CANCELLED);
      }
      void OnWriteDone(bool ok) override {
        if (ok) StartRead(&message_);
      }
      void OnDone() override {
        --owner_.open;
        delete this;
      }

     private:
      Elsewhere& owner_;
      const bool fails_;
      const bool hangs_;
      grpc::ByteBuffer message_;
    };
    return new Reactor(*this, *context);
  }

 private:
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

class OneService : public ForeignRouter {
 public:
  explicit OneService(std::shared_ptr<grpc::Channel> channel) : channel_(std::move(channel)) {}
  bool Knows(const std::string& service) const override {
    return service == "acme.v1.GizmoService";
  }
  std::vector<std::string> Services() const override { return {"acme.v1.GizmoService"}; }
  std::vector<std::shared_ptr<const google::protobuf::DescriptorPool>> Files() const override {
    google::protobuf::FileDescriptorProto file;
    file.set_name("acme/gizmo.proto");
    file.set_package("acme.v1");
    file.add_service()->set_name("GizmoService");
    const auto pool = std::make_shared<google::protobuf::DescriptorPool>();
    pool->BuildFile(file);
    return {pool};
  }
  // Of its methods, these are known to be unary.
  absl::StatusOr<ForeignTarget> Route(const std::string&, const std::string& method,
                                      const std::string& resource) const override {
    const bool unary = method == "TurnOnce" || method == "HangOnce" || method == "Fail";
    if (resource == "near-gizmo") return ForeignTarget{channel_, "gizmo", unary};
    if (resource == "same") return ForeignTarget{channel_, "same", unary};
    return absl::NotFoundError("no resource of that name");
  }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
};

class ForeignCallsTest : public CallsTest {
 protected:
  ForeignCallsTest() : router_(elsewhere_.channel()) { Start(&router_); }
  ~ForeignCallsTest() override { server_->Stop(std::chrono::milliseconds(500)); }
  Elsewhere elsewhere_;
  OneService router_;
};

TEST_F(ForeignCallsTest, GoToTheResourceUnderItsNameOverThere) {
  const Answer answer = Unary(channel_, "/acme.v1.GizmoService/Turn", StringMessage("near-gizmo"));
  EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(StringOf(answer.message), "gizmo");
  const Answer same =
      Unary(channel_, "/acme.v1.GizmoService/Turn",
            StringMessage("same") +
                std::string(size_t{20} << 20, '\0').replace(0, 5, "\x12\xfb\xff\xff\x09"));
  EXPECT_EQ(same.status.error_code(), grpc::StatusCode::OK) << same.status.error_message();
  EXPECT_EQ(same.message.size(), (size_t{20} << 20) + 6);
}

TEST_F(ForeignCallsTest, CarryMetadataAndStatusButNotOurToken) {
  AnyCall call(channel_, "/acme.v1.GizmoService/Turn",
               {{"x-tag", "blue"}, {"authorization", "Bearer ours"}});
  call.Write(StringMessage("near-gizmo"));
  call.WritesDone();
  EXPECT_EQ(StringOf(call.Read()), "gizmo");
  EXPECT_EQ(call.Read(), "<end>");
  EXPECT_TRUE(call.Finish().ok());
  EXPECT_EQ(call.context.GetServerInitialMetadata().find("x-tag-seen")->second, "blue");
  EXPECT_EQ(call.context.GetServerInitialMetadata().count("opid"), 1u);
  EXPECT_EQ(call.context.GetServerTrailingMetadata().find("x-trailer")->second, "last");
  EXPECT_FALSE(elsewhere_.saw_authorization);

  const Answer failed = Unary(channel_, "/acme.v1.GizmoService/Fail", StringMessage("same"));
  EXPECT_EQ(failed.status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(failed.status.error_message(), "gizmo jammed");
}

TEST_F(ForeignCallsTest, KnownToBeUnaryAreTheSameToTheClient) {
  AnyCall call(channel_, "/acme.v1.GizmoService/TurnOnce",
               {{"x-tag", "blue"}, {"authorization", "Bearer ours"}});
  call.Write(StringMessage("near-gizmo"));
  call.WritesDone();
  EXPECT_EQ(StringOf(call.Read()), "gizmo");
  EXPECT_EQ(call.Read(), "<end>");
  EXPECT_TRUE(call.Finish().ok());
  EXPECT_EQ(call.context.GetServerInitialMetadata().find("x-tag-seen")->second, "blue");
  EXPECT_EQ(call.context.GetServerInitialMetadata().count("opid"), 1u);
  EXPECT_EQ(call.context.GetServerTrailingMetadata().find("x-trailer")->second, "last");
  EXPECT_FALSE(elsewhere_.saw_authorization);
  const Answer nothing = Unary(channel_, "/acme.v1.GizmoService/TurnOnce", "");
  EXPECT_EQ(nothing.status.error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ForeignCallsTest, KnownToBeUnaryEndWithTheClient) {
  // Waits for what never comes.
  AnyCall call(channel_, "/acme.v1.GizmoService/HangOnce");
  call.Write(StringMessage("same"));
  EXPECT_TRUE(Eventually([this] { return elsewhere_.open == 1; }));
  call.context.TryCancel();
  EXPECT_EQ(call.Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(Eventually([this] { return elsewhere_.open == 0; }));
  EXPECT_TRUE(Eventually([this] { return server_->operations().List().empty(); }));

  AnyCall other(channel_, "/acme.v1.GizmoService/HangOnce");
  other.Write(StringMessage("same"));
  EXPECT_TRUE(Eventually([this] { return elsewhere_.open == 1; }));
  const auto operations = server_->operations().List();
  ASSERT_EQ(operations.size(), 1u);
  EXPECT_TRUE(server_->operations().Cancel(operations[0].id));
  EXPECT_EQ(other.Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(ForeignCallsTest, StreamInBothDirections) {
  AnyCall call(channel_, "/acme.v1.GizmoService/Chat");
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(call.Write(StringMessage("near-gizmo")));
    ASSERT_EQ(StringOf(call.Read()), "gizmo");
  }
  EXPECT_EQ(server_->operations().List().size(), 1u);
  call.WritesDone();
  EXPECT_EQ(call.Read(), "<end>");
  EXPECT_TRUE(call.Finish().ok());
}

TEST_F(ForeignCallsTest, EndWithTheClientTheOperatorOrTheResource) {
  {
    AnyCall call(channel_, "/acme.v1.GizmoService/Chat");
    call.Write(StringMessage("same"));
    call.Read();
    EXPECT_EQ(elsewhere_.open, 1);
    call.context.TryCancel();
    EXPECT_EQ(call.Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  EXPECT_TRUE(Eventually([this] { return elsewhere_.open == 0; }));
  {
    AnyCall call(channel_, "/acme.v1.GizmoService/Chat");
    call.Write(StringMessage("same"));
    call.Read();
    const auto operations = server_->operations().List();
    ASSERT_EQ(operations.size(), 1u);
    EXPECT_TRUE(server_->operations().Cancel(operations[0].id));
    EXPECT_EQ(call.Read(), "<end>");
    EXPECT_EQ(call.Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  EXPECT_TRUE(Eventually([this] { return elsewhere_.open == 0; }));
  // The resource ends the call while the client's side is still open.
  AnyCall call(channel_, "/acme.v1.GizmoService/Fail");
  call.Write(StringMessage("same"));
  EXPECT_EQ(call.Read(), "<end>");
  EXPECT_EQ(call.Finish().error_code(), grpc::StatusCode::ABORTED);
  EXPECT_TRUE(Eventually([this] { return server_->operations().List().empty(); }));
}

TEST_F(ForeignCallsTest, AreDescribedByReflectionAsTheirServiceDescribesItself) {
  AnyCall call(channel_, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
  grpc::reflection::v1::ServerReflectionRequest request;
  grpc::reflection::v1::ServerReflectionResponse response;
  for (const bool by_name : {false, true}) {
    request.set_file_containing_symbol("acme.v1.GizmoService");
    if (by_name) request.set_file_by_filename("acme/gizmo.proto");
    call.Write(request.SerializeAsString());
    ASSERT_TRUE(response.ParseFromString(call.Read()));
    ASSERT_EQ(response.file_descriptor_response().file_descriptor_proto_size(), 1);
    google::protobuf::FileDescriptorProto file;
    ASSERT_TRUE(file.ParseFromString(response.file_descriptor_response().file_descriptor_proto(0)));
    EXPECT_EQ(file.package(), "acme.v1");
  }
  call.WritesDone();
  EXPECT_EQ(call.Read(), "<end>");
  EXPECT_TRUE(call.Finish().ok());
}

TEST_F(ForeignCallsTest, AreRefusedByNameAndPassTheGate) {
  const Answer nobody = Unary(channel_, "/acme.v1.GizmoService/Turn", StringMessage("nobody"));
  EXPECT_EQ(nobody.status.error_code(), grpc::StatusCode::NOT_FOUND);
  const Answer unknown = Unary(channel_, "/acme.v1.OtherService/Turn", StringMessage("same"));
  EXPECT_EQ(unknown.status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_THAT(unknown.status.error_message(), HasSubstr("Turn"));
  EXPECT_THAT(unknown.status.error_message(), HasSubstr("acme.v1.OtherService"));
  const Answer garbage = Unary(channel_, "/acme.v1.GizmoService/Turn", "\x0a\xff\xff");
  EXPECT_EQ(garbage.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  Configure("part", "s3cret");
  for (const char* method : {"/acme.v1.GizmoService/Turn", "/acme.v1.OtherService/Turn"})
    EXPECT_EQ(Unary(channel_, method, StringMessage("same")).status.error_code(),
              grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(metrics_.Text(), HasSubstr("method=\"/acme.v1.GizmoService/*\""));
  EXPECT_THAT(metrics_.Text(), HasSubstr("method=\"unknown\""));
}

TEST_F(ForeignCallsTest, OfOneResourceAreLimitedInNumber) {
  std::vector<std::unique_ptr<AnyCall>> calls;
  for (int i = 0; i < 100; ++i) {
    calls.push_back(std::make_unique<AnyCall>(channel_, "/acme.v1.GizmoService/Chat"));
    calls.back()->Write(StringMessage("same"));
    ASSERT_EQ(StringOf(calls.back()->Read()), "same");
  }
  const Answer refused = Unary(channel_, "/acme.v1.GizmoService/Turn", StringMessage("same"));
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(
      Unary(channel_, "/acme.v1.GizmoService/Turn", StringMessage("near-gizmo")).status.ok());
  calls.back()->WritesDone();
  EXPECT_TRUE(calls.back()->Finish().ok());
  EXPECT_TRUE(Eventually([this] {
    return Unary(channel_, "/acme.v1.GizmoService/Turn", StringMessage("same")).status.ok();
  }));
  for (auto& call : calls) call->context.TryCancel();
}

TEST(RequestName, IsFieldOneWhateverElseThereIs) {
  const auto name = [](const std::string& message) { return RequestName(Bytes(message)); };
  EXPECT_EQ(name(""), "");
  EXPECT_EQ(name(StringMessage("cam")), "cam");
  EXPECT_EQ(name("\x10\x05" + StringMessage("cam") + "\x1a\x01z"), "cam");
  EXPECT_EQ(name(StringMessage("a") + StringMessage("b")), "b") << "the last one counts";
  EXPECT_EQ(name(std::string("\x08\x07", 2)), "") << "a number is no name";
  EXPECT_FALSE(name("\x0a\x05"
                    "abc")
                   .has_value());
  EXPECT_FALSE(name("\xff").has_value());
  EXPECT_FALSE(name(std::string("\0", 1)).has_value());
}

TEST(RequestName, CanBeReplacedLeavingTheRestAsItIs) {
  const std::string rest = "\x10\x05\x1a\x01z";
  const auto renamed =
      WithRequestName(Bytes("\x10\x05" + StringMessage("prefix-cam") + "\x1a\x01z"), "cam");
  ASSERT_TRUE(renamed.has_value());
  EXPECT_EQ(TextOf(*renamed), StringMessage("cam") + rest);
}

}  // namespace
}  // namespace bowerbird::serve
