// SPDX-License-Identifier: Apache-2.0
//
// MLModelService.Infer over loopback gRPC, against a bare gRPC echo of the same bytes.
//   figure   p50(call) - p50(that model's own Invoke), in microseconds
//   bar      1.15 x p50(echo) + 30 microseconds
// Both servers listen on TCP in this process and are called from this thread through one channel
// each. The echo is a synchronous gRPC service without any code of the product: a BytesValue as
// long as the serialised InferRequest goes up, one as long as the InferResponse comes back. Also
// reported: calls per second of two clients over one. usage: infer_over_grpc MODEL.tflite
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/metrics.h"
#include "bench/measure.h"
#include "google/protobuf/wrappers.pb.h"
#include "grpcpp/impl/client_unary_call.h"
#include "infer/tflite_model.h"
#include "machine/machine.h"
#include "serve/mlmodel_rpc.h"
#include "serve/server.h"
#include "service/mlmodel/v1/mlmodel.pb.h"

namespace bowerbird::bench {
namespace {

namespace proto = viam::service::mlmodel::v1;
using google::protobuf::BytesValue;

// A model that notes how long each Invoke took.
class TimedLease : public infer::Lease {
 public:
  TimedLease(std::unique_ptr<infer::Lease> lease, std::vector<double>& invokes)
      : lease_(std::move(lease)), invokes_(invokes) {}
  absl::Status ResizeInput(int index, const infer::Shape& shape) override {
    return lease_->ResizeInput(index, shape);
  }
  std::span<std::byte> Input(int index) override { return lease_->Input(index); }
  infer::TensorView InputView(int index) const override { return lease_->InputView(index); }
  absl::Status Invoke(const Context& context) override {
    const auto start = Clock::now();
    auto status = lease_->Invoke(context);
    // Only the one-client rounds are timed; there one call runs at a time.
    if (invokes_.size() < invokes_.capacity())
      invokes_.push_back(Microseconds(Clock::now() - start));
    return status;
  }
  infer::TensorView Output(int index) const override { return lease_->Output(index); }

 private:
  std::unique_ptr<infer::Lease> lease_;
  std::vector<double>& invokes_;
};

class TimedModel : public machine::MlModel, public infer::Model, public machine::ResourceFinder {
 public:
  explicit TimedModel(std::unique_ptr<infer::TfliteModel> model) : model_(std::move(model)) {}

  const infer::ModelMetadata& metadata() const override { return model_->metadata(); }
  absl::StatusOr<std::unique_ptr<infer::Lease>> Acquire(const Context& context) const override {
    auto lease = model_->Acquire(context);
    if (!lease.ok()) return lease.status();
    return std::make_unique<TimedLease>(*std::move(lease), invokes);
  }
  const infer::Model& model() const override { return *this; }
  const std::string& metrics_label() const override { return label_; }
  absl::StatusOr<std::shared_ptr<machine::Resource>> Find(
      const machine::ResourceName&) const override {
    // Not owned: this object outlives the server.
    return std::shared_ptr<machine::Resource>(std::shared_ptr<void>(),
                                              const_cast<TimedModel*>(this));
  }

  mutable std::vector<double> invokes;  // filled up to its capacity

 private:
  std::unique_ptr<infer::TfliteModel> model_;
  const std::string label_ = "model";
};

// What a gRPC user would write first: one synchronous unary method; and one that works before it
// answers.
class EchoService : public grpc::Service {
 public:
  EchoService(std::string answer, std::function<void()> work)
      : answer_(std::move(answer)), work_(std::move(work)) {
    Add("/bench.Echo/Call",
        [](EchoService* self, grpc::ServerContext*, const BytesValue*, BytesValue* response) {
          response->set_value(self->answer_);
          return grpc::Status::OK;
        });
    Add("/bench.Echo/Work",
        [](EchoService* self, grpc::ServerContext*, const BytesValue*, BytesValue* response) {
          self->work_();
          response->set_value(self->answer_);
          return grpc::Status::OK;
        });
  }

 private:
  template <typename Handler>
  void Add(const char* name, Handler handler) {
    AddMethod(new grpc::internal::RpcServiceMethod(
        name, grpc::internal::RpcMethod::NORMAL_RPC,
        new grpc::internal::RpcMethodHandler<EchoService, BytesValue, BytesValue>(handler, this)));
  }

  const std::string answer_;
  const std::function<void()> work_;
};

std::shared_ptr<grpc::Channel> Dial(int port) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port),
                                   grpc::InsecureChannelCredentials(), arguments);
}

template <typename Request, typename Response>
void Call(const std::shared_ptr<grpc::Channel>& channel, const grpc::internal::RpcMethod& method,
          const Request& request, Response& response) {
  grpc::ClientContext context;
  const auto status = grpc::internal::BlockingUnaryCall<Request, Response>(
      channel.get(), method, &context, request, &response);
  if (!status.ok()) {
    std::fprintf(stderr, "infer_over_grpc: %s\n", status.error_message().c_str());
    std::exit(1);
  }
}

