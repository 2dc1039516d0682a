// SPDX-License-Identifier: Apache-2.0
#include "machine/module/service_description.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <map>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"

namespace bowerbird::machine {
namespace {

using google::protobuf::FileDescriptorProto;
using grpc::reflection::v1::ServerReflectionRequest;
using grpc::reflection::v1::ServerReflectionResponse;

constexpr char kService[] = "acme.v1.GizmoService";

// Answers reflection of one version with the files it was given, one at a time.
class Peer : public grpc::CallbackGenericService {
 public:
  explicit Peer(std::string version)
      : method_("/grpc.reflection." + std::move(version) +
                ".ServerReflection/ServerReflectionInfo") {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
    client_ = std::make_unique<RpcClient>("127.0.0.1:" + std::to_string(port));
  }
  ~Peer() override {
    client_.reset();
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  }

  std::shared_ptr<const ServiceDescription> Ask() {
    return ServiceDescription::Ask(Context(), *client_, kService);
  }

  std::map<std::string, std::string> by_symbol, by_name;  // what is asked for -> the file's bytes

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    class Reactor : public grpc::ServerGenericBidiReactor {
     public:
      Reactor(Peer& peer, bool served) : peer_(peer) {
        if (served) {
          StartRead(&message_);
        } else {
          Finish({grpc::StatusCode::UNIMPLEMENTED, "of another version"});
        }
      }
      void OnReadDone(bool ok) override {
        if (!ok) return Finish(grpc::Status::OK);
        ServerReflectionRequest request;
        grpc::Slice slice;
        message_.DumpToSingleSlice(&slice);
        request.ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
        const auto& files = request.has_file_by_filename() ? peer_.by_name : peer_.by_symbol;
        const auto found =
            files.find(request.has_file_by_filename() ? request.file_by_filename()
                                                      : request.file_containing_symbol());
        ServerReflectionResponse response;
        if (found == files.end()) {
          response.mutable_error_response()->set_error_code(5);
        } else {
          response.mutable_file_descriptor_response()->add_file_descriptor_proto(found->second);
        }
        const grpc::Slice bytes(response.SerializeAsString());
        message_ = grpc::ByteBuffer(&bytes, 1);
        StartWrite(&message_);
      }
      void OnWriteDone(bool) override { StartRead(&message_); }
      void OnDone() override { delete this; }

     private:
      Peer& peer_;
      grpc::ByteBuffer message_;
    };
    return new Reactor(*this, context->method() == method_);
  }

 private:
  const std::string method_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<RpcClient> client_;
};

// Turn is unary, Chat is not; Turn's messages come from another file.
FileDescriptorProto ServiceFile() {
  FileDescriptorProto file;
  file.set_name("acme/gizmo.proto");
  file.set_package("acme.v1");
  file.add_dependency("acme/words.proto");
  auto& service = *file.add_service();
  service.set_name("GizmoService");
  for (const char* const name : {"Turn", "Chat"}) {
    auto& method = *service.add_method();
    method.set_name(name);
    method.set_input_type(".acme.v1.Words");
    method.set_output_type(".acme.v1.Words");
    method.set_server_streaming(std::string(name) == "Chat");
  }
  return file;
}

FileDescriptorProto WordsFile() {
  FileDescriptorProto file;
  file.set_name("acme/words.proto");
  file.set_package("acme.v1");
  file.add_message_type()->set_name("Words");
  return file;
}

TEST(ServiceDescription, IsAskedForInBothVersionsAndImportByImport) {
  for (const char* const version : {"v1", "v1alpha"}) {
    Peer peer(version);
    peer.by_symbol[kService] = ServiceFile().SerializeAsString();
    peer.by_name["acme/words.proto"] = WordsFile().SerializeAsString();
    const auto description = peer.Ask();
    ASSERT_NE(description, nullptr) << version;
    EXPECT_TRUE(description->IsUnary("Turn"));
    EXPECT_FALSE(description->IsUnary("Chat"));
    EXPECT_FALSE(description->IsUnary("NoSuch"));
    ASSERT_NE(description->files(), nullptr);
    EXPECT_NE(description->files()->FindServiceByName(kService), nullptr);
    EXPECT_NE(description->files()->FindMessageTypeByName("acme.v1.Words"), nullptr);
  }
}

TEST(ServiceDescription, IsNothingWhereTheServerDoesNotTell) {
  Peer silent("v1");
  EXPECT_EQ(silent.Ask(), nullptr);
  Peer other("v2");
  EXPECT_EQ(other.Ask(), nullptr);
  Peer garbage("v1");
  garbage.by_symbol[kService] = "\xff\xff no file";
  EXPECT_EQ(garbage.Ask(), nullptr);
}

TEST(ServiceDescription, WithoutItsImportsStillKnowsWhatIsUnary) {
  Peer peer("v1");
  peer.by_symbol[kService] = ServiceFile().SerializeAsString();
  const auto description = peer.Ask();
  ASSERT_NE(description, nullptr);
  EXPECT_TRUE(description->IsUnary("Turn"));
  EXPECT_EQ(description->files(), nullptr);
}

TEST(ServiceDescription, EndsWhereFilesImportEachOther) {
  Peer peer("v1");
  FileDescriptorProto words = WordsFile();
  words.add_dependency("acme/gizmo.proto");
  peer.by_symbol[kService] = ServiceFile().SerializeAsString();
  peer.by_name["acme/words.proto"] = words.SerializeAsString();
  const auto description = peer.Ask();
  ASSERT_NE(description, nullptr);
  EXPECT_TRUE(description->IsUnary("Turn"));
  EXPECT_EQ(description->files(), nullptr);
}

}  // namespace
}  // namespace bowerbird::machine
