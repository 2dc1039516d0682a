// SPDX-License-Identifier: Apache-2.0
#include "module.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <utility>

namespace module {
namespace {

namespace proto = viam::module::v1;

constexpr int kMaxMessage = 32 << 20;  // bytes; what machines send and take at most
constexpr char kService[] = "viam.module.v1.ModuleService/";

// Unix sockets are given as paths.
std::string Target(const std::string& address) {
  return address.rfind('/', 0) == 0 ? "unix:" + address : address;
}

std::string ApiOf(const viam::app::v1::ComponentConfig& config) {
  if (!config.api().empty()) return config.api();
  return (config.namespace_().empty() ? "rdk" : config.namespace_()) +
         ":component:" + config.type();
}

}  // namespace

Module::Module() {
  Register<proto::ReadyRequest, proto::ReadyResponse>(std::string(kService) + "Ready",
                                                      [this](const auto& request, auto& response) {
                                                        Ready(request, response);
                                                        return grpc::Status::OK;
                                                      });
  Register<proto::ValidateConfigRequest, proto::ValidateConfigResponse>(
      std::string(kService) + "ValidateConfig",
      [this](const auto& request, auto& response) -> grpc::Status {
        const Model* model = nullptr;
        grpc::Status known = ModelOf(request.config(), &model);
        if (!known.ok() || !model->validate) return known;
        Needs needs;
        grpc::Status valid = model->validate(request.config().attributes(), needs);
        for (const auto& name : needs.required) response.add_dependencies(name);
        for (const auto& name : needs.optional) response.add_optional_dependencies(name);
        return valid;
      });
  Register<proto::AddResourceRequest, proto::AddResourceResponse>(
      std::string(kService) + "AddResource", [this](const auto& request, auto&) {
        return AddResource(request.config(), request.dependencies());
      });
  Register<proto::ReconfigureResourceRequest, proto::ReconfigureResourceResponse>(
      std::string(kService) + "ReconfigureResource", [this](const auto& request, auto&) {
        return AddResource(request.config(), request.dependencies());
      });
  Register<proto::RemoveResourceRequest, proto::RemoveResourceResponse>(
      std::string(kService) + "RemoveResource", [this](const auto& request, auto&) {
        Remove(request.name().substr(request.name().rfind('/') + 1));
        return grpc::Status::OK;
      });
}

Module::~Module() = default;

void Module::Add(Model model) { models_.push_back(std::move(model)); }

void Module::Ready(const proto::ReadyRequest& request, proto::ReadyResponse& response) {
  const std::string& raw = request.raw_parent_address();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessage);
  auto machine = grpc::CreateCustomChannel(Target(raw.empty() ? request.parent_address() : raw),
                                           grpc::InsecureChannelCredentials(), arguments);
  {
    const std::lock_guard lock(mutex_);
    machine_ = std::move(machine);
  }
  response.set_ready(true);
  for (const Model& model : models_) {
    auto& handler = *response.mutable_handlermap()->add_handlers();
    handler.add_models(model.name);
    handler.mutable_subtype()->set_proto_service(model.service);
    auto& api = *handler.mutable_subtype()->mutable_subtype();
    const size_t first = model.api.find(':');
    const size_t second = model.api.find(':', first + 1);
    api.set_namespace_(model.api.substr(0, first));
    api.set_type(model.api.substr(first + 1, second - first - 1));
    api.set_subtype(model.api.substr(second + 1));
  }
}

grpc::Status Module::ModelOf(const viam::app::v1::ComponentConfig& config,
                             const Model** model) const {
  for (const Model& known : models_) {
    if (known.name != config.model() || known.api != ApiOf(config)) continue;
    *model = &known;
    return grpc::Status::OK;
  }
  return {grpc::StatusCode::INVALID_ARGUMENT,
          "this module has no model " + config.model() + " of " + ApiOf(config)};
}

grpc::Status Module::AddResource(
    const viam::app::v1::ComponentConfig& config,
    const google::protobuf::RepeatedPtrField<std::string>& dependencies) {
  const Model* model = nullptr;
  grpc::Status known = ModelOf(config, &model);
  if (!known.ok()) return known;
  Remove(config.name());
  std::shared_ptr<Resource> resource;
  grpc::Status created = model->create(
      {config.name(), config.attributes(), {dependencies.begin(), dependencies.end()}}, resource);
  if (!created.ok()) return created;
  const std::lock_guard lock(mutex_);
  resources_[config.name()] = std::move(resource);
  return grpc::Status::OK;
}

std::shared_ptr<Resource> Module::Find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = resources_.find(name);
  return found == resources_.end() ? nullptr : found->second;
}

void Module::Remove(const std::string& name) {
  std::shared_ptr<Resource> ended;  // its end may take a while: after the lock, which goes first
  const std::lock_guard lock(mutex_);
  const auto found = resources_.find(name);
  if (found == resources_.end()) return;
  ended = std::move(found->second);
  resources_.erase(found);
}

std::shared_ptr<grpc::Channel> Module::machine() const {
  const std::lock_guard lock(mutex_);
  return machine_;
}

int Module::Run(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: %s ADDRESS (the machine starts this program)\n", arguments[0]);
    return 2;
  }
  // Before gRPC starts its threads, which inherit it.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMaxMessage);
  builder.AddListeningPort(Target(arguments[1]), grpc::InsecureServerCredentials());
  builder.RegisterService(this);
  const auto server = builder.BuildAndStart();
  if (server == nullptr) {
    std::fprintf(stderr, "cannot listen at %s\n", arguments[1]);
    return 1;
  }
  int signal = 0;
  sigwait(&signals, &signal);
  server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
  return 0;
}

}  // namespace module
