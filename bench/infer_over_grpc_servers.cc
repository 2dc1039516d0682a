// SPDX-License-Identifier: Apache-2.0
#include "bench/infer_over_grpc_servers.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <utility>

#include "base/metrics.h"
#include "bench/measure.h"
#include "google/protobuf/wrappers.pb.h"
#include "grpcpp/grpcpp.h"
#include "infer/model_facts.h"
#include "infer/probe.h"
#include "infer/tflite_model.h"
#include "machine/machine.h"
#include "serve/mlmodel_rpc.h"
#include "serve/server.h"

namespace bowerbird::bench {
namespace {

using google::protobuf::BytesValue;

// A model that notes how long its last Invoke took.
class TimedLease : public infer::Lease {
 public:
  TimedLease(std::unique_ptr<infer::Lease> lease, SharedTime& time)
      : lease_(std::move(lease)), time_(time) {}
  absl::Status ResizeInputs(const std::vector<infer::Shape>& shapes) override {
    return lease_->ResizeInputs(shapes);
  }
  std::span<std::byte> Input(int index) override { return lease_->Input(index); }
  infer::TensorView InputView(int index) const override { return lease_->InputView(index); }
  absl::Status Invoke(const Context& context) override {
    const auto start = Clock::now();
    auto status = lease_->Invoke(context);
    time_.Set(Microseconds(Clock::now() - start));
    return status;
  }
  infer::TensorView Output(int index) const override { return lease_->Output(index); }

 private:
  std::unique_ptr<infer::Lease> lease_;
  SharedTime& time_;
};

class TimedModel : public machine::MlModel, public infer::Model, public machine::ResourceFinder {
 public:
  TimedModel(std::unique_ptr<infer::TfliteModel> model, const std::string& time_file)
      : model_(std::move(model)), time_(time_file) {}

  const infer::ModelMetadata& metadata() const override { return model_->metadata(); }
  absl::StatusOr<std::unique_ptr<infer::Lease>> Acquire(const Context& context) const override {
    auto lease = model_->Acquire(context);
    if (!lease.ok()) return lease.status();
    return std::make_unique<TimedLease>(*std::move(lease), time_);
  }
  const infer::Model& model() const override { return *this; }
  const std::string& metrics_label() const override { return label_; }
  absl::StatusOr<std::shared_ptr<machine::Resource>> Find(
      const machine::ResourceName&) const override {
    // Not owned: this object outlives the server.
    return std::shared_ptr<machine::Resource>(std::shared_ptr<void>(),
                                              const_cast<TimedModel*>(this));
  }

 private:
  std::unique_ptr<infer::TfliteModel> model_;
  mutable SharedTime time_;
  const std::string label_ = "model";
};

// What a gRPC user would write first.
class EchoService : public grpc::Service {
 public:
  EchoService(size_t answer_bytes, std::function<void()> work)
      : answer_(answer_bytes, 'x'), work_(std::move(work)) {
    Add("/bench.Echo/Call", false);
    Add("/bench.Echo/Work", true);
  }

 private:
  void Add(const char* name, bool works) {
    const auto handler = [works](EchoService* self, grpc::ServerContext*, const BytesValue*,
                                 BytesValue* response) {
      if (works) self->work_();
      response->set_value(self->answer_);
      return grpc::Status::OK;
    };
    AddMethod(new grpc::internal::RpcServiceMethod(
        name, grpc::internal::RpcMethod::NORMAL_RPC,
        new grpc::internal::RpcMethodHandler<EchoService, BytesValue, BytesValue>(handler, this)));
  }

  const std::string answer_;
  const std::function<void()> work_;
};

// In the form that is the fastest here, as `serve` loads it: measured in a child, which is the
// program beside this one.
TimedModel Load(const std::string& path, const std::string& time_file) {
  const std::filesystem::path program =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "bowerbird";
  // They outlive the model; a server of this bench has one.
  static infer::ModelFacts facts("");
  static const auto probe = infer::MakeProcessProbe(
      {.command = {program.string(), "probe-model"}, .program_version = "bench"}, facts);
  infer::TfliteOptions options;
  options.model_path = path;
  options.probe = probe.get();
  auto loaded = infer::TfliteModel::Load(options);
  if (!loaded.ok()) {
    std::fprintf(stderr, "infer_over_grpc: %s\n", loaded.status().ToString().c_str());
    std::exit(1);
  }
  return TimedModel(*std::move(loaded), time_file);
}

void SayPortAndWait(int port) {
  std::printf("%d\n", port);
  std::fflush(stdout);
  for (char byte = 0; read(STDIN_FILENO, &byte, 1) > 0;) {
  }
}

}  // namespace

SharedTime::SharedTime(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  void* memory = MAP_FAILED;
  if (file >= 0 && ftruncate(file, sizeof(double)) == 0)
    memory = mmap(nullptr, sizeof(double), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) {
    std::perror(path.c_str());
    std::exit(1);
  }
  close(file);
  value_ = static_cast<double*>(memory);
}

void SharedTime::Set(double microseconds) { std::atomic_ref(*value_).store(microseconds); }
double SharedTime::Get() const { return std::atomic_ref(*value_).load(); }

int ServeProduct(const std::string& model_path, const std::string& time_file) {
  TimedModel model = Load(model_path, time_file);
  Metrics metrics;
  char folder[] = "/tmp/bowerbird-bench-XXXXXX";
  serve::ServerOptions options;
  options.data_dir = mkdtemp(folder);
  options.listen = {"127.0.0.1:0"};
  auto server = serve::Server::Create(options, metrics);
  if (!server.ok()) return 1;
  serve::MlModelRpc service((*server)->admission(), model, metrics);
  if (const auto status = (*server)->Start({&service}, nullptr); !status.ok()) {
    std::fprintf(stderr, "infer_over_grpc: %s\n", status.ToString().c_str());
    return 1;
  }
  SayPortAndWait((*server)->port());
  (*server)->Stop(std::chrono::seconds(1));
  std::filesystem::remove_all(options.data_dir);
  return 0;
}

int ServeEcho(const std::string& model_path, const std::string& time_file, size_t answer_bytes) {
  const TimedModel model = Load(model_path, time_file);
  EchoService service(answer_bytes, [&model] {
    const Context context;
    const auto lease = model.Acquire(context);
    if (!lease.ok() || !(*lease)->Invoke(context).ok()) std::abort();
  });
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(-1);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  SayPortAndWait(port);
  return 0;
}

}  // namespace bowerbird::bench
