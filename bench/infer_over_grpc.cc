// SPDX-License-Identifier: Apache-2.0
//
// MLModelService.Infer over loopback gRPC, against a bare gRPC echo of the same bytes.
//   figure   p50(call) - p50(that model's own Invoke), in microseconds
//   bar      1.15 x p50(echo) + 30 microseconds
// Client and servers are three processes. The echo is a synchronous gRPC service without any code
// of the product: a BytesValue as long as the serialised InferRequest goes up, one as long as the
// InferResponse comes back. Also reported: the same against an echo that does the same Invoke
// before it answers (a client that waits for milliseconds sleeps deeper than one that waits for
// 100 us, and its processor takes longer to wake: that is in every call that does any work, and
// not in a bare echo); calls per second of two clients over one.
// usage: infer_over_grpc MODEL.tflite
#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/subprocess.h"
#include "bench/infer_over_grpc_servers.h"
#include "bench/measure.h"
#include "google/protobuf/wrappers.pb.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/impl/client_unary_call.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "service/mlmodel/v1/mlmodel.pb.h"

namespace bowerbird::bench {
namespace {

namespace proto = viam::service::mlmodel::v1;
using google::protobuf::BytesValue;
using grpc::internal::RpcMethod;

constexpr int kCallsPerRound = 60;

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "infer_over_grpc: %s\n", what.c_str());
  std::exit(1);
}

// This program again, as a server; its channel.
class ServerProcess {
 public:
  explicit ServerProcess(std::vector<std::string> arguments) {
    Subprocess::Options options;
    options.argv = std::move(arguments);
    options.argv.insert(options.argv.begin(),
                        std::filesystem::read_symlink("/proc/self/exe").string());
    options.input = Subprocess::Stream::kPipe;
    auto started = Subprocess::Start(std::move(options));
    if (!started.ok()) Fail(started.status().ToString());
    process_ = *std::move(started);
    std::string line;
    char byte = 0;
    for (auto n = process_->Read({&byte, 1}); n.ok() && *n > 0 && byte != '\n';
         n = process_->Read({&byte, 1}))
      line += byte;
    if (line.empty()) Fail("a server did not start: " + process_->Stderr());
    grpc::ChannelArguments channel_arguments;
    channel_arguments.SetMaxReceiveMessageSize(-1);
    channel_ = grpc::CreateCustomChannel("127.0.0.1:" + line, grpc::InsecureChannelCredentials(),
                                         channel_arguments);
  }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  std::unique_ptr<Subprocess> process_;
  std::shared_ptr<grpc::Channel> channel_;
};

template <typename Response, typename Request>
Response Call(const ServerProcess& server, const char* name, const Request& request) {
  grpc::ClientContext context;
  Response response;
  const RpcMethod method(name, RpcMethod::NORMAL_RPC, server.channel());
  const auto status = grpc::internal::BlockingUnaryCall<Request, Response>(
      server.channel().get(), method, &context, request, &response);
  if (!status.ok()) Fail(status.error_message());
  return response;
}

proto::InferRequest MakeRequest(const ServerProcess& product) {
  proto::MetadataRequest question;
  question.set_name("model");
  const auto metadata = Call<proto::MetadataResponse>(
      product, "/viam.service.mlmodel.v1.MLModelService/Metadata", question);
  const auto& info = metadata.metadata().input_info(0);
  proto::InferRequest request;
  request.set_name("model");
  auto& tensor = (*request.mutable_input_tensors()->mutable_tensors())[info.name()];
  size_t count = 1;
  for (const int extent : info.shape()) {
    tensor.add_shape(static_cast<uint64_t>(extent));
    count *= static_cast<size_t>(extent);
  }
  if (info.data_type() == "uint8") {
    tensor.mutable_uint8_tensor()->set_data(std::string(count, '\x40'));
  } else if (info.data_type() == "int8") {
    tensor.mutable_int8_tensor()->set_data(std::string(count, '\x40'));
  } else {
    Fail("the model's input must be uint8 or int8, it is " + info.data_type());
  }
  return request;
}

double CallsPerSecond(const std::function<void()>& call, int clients) {
  std::atomic<int> calls{0};
  const auto start = Clock::now();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < clients; ++i) {
      threads.emplace_back([&] {
        while (Clock::now() < start + std::chrono::seconds(1)) {
          call();
          ++calls;
        }
      });
    }
  }
  return calls.load() / std::chrono::duration<double>(Clock::now() - start).count();
}