proto::InferRequest MakeRequest(const infer::ModelMetadata& metadata) {
  proto::InferRequest request;
  request.set_name("model");
  const auto& info = metadata.inputs.front();
  auto& tensor = (*request.mutable_input_tensors()->mutable_tensors())[info.name];
  for (const int64_t extent : info.shape) tensor.add_shape(static_cast<uint64_t>(extent));
  const auto count = static_cast<size_t>(infer::ElementCount(info.shape).value_or(0));
  if (info.type == infer::DType::kUint8) {
    tensor.mutable_uint8_tensor()->set_data(std::string(count, '\x40'));
  } else if (info.type == infer::DType::kInt8) {
    tensor.mutable_int8_tensor()->set_data(std::string(count, '\x40'));
  } else {
    std::fprintf(stderr, "infer_over_grpc: the model's input must be uint8 or int8\n");
    std::exit(1);
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

int Main(const std::string& path) {
  infer::TfliteOptions options;
  options.model_path = path;
  auto loaded = infer::TfliteModel::Load(options);
  if (!loaded.ok()) {
    std::fprintf(stderr, "infer_over_grpc: %s\n", loaded.status().ToString().c_str());
    return 1;
  }
  TimedModel model(*std::move(loaded));
  Metrics metrics;
  char folder[] = "/tmp/bowerbird-bench-XXXXXX";
  serve::ServerOptions server_options;
  server_options.data_dir = mkdtemp(folder);
  server_options.listen = {"127.0.0.1:0"};
  auto server = serve::Server::Create(server_options, metrics);
  if (!server.ok()) return 1;
  serve::MlModelRpc service((*server)->admission(), model, metrics);
  if (const auto status = (*server)->Start({&service}, nullptr); !status.ok()) {
    std::fprintf(stderr, "infer_over_grpc: %s\n", status.ToString().c_str());
    return 1;
  }
  const auto infer_channel = Dial((*server)->port());
  const grpc::internal::RpcMethod infer_method("/viam.service.mlmodel.v1.MLModelService/Infer",
                                               grpc::internal::RpcMethod::NORMAL_RPC,
                                               infer_channel);
  const auto request = MakeRequest(model.metadata());
  const auto infer = [&] {
    proto::InferResponse response;
    Call(infer_channel, infer_method, request, response);
    return response;
  };
  const size_t answer_bytes = infer().ByteSizeLong();

  EchoService echo_service(std::string(answer_bytes, 'x'), [&model] {
    const Context context;
    const auto lease = model.Acquire(context);
    if (!lease.ok() || !(*lease)->Invoke(context).ok()) std::abort();
  });
  grpc::ServerBuilder builder;
  int echo_port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &echo_port);
  builder.SetMaxReceiveMessageSize(-1);
  builder.RegisterService(&echo_service);
  const auto echo_server = builder.BuildAndStart();
  const auto echo_channel = Dial(echo_port);
  const grpc::internal::RpcMethod echo_method("/bench.Echo/Call",
                                              grpc::internal::RpcMethod::NORMAL_RPC, echo_channel);
  BytesValue payload;
  payload.set_value(std::string(request.ByteSizeLong(), 'x'));
  const auto echo = [&] {
    BytesValue response;
    Call(echo_channel, echo_method, payload, response);
  };
  const grpc::internal::RpcMethod work_method("/bench.Echo/Work",
                                              grpc::internal::RpcMethod::NORMAL_RPC, echo_channel);
  const auto echo_with_work = [&] {
    BytesValue response;
    Call(echo_channel, work_method, payload, response);
  };

  std::vector<double> overheads, echoes, bars, invokes, working_echoes;
  for (int round = 0; round < kRounds; ++round) {
    model.invokes.clear();
    model.invokes.reserve(120);
    // One of each in turn, so that both meet the same caches and clocks.
    std::vector<double> calls, floor, working, own;
    for (int i = 0; i < 60; ++i) {
      auto start = Clock::now();
      infer();
      calls.push_back(Microseconds(Clock::now() - start));
      own.push_back(model.invokes.back());
      start = Clock::now();
      echo();
      floor.push_back(Microseconds(Clock::now() - start));
      start = Clock::now();
      echo_with_work();
      working.push_back(Microseconds(Clock::now() - start) - model.invokes.back());
    }
    invokes.push_back(Percentile(own, 0.5));
    working_echoes.push_back(Percentile(working, 0.5));
    overheads.push_back(Percentile(calls, 0.5) - invokes.back());
    echoes.push_back(Percentile(floor, 0.5));
    bars.push_back(1.15 * echoes.back() + 30);
  }
  Print("infer_over_grpc",
        {{"unit", "microseconds p50 beyond Invoke"},
         {"request_bytes", request.ByteSizeLong()},
         {"response_bytes", answer_bytes},
         {"echo_us", Median(echoes)},
         {"invoke_us", Median(invokes)},
         {"echo_with_invoke_us", Median(working_echoes)},
         {"over_echo", Median(overheads) / Median(echoes)}},
        Median(overheads), Median(bars), /*smaller_is_better=*/true, Spread(echoes));

  std::vector<double> ratios;
  for (int round = 0; round < 3; ++round) {
    const double one = CallsPerSecond([&] { infer(); }, 1);
    ratios.push_back(CallsPerSecond([&] { infer(); }, 2) / one);
  }
  std::printf("%s\n", nlohmann::json{{"bench", "throughput_over_grpc"},
                                     {"unit", "two clients over one (reported, no bar)"},
                                     {"figure", Median(ratios)}}
                          .dump()
                          .c_str());
  (*server)->Stop(std::chrono::seconds(1));
  std::filesystem::remove_all(server_options.data_dir);
  return 0;
}

}  // namespace
}  // namespace bowerbird::bench

int main(int argc, char** argv) {
  setenv("GRPC_VERBOSITY", "NONE", 0);
  // As the program itself does; the echo has the benefit, too.
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
  if (argc != 2) {
    std::fprintf(stderr, "usage: infer_over_grpc MODEL.tflite (uint8 or int8 input)\n");
    return 2;
  }
  return bowerbird::bench::Main(argv[1]);
}
