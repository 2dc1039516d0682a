// SPDX-License-Identifier: Apache-2.0
#include "machine/build_job.h"

#include <exception>
#include <system_error>
#include <utility>

#include <pthread.h>

#include "base/status.h"

namespace bowerbird::machine {

BuildJob::BuildJob(Input input, const std::function<void()>& on_done)
    : kind_(input.kind), deadline_(std::chrono::steady_clock::now() + input.timeout) {
  try {
    thread_ = std::thread([this, input = std::move(input), on_done]() mutable {
      pthread_setname_np(pthread_self(), "build");
      // The input goes out of scope first: the dependencies must not be held beyond the build.
      Run(std::move(input));
      Finish(on_done);
    });
  } catch (const std::system_error& error) {
    const auto status = ResourceExhausted(std::string("no thread to build it on: ") + error.what());
    needs_ = status;
    resource_ = status;
    Finish(on_done);
  }
}

void BuildJob::Finish(const std::function<void()>& on_done) {
  done_.store(true, std::memory_order_release);
  on_done();
}

BuildJob::~BuildJob() {
  Cancel();
  if (thread_.joinable()) thread_.join();
}

// By value: what it holds must go with the build.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
void BuildJob::Run(Input input) {
  // A model that throws breaks the rule of the house; it must not end the program.
  try {
    input.kind == Kind::kCheck ? Check(input) : Build(input);
  } catch (const std::exception& exception) {
    const auto status = Internal("the model " + input.config.model.ToString() +
                                 " failed unexpectedly: " + exception.what());
    needs_ = status;
    resource_ = status;
  }
}

void BuildJob::Check(const Input& input) {
  needs_ = input.entry.validate(
      input.config, Attributes(input.config.attributes, input.config.path + ".attributes"));
}

void BuildJob::Build(const Input& input) {
  BuildRequest request{input.config,
                       Attributes(input.config.attributes, input.config.path + ".attributes"),
                       *input.environment, input.dependencies};
  request.dependency_names = input.dependency_names;
  request.context.deadline = deadline_;
  request.context.cancelled = [this] { return cancelled(); };
  resource_ = input.entry.build(request);
  if (resource_.ok() && *resource_ == nullptr)
    resource_ = Internal("the model " + input.config.model.ToString() + " built nothing");
}

}  // namespace bowerbird::machine
