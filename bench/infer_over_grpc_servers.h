// SPDX-License-Identifier: Apache-2.0
//
// The two servers of the benchmark infer_over_grpc, each in a process of its own, so that neither
// shares gRPC's poller with the other or with the client:
//   product  the port as `serve` opens it, with one MLModelService over one model named "model"
//   echo     a synchronous gRPC service without any code of the product:
//              /bench.Echo/Call  BytesValue -> BytesValue of `answer_bytes`
//              /bench.Echo/Work  the same after one Invoke of the same model
// Each writes "PORT\n" to stdout once it listens, and ends with its stdin.
#pragma once

#include <cstddef>
#include <string>

namespace bowerbird::bench {

// How long the last Invoke of a server took, in microseconds: in memory that the client maps, too.
class SharedTime {
 public:
  // `path`: a file, made if absent. Exits the process when that fails.
  explicit SharedTime(const std::string& path);
  void Set(double microseconds);
  double Get() const;

 private:
  double* value_;
};

int ServeProduct(const std::string& model, const std::string& time_file);
int ServeEcho(const std::string& model, const std::string& time_file, size_t answer_bytes);

}  // namespace bowerbird::bench