double Time(const std::function<void()>& call) {
  const auto start = Clock::now();
  call();
  return Microseconds(Clock::now() - start);
}

// What a round measured, in microseconds.
struct Samples {
  std::vector<double> infer, invoke, echo, work;
};

void PrintFigures(const std::vector<Samples>& rounds, size_t request_bytes, size_t answer_bytes) {
  std::vector<double> figures, echoes, invokes, works;
  for (Samples round : rounds) {
    invokes.push_back(Percentile(round.invoke, 0.5));
    figures.push_back(Percentile(round.infer, 0.5) - invokes.back());
    echoes.push_back(Percentile(round.echo, 0.5));
    works.push_back(Percentile(round.work, 0.5));
  }
  nlohmann::json fields = {{"unit", "microseconds p50 beyond Invoke"},
                           {"request_bytes", request_bytes},
                           {"response_bytes", answer_bytes},
                           {"invoke_us", Median(invokes)},
                           {"echo_us", Median(echoes)},
                           {"over_echo", Median(figures) / Median(echoes)}};
  Print("infer_over_grpc", fields, Median(figures), 1.15 * Median(echoes) + 30,
        /*smaller_is_better=*/true, Spread(echoes));
  fields["unit"] = "the same against an echo that does the same Invoke (reported)";
  fields["echo_us"] = Median(works);
  fields["over_echo"] = Median(figures) / Median(works);
  Print("infer_over_grpc_working_echo", fields, Median(figures), 1.15 * Median(works) + 30,
        /*smaller_is_better=*/true, Spread(works));
}

int Main(const std::string& model) {
  char folder[] = "/tmp/bowerbird-bench-XXXXXX";
  const std::filesystem::path times = mkdtemp(folder);
  const SharedTime own(times / "product");
  const SharedTime worked(times / "echo");
  const ServerProcess product({"product", model, times / "product"});
  const auto request = MakeRequest(product);
  const auto infer = [&] {
    return Call<proto::InferResponse>(product, "/viam.service.mlmodel.v1.MLModelService/Infer",
                                      request);
  };
  const size_t answer_bytes = infer().ByteSizeLong();
  const ServerProcess echo({"echo", model, times / "echo", std::to_string(answer_bytes)});
  BytesValue payload;
  payload.set_value(std::string(request.ByteSizeLong(), 'x'));

  const auto bare = [&] { Call<BytesValue>(echo, "/bench.Echo/Call", payload); };
  std::vector<Samples> rounds;
  for (int round = 0; round < kRounds; ++round) {
    Samples samples;
    // Each kind in a row, as a client would call: whatever a kind of call lets sleep or drops from
    // the caches, its next call finds so.
    for (int i = 0; i < kCallsPerRound; ++i) {
      samples.infer.push_back(Time(infer));
      samples.invoke.push_back(own.Get());
    }
    for (int i = 0; i < kCallsPerRound; ++i) {
      samples.work.push_back(Time([&] { Call<BytesValue>(echo, "/bench.Echo/Work", payload); }) -
                             worked.Get());
    }
    for (int i = 0; i < kCallsPerRound; ++i) samples.echo.push_back(Time(bare));
    rounds.push_back(std::move(samples));
  }
  PrintFigures(rounds, request.ByteSizeLong(), answer_bytes);

  std::vector<double> ratios;
  for (int round = 0; round < 3; ++round) {
    const double one = CallsPerSecond(infer, 1);
    ratios.push_back(CallsPerSecond(infer, 2) / one);
  }
  std::printf("%s\n", nlohmann::json{{"bench", "throughput_over_grpc"},
                                     {"unit", "two clients over one (reported, no bar)"},
                                     {"figure", Median(ratios)}}
                          .dump()
                          .c_str());
  std::filesystem::remove_all(times);
  return 0;
}

}  // namespace
}  // namespace bowerbird::bench

int main(int argc, char** argv) {
  setenv("GRPC_VERBOSITY", "NONE", 0);
  // As the program itself does; the echo has the benefit, too.
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 3 && arguments[0] == "product")
    return bowerbird::bench::ServeProduct(arguments[1], arguments[2]);
  if (arguments.size() == 4 && arguments[0] == "echo")
    return bowerbird::bench::ServeEcho(arguments[1], arguments[2], std::stoul(arguments[3]));
  if (arguments.size() != 1) {
    std::fprintf(stderr, "usage: infer_over_grpc MODEL.tflite (uint8 or int8 input)\n");
    return 2;
  }
  return bowerbird::bench::Main(arguments[0]);
}
