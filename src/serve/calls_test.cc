// SPDX-License-Identifier: Apache-2.0
//
// What happens to calls on their way: credentials, sessions, limits, reflection, health, and calls
// of services that live elsewhere.
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "proto/rpc/v1/auth.pb.h"
#include "serve/request_name.h"
#include "serve/server.h"
#include "serve/test_peer.h"

namespace bowerbird::serve {
namespace {

using testing::Contains;
using testing::HasSubstr;
using namespace test;  // NOLINT: the tools of these tests

constexpr char kEcho[] = "/test.v1.EchoService/Echo";

grpc::ByteBuffer Bytes(const std::string& text) {
  const grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

std::string TextOf(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  return buffer.Valid() && buffer.DumpToSingleSlice(&slice).ok()
             ? std::string(slice.begin(), slice.end())
             : std::string();
}

std::shared_ptr<grpc::Channel> Dial(int port) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port),
                                   grpc::InsecureChannelCredentials(), arguments);
}

// A call of any service, driven from one thread.
class AnyCall {
 public:
  AnyCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
          const Headers& metadata = {})
      : stub_(channel) {
    for (const auto& [name, value] : metadata) context.AddMetadata(name, value);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    stream_ = stub_.PrepareCall(&context, method, &queue_);
    stream_->StartCall(this);
    Wait();
  }
  ~AnyCall() {
    queue_.Shutdown();
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
    }
  }
  bool Write(const std::string& message) {
    stream_->Write(Bytes(message), this);
    return Wait();
  }
  void WritesDone() {
    stream_->WritesDone(this);
    Wait();
  }
  std::string Read() {
    grpc::ByteBuffer message;
    stream_->Read(&message, this);
    return Wait() ? TextOf(message) : "<end>";
  }
  grpc::Status Finish() {
    grpc::Status status;
    stream_->Finish(&status, this);
    Wait();
    return status;
  }

  grpc::ClientContext context;

 private:
  bool Wait() {
    void* tag;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }
  grpc::CompletionQueue queue_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
};

struct Answer {
  grpc::Status status;
  std::string message;
};

Answer Unary(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
             const std::string& message, const Headers& metadata = {}) {
  AnyCall call(channel, method, metadata);
  call.Write(message);
  call.WritesDone();
  Answer answer;
  answer.message = call.Read();
  answer.status = call.Finish();
  return answer;
}

