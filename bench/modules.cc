// SPDX-License-Identifier: Apache-2.0
//
// What it costs that a call goes through the machine to a module. A module that echoes bytes is
// called directly over its Unix socket, the bare unary call, and through a machine that listens at
// a Unix socket, too: the difference is the hop.
//
// usage: bench_modules BOWERBIRD ECHO_MODULE
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/subprocess.h"
#include "nlohmann/json.hpp"

namespace {

using bowerbird::Subprocess;
using Clock = std::chrono::steady_clock;

constexpr int kRounds = 7;
constexpr char kMethod[] = "/acme.component.echo.v1.EchoService/Echo";
constexpr int kMaxMessage = 64 << 20;

// Field 1 is the name of the resource, field 2 fills up to `size` bytes.
std::string Request(size_t size) {
  std::string bytes =
      "\x0a\x01"
      "e";
  std::string filler(size, 'x');
  bytes += '\x12';
  for (size_t left = filler.size(); left > 0; left >>= 7)
    bytes += static_cast<char>((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
  return bytes + filler;
}

class Client {
 public:
  explicit Client(const std::string& path) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kMaxMessage);
    arguments.SetMaxSendMessageSize(kMaxMessage);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel_ =
        grpc::CreateCustomChannel("unix:" + path, grpc::InsecureChannelCredentials(), arguments);
  }

  // Sends and takes back; false if the answer is another.
  bool Call(const grpc::ByteBuffer& request) const {
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    grpc::GenericStub stub(channel_);
    grpc::ByteBuffer answer;
    grpc::Status status;
    const auto call = stub.PrepareUnaryCall(&context, kMethod, request, &queue);
    call->StartCall();
    call->Finish(&answer, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    queue.Shutdown();
    while (queue.Next(&tag, &ok)) {
    }
    return status.ok() && answer.Length() == request.Length();
  }

 private:
  std::shared_ptr<grpc::Channel> channel_;
};

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

// Microseconds of the median call.
double Latency(const Client& client, const grpc::ByteBuffer& request, int calls) {
  std::vector<double> times;
  for (int i = 0; i < calls; ++i) {
    const auto start = Clock::now();
    if (!client.Call(request)) std::exit(1);
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  return Median(std::move(times));
}

// Calls a second, of four callers at once.
double Throughput(const Client& client, const grpc::ByteBuffer& request, int calls) {
  const auto start = Clock::now();
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int call = 0; call < calls; ++call) {
        if (!client.Call(request)) std::exit(1);
      }
    });
  }
  for (auto& caller : callers) caller.join();
  return 4 * calls / std::chrono::duration<double>(Clock::now() - start).count();
}

double Spread(std::vector<double> values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return (*high - *low) / Median(values);
}

void Measure(const Client& direct, const Client& through, const char* name, size_t size,
             int calls) {
  const std::string bytes = Request(size);
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  std::vector<double> bare, whole, ratios, bare_rate, whole_rate;
  Latency(direct, request, calls);
  Latency(through, request, calls);
  for (int round = 0; round < kRounds; ++round) {
    bare.push_back(Latency(direct, request, calls));
    whole.push_back(Latency(through, request, calls));
    ratios.push_back((whole.back() - bare.back()) / bare.back());
    bare_rate.push_back(Throughput(direct, request, calls / 4));
    whole_rate.push_back(Throughput(through, request, calls / 4));
  }
  nlohmann::ordered_json figure;
  figure["bench"] = "modules";
  figure["message"] = name;
  figure["bare_p50_us"] = Median(bare);
  figure["through_p50_us"] = Median(whole);
  figure["hop_p50_us"] = Median(whole) - Median(bare);
  figure["hop_over_bare"] = Median(ratios);
  figure["bar"] = 1.3;
  figure["bare_spread"] = Spread(bare);
  figure["steady"] = Spread(bare) <= 0.1;
  figure["bare_calls_per_s"] = Median(bare_rate);
  figure["through_calls_per_s"] = Median(whole_rate);
  std::printf("%s\n", figure.dump().c_str());
  std::fflush(stdout);
}

std::unique_ptr<Subprocess> Start(std::vector<std::string> argv) {
  Subprocess::Options options;
  options.argv = std::move(argv);
  options.output = Subprocess::Stream::kNull;
  auto started = Subprocess::Start(std::move(options));
  if (started.ok()) return *std::move(started);
  std::fprintf(stderr, "%s\n", started.status().ToString().c_str());
  std::exit(1);
}

bool Await(const Client& client) {
  const std::string bytes = Request(1);
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  for (int i = 0; i < 600; ++i) {
    if (client.Call(request)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: bench_modules BOWERBIRD ECHO_MODULE\n");
    return 2;
  }
  std::string folder = (std::filesystem::temp_directory_path() / "bench-modules-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return 1;
  const std::string echo = std::filesystem::absolute(arguments[2]).string();
  const nlohmann::json config = {
      {"modules", {{{"name", "echo"}, {"type", "local"}, {"executable_path", echo}}}},
      {"components",
       {{{"name", "e"}, {"api", "acme:component:echo"}, {"model", "test:cpp:echo"}}}}};
  std::ofstream(folder + "/machine.json") << config.dump();
  int result = 1;
  {
    const auto module = Start({echo, folder + "/module.sock"});
    const auto machine =
        Start({arguments[1], "serve", "--role", "machine", "--config", folder + "/machine.json",
               "--data-dir", folder + "/data", "--listen", "unix:" + folder + "/machine.sock"});
    const Client direct(folder + "/module.sock"), through(folder + "/machine.sock");
    if (Await(direct) && Await(through)) {
      Measure(direct, through, "1 KB", 1 << 10, 2000);
      Measure(direct, through, "1 MB", 1 << 20, 100);
      result = 0;
    } else {
      std::fprintf(stderr, "%s\n%s\n", module->Stderr().c_str(), machine->Stderr().c_str());
    }
  }
  std::filesystem::remove_all(folder);
  return result;
}