class CallsTest : public testing::Test {
 protected:
  CallsTest() {
    options_.data_dir = folder_.path();
    options_.listen = {"127.0.0.1:0"};
  }
  void Start(const ForeignRouter* router = nullptr) {
    auto server = Server::Create(options_, metrics_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    echo_ = std::make_unique<EchoRpc>(server_->admission());
    const absl::Status started = server_->Start({echo_.get()}, router);
    ASSERT_TRUE(started.ok()) << started;
    channel_ = Dial(server_->port());
  }
  // Credentials are needed from then on.
  void Configure(const std::string& id, const std::string& secret) {
    ASSERT_TRUE(server_->SetAuthHandlers({{"api-key", {{id, secret}}}}).ok());
  }
  Answer Authenticate(const std::string& id, const std::string& secret,
                      const std::string& type = "api-key", const Headers& metadata = {}) {
    proto::rpc::v1::AuthenticateRequest request;
    request.set_entity(id);
    request.mutable_credentials()->set_type(type);
    request.mutable_credentials()->set_payload(secret);
    Answer answer = Unary(channel_, "/proto.rpc.v1.AuthService/Authenticate",
                          request.SerializeAsString(), metadata);
    proto::rpc::v1::AuthenticateResponse response;
    if (response.ParseFromString(answer.message)) answer.message = response.access_token();
    return answer;
  }

  TempFolder folder_;
  ServerOptions options_;
  Metrics metrics_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<EchoRpc> echo_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(CallsTest, NeedATokenOnceAuthenticationIsConfigured) {
  Start();
  EXPECT_TRUE(Unary(channel_, kEcho, StringMessage("a")).status.ok());
  Configure("part", "s3cret");
  const Answer refused = Unary(channel_, kEcho, StringMessage("a"));
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(refused.status.error_message(), "authentication required");
  const Answer token = Authenticate("part", "s3cret");
  ASSERT_TRUE(token.status.ok()) << token.status.error_message();
  const Headers bearer = {{"authorization", "Bearer " + token.message}};
  const Answer owner = Unary(channel_, "/test.v1.EchoService/Owner", "", bearer);
  EXPECT_THAT(StringOf(owner.message), HasSubstr("part@127.0.0.1:"));

  RawClient web(server_->port());
  const RawResponse over_web = CallGrpcWeb(web, "/test.v1.EchoService/Owner", "",
                                           "authorization: Bearer " + token.message + "\r\n");
  EXPECT_THAT(StringOf(Frames(over_web.body).at(0)), HasSubstr("part@127.0.0.1:"));
  EXPECT_THAT(Frames(CallGrpcWeb(web, kEcho, "").body).at(0), HasSubstr("grpc-status: 16"));

  Configure("part", "another");
  EXPECT_EQ(Unary(channel_, kEcho, "", bearer).status.error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(metrics_.Text(), HasSubstr("code=\"UNAUTHENTICATED\",method=\"/test.v1."));
}

TEST_F(CallsTest, AuthenticateAnswersWithTheCodesOfTheWire) {
  Start();
  Configure("part", "s3cret");
  const Answer wrong = Authenticate("part", "guess");
  EXPECT_EQ(wrong.status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(wrong.status.error_message(), "invalid credentials");
  EXPECT_EQ(Authenticate("part", "s3cret", "password").status.error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Authenticate("part", "s3cret", "api-key", {{"authorization", "Bearer x"}})
                .status.error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(CallsTest, AServerThatOthersCanReachDoesNotStartWithoutKeys) {
  options_.listen = {"0.0.0.0:0"};
  auto server = Server::Create(options_, metrics_);
  ASSERT_TRUE(server.ok());
  EXPECT_TRUE(absl::IsFailedPrecondition((*server)->Start({}, nullptr)));
  ASSERT_TRUE(ApiKeyFile(folder_.path()).Create("laptop").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition((*server)->Start({}, nullptr))) << "no TLS";
  options_.insecure = true;
  Start();
  EXPECT_EQ(Unary(channel_, kEcho, "").status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(CallsTest, FailInASessionThatExpired) {
  Start();
  const Answer answer = Unary(channel_, kEcho, "", {{"viam-sid", "gone"}});
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(answer.status.error_message(), "SESSION_EXPIRED");
  const auto session = server_->sessions().Start("", "", "");
  EXPECT_TRUE(Unary(channel_, kEcho, "", {{"viam-sid", session->id}}).status.ok());
}

TEST_F(CallsTest, ReflectionListsServicesAndTheirFilesInBothVersions) {
  using grpc::reflection::v1::ServerReflectionRequest;
  using grpc::reflection::v1::ServerReflectionResponse;
  Start();
  for (const std::string version : {"v1", "v1alpha"}) {
    AnyCall call(channel_,
                 "/grpc.reflection." + version + ".ServerReflection/ServerReflectionInfo");
    ServerReflectionRequest request;
    request.set_list_services("");
    call.Write(request.SerializeAsString());
    ServerReflectionResponse response;
    ASSERT_TRUE(response.ParseFromString(call.Read()));
    std::vector<std::string> names;
    for (const auto& service : response.list_services_response().service())
      names.push_back(service.name());
    EXPECT_THAT(names, Contains("test.v1.EchoService"));
    EXPECT_THAT(names, Contains("proto.rpc.v1.AuthService"));

    request.set_file_containing_symbol("proto.rpc.v1.AuthService");
    call.Write(request.SerializeAsString());
    ASSERT_TRUE(response.ParseFromString(call.Read()));
    google::protobuf::FileDescriptorProto file;
    ASSERT_TRUE(file.ParseFromString(response.file_descriptor_response().file_descriptor_proto(0)));
    EXPECT_EQ(file.package(), "proto.rpc.v1");

    request.set_file_containing_symbol("no.Such");
    call.Write(request.SerializeAsString());
    ASSERT_TRUE(response.ParseFromString(call.Read()));
    EXPECT_EQ(response.error_response().error_code(), 5);
    call.WritesDone();
    EXPECT_EQ(call.Read(), "<end>");
    EXPECT_TRUE(call.Finish().ok());
  }
  Configure("part", "s3cret");
  EXPECT_EQ(Unary(channel_, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "")
                .status.error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(CallsTest, HealthIsToldToEverybody) {
  Start();
  Configure("part", "s3cret");
  EXPECT_EQ(Unary(channel_, "/grpc.health.v1.Health/Check", "").message, "\x08\x01");
  server_->SetServing(false);
  EXPECT_EQ(Unary(channel_, "/grpc.health.v1.Health/Check", "").message, "\x08\x02");
}

TEST_F(CallsTest, StreamOverGrpcWebMessageByMessage) {
  Start();
  RawClient client(server_->port());
  const std::string body = Framed("");
  client.Send(GrpcWebRequestHead("/grpc.health.v1.Health/Watch", body.size()) + body);
  EXPECT_THAT(client.ReceiveUntil("\r\n\r\n"), HasSubstr("transfer-encoding: chunked"));
  const auto next = [&client] {
    client.ReceiveUntil("\r\n");
    const std::string frame = client.ReceiveExactly(7);
    client.ReceiveUntil("\r\n");
    return frame.substr(5);
  };
  EXPECT_EQ(next(), "\x08\x01");
  server_->SetServing(false);
  EXPECT_EQ(next(), "\x08\x02");
  server_->SetServing(true);
  EXPECT_EQ(next(), "\x08\x01");
}

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
          : owner_(owner), fails_(call.method() == "/acme.v1.GizmoService/Fail") {
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
        if (!ok) return Finish(grpc::Status::OK);
        StartWrite(&message_);
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
  absl::StatusOr<ForeignTarget> Route(const std::string&,
                                      const std::string& resource) const override {
    if (resource == "near-gizmo") return ForeignTarget{channel_, "gizmo"};
    if (resource == "same") return ForeignTarget{channel_, "same"};
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
