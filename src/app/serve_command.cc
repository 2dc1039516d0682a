// SPDX-License-Identifier: Apache-2.0
//
// bowerbird serve: a machine config made live, and what machines send kept, behind one port, until
// a signal.
#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "app/commands.h"
#include "app/data_dir.h"
#include "app/hub_link.h"
#include "app/hub_role.h"
#include "app/module_sockets.h"
#include "app/probe_command.h"
#include "app/version.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/status.h"
#include "capture/capture.h"
#include "machine/catalog.h"
#include "machine/config.h"
#include "machine/machine.h"
#include "machine/module/module_manager.h"
#include "machine/module/remote_manager.h"
#include "serve/machine_router.h"
#include "serve/machine_services.h"
#include "serve/server.h"

namespace bowerbird::app {
namespace {

constexpr char kDefaultListen[] = "127.0.0.1:8080";
constexpr std::chrono::seconds kStopGrace{5};

struct ServeOptions {
  std::string config;
  std::string data_dir = DefaultDataDir();
  std::vector<std::string> listen;
  std::string role = "all";
  std::string database = "sqlite", blobs;
  HubFlags hub;  // elsewhere; host "" = none
  std::string part_id;
  int training_jobs = 1;
  std::string tls_certificate, tls_key;
  bool insecure = false;
  std::string web;
  std::vector<std::string> allowed_origins;
  bool debug = false;
};

// The page that was installed with the program, or "".
std::string InstalledWebRoot() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto root = program.parent_path().parent_path() / "share" / "bowerbird" / "web";
  return std::filesystem::exists(root / "index.html", error) ? root.string() : "";
}

// Signals go to the main thread, which waits for them; every other thread inherits the block.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

serve::ServerOptions MakeServerOptions(const ServeOptions& options, const machine::Config& config,
                                       const std::string& data_dir) {
  serve::ServerOptions made;
  made.data_dir = data_dir;
  made.listen = options.listen;
  if (made.listen.empty()) made.listen.push_back(config.bind_address.value_or(kDefaultListen));
  made.tls_certificate_file = options.tls_certificate;
  made.tls_key_file = options.tls_key;
  if (made.tls_certificate_file.empty() && made.tls_key_file.empty() && !config.no_tls) {
    made.tls_certificate_file = config.tls_cert_file;
    made.tls_key_file = config.tls_key_file;
  }
  made.insecure = options.insecure;
  made.static_root = options.web.empty() ? InstalledWebRoot() : options.web;
  made.allowed_origins = options.allowed_origins;
  made.session_window = config.session_heartbeat_window;
  return made;
}

bool HasMachine(const ServeOptions& options) { return options.role != "hub"; }
bool HasHub(const ServeOptions& options) { return options.role != "machine"; }

// One server from start to stop. Members are destroyed in reverse order: the watcher first, then
// the port, then the services, then what is behind them: resources, the hub.
class Serving {
 public:
  Serving(const ServeOptions& options, const DataDir& data_dir)
      : options_(options), data_dir_(data_dir), known_models_(OpenKnownModels(data_dir.path())) {
    machine::RegisterBuiltins(catalog_);
    config_options_.packages_dir = data_dir.path() + "/packages";
  }

  absl::Status Start() {
    machine::Config config;
    if (!options_.config.empty()) {
      ASSIGN_OR_RETURN(config, machine::ReadConfig(options_.config, config_options_));
    }
    if (options_.debug || config.debug) SetLogLevel(LogLevel::kDebug);
    auto server_options = MakeServerOptions(options_, config, data_dir_.path());
    const auto listen = server_options.listen;
    if (HasMachine(options_)) {
      ASSIGN_OR_RETURN(sockets_, ModuleSockets::Make());
      server_options.parent_socket = sockets_->parent();
    }
    ASSIGN_OR_RETURN(server_, serve::Server::Create(std::move(server_options), metrics_));
    if (HasMachine(options_)) MakeMachine();
    if (HasHub(options_)) RETURN_IF_ERROR(OpenHub());
    // Who may call must be settled before anybody can.
    TakeAuthHandlers(config);
    std::vector<serve::RpcService*> pointers;
    for (const auto& service : services_) pointers.push_back(service.get());
    if (hub_ != nullptr) {
      for (const auto& service : hub_->services()) pointers.push_back(service.get());
    }
    RETURN_IF_ERROR(server_->Start(pointers, router_.has_value() ? &*router_ : nullptr));
    if (hub_ != nullptr) hub_->StartWork(metrics_);
    if (HasMachine(options_)) RETURN_IF_ERROR(MakeCapture());
    TakeConfig(std::move(config));
    if (!options_.config.empty()) {
      watcher_.emplace(options_.config, config_options_,
                       [this](machine::Config changed) { TakeConfig(std::move(changed)); });
    }
    Announce(listen);
    return absl::OkStatus();
  }

  // Until SIGINT, SIGTERM or RobotService.Shutdown; SIGHUP reads the config again.
  void Wait(const sigset_t& signals) {
    int signal = 0;
    while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) {
      if (watcher_.has_value()) watcher_->Reload();
    }
    LogInfo("serve", "stopping");
    // A second Ctrl-C ends the program at once.
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    watcher_.reset();
    server_->Stop(kStopGrace);
  }

 private:
  void MakeMachine() {
    machine_.emplace(catalog_, metrics_, data_dir_.path(),
                     machine::MachineOptions{.model_probe = known_models_.probe.get()});
    modules_.emplace(catalog_, machine::ModuleManagerOptions{.data_dir = data_dir_.path(),
                                                             .socket_folder = sockets_->folder(),
                                                             .parent_address = sockets_->parent(),
                                                             .debug = options_.debug,
                                                             .part_id = options_.part_id});
    remotes_.emplace(*machine_);
    services_ = serve::MakeMachineServices(
        {*machine_, server_->admission(), server_->operations(), server_->sessions(), metrics_,
         kVersion, [] { kill(getpid(), SIGTERM); }, &*modules_, &*remotes_});
    router_.emplace(*machine_);
  }

  absl::Status OpenHub() {
    HubRoleOptions hub{.data_dir = data_dir_.path(),
                       .database = options_.database,
                       .blobs = options_.blobs,
                       .training_jobs = options_.training_jobs};
    if (HasMachine(options_)) {
      hub.local_config = [path = options_.config] {
        if (path.empty()) return std::string("{}");
        return machine::ReadConfigText(path).value_or("{}");
      };
    }
    ASSIGN_OR_RETURN(hub_, HubRole::Open(std::move(hub), *server_));
    return absl::OkStatus();
  }

  // Once the server has started, for its own channel is one of the ways to a hub. The machine has
  // built nothing yet, so nobody reads the catalog.
  absl::Status MakeCapture() {
    capture::HubLink link;
    if (!options_.hub.host.empty()) {
      auto linked = LinkToHub(options_.hub, options_.part_id, configured_part_);
      RETURN_IF_ERROR(Annotate(linked.status(), "--hub"));
      link = *std::move(linked);
    } else if (hub_ != nullptr) {
      ASSIGN_OR_RETURN(link, LinkToOwnHub(*server_, *hub_, data_dir_.path()));
    } else {
      LogInfo("serve", "no hub is known: what is captured stays on disk until there is --hub URL");
    }
    capture_.emplace(
        capture::CaptureHost::Options{.files = files_.get(),
                                      .metrics = &metrics_,
                                      .default_capture_dir = data_dir_.path() + "/capture",
                                      .hub = std::move(link)});
    capture_->Register(catalog_);
    return absl::OkStatus();
  }

  void TakeAuthHandlers(const machine::Config& config) {
    const auto status = server_->SetAuthHandlers(config.auth_handlers);
    if (!status.ok()) LogError("config", MessageOf(status));
  }

  void TakeConfig(machine::Config config) {
    for (const auto& warning : config.warnings) LogWarning("config", warning);
    TakeAuthHandlers(config);
    if (!machine_.has_value()) return;
    if (!options_.config.empty())
      configured_part_.Read(machine::ReadConfigText(options_.config).value_or(""));
    capture_->SetConfig(config);
    modules_->Apply(config);
    remotes_->Apply(config);
    machine_->Apply(std::move(config));
  }

  void Announce(const std::vector<std::string>& listen) const {
    std::string where;
    for (const auto& address : listen) where += (where.empty() ? "" : ", ") + address;
    LogInfo("serve", std::string("bowerbird ") + kVersion + " listens at " + where);
    if (server_->port() == 0) return;
    std::printf("%s://localhost:%d\n", server_->tls() ? "https" : "http", server_->port());
    std::fflush(stdout);
  }

  const ServeOptions& options_;
  const DataDir& data_dir_;
  const KnownModels known_models_;
  machine::ConfigOptions config_options_;
  Metrics metrics_;
  machine::Catalog catalog_;
  const std::unique_ptr<FileSystem> files_ = MakeFileSystem();
  ConfiguredPart configured_part_;
  std::optional<capture::CaptureHost> capture_;
  std::unique_ptr<ModuleSockets> sockets_;
  std::optional<machine::ModuleManager> modules_;
  std::optional<machine::Machine> machine_;
  std::optional<machine::RemoteManager> remotes_;
  std::unique_ptr<serve::Server> server_;
  std::unique_ptr<HubRole> hub_;
  std::vector<std::unique_ptr<serve::RpcService>> services_;
  std::optional<serve::MachineRouter> router_;
  std::optional<machine::ConfigWatcher> watcher_;
};

void Serve(const ServeOptions& options, int* exit_status) {
  if (!HasMachine(options) && !options.hub.host.empty()) {
    *exit_status = 2;
    std::fprintf(stderr, "bowerbird: serve: a hub sends nothing to another: leave --hub out\n");
    return;
  }
  if (!HasHub(options) && (options.database != "sqlite" || !options.blobs.empty())) {
    *exit_status = 2;
    std::fprintf(stderr,
                 "bowerbird: serve: --database and --blobs are the hub's: leave them out, or use "
                 "--role hub or --role all\n");
    return;
  }
  const sigset_t signals = BlockSignals();
  const auto data_dir = DataDir::Open(options.data_dir);
  if (!data_dir.ok()) return Fail(exit_status, "serve: " + MessageOf(data_dir.status()));
  Serving serving(options, **data_dir);
  const auto status = serving.Start();
  if (!status.ok()) return Fail(exit_status, "serve: " + MessageOf(status));
  serving.Wait(signals);
}

}  // namespace

CLI::App* RegisterServe(CLI::App& app, int* exit_status) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* serve = app.add_subcommand("serve", "Make a machine config live behind one port");
  serve->add_option("--config", options->config,
                    "Machine config (JSON); followed while it changes");
  serve->add_option("--data-dir", options->data_dir, "Keys, packages, caches; one server each")
      ->capture_default_str();
  serve->add_option("--listen", options->listen,
                    "HOST:PORT or unix:/PATH, more than one if wanted; default: the config's "
                    "network.bind_address, else 127.0.0.1:8080");
  serve->add_option("--role", options->role, "machine, hub or all")
      ->check(CLI::IsMember({"machine", "hub", "all"}))
      ->capture_default_str();
  serve->add_option("--hub", options->hub.host,
                    "Where the machine sends what it captures, e.g. https://hub.example:8443; "
                    "default: this process, if it is a hub");
  serve->add_option("--part-id", options->part_id,
                    "Which part of the hub's this machine is; default: the config's cloud.id, or "
                    "the first part that the key may see");
  serve->add_option("--api-key-id", options->hub.api_key_id, "The machine's key at that hub")
      ->envname("BOWERBIRD_API_KEY_ID");
  serve->add_option("--api-key", options->hub.api_key, "Its secret; better in the environment")
      ->envname("BOWERBIRD_API_KEY");
  serve
      ->add_option("--hub-ca", options->hub.ca_certificate,
                   "Certificate of the authority that signed that hub's (PEM); default: those that "
                   "the system trusts")
      ->envname("BOWERBIRD_CA_CERT");
  serve
      ->add_option("--database", options->database,
                   "Where the hub keeps what it knows: sqlite, sqlite:PATH or postgresql://...")
      ->capture_default_str();
  serve->add_option("--blobs", options->blobs,
                    "Where the hub keeps files: a directory, or "
                    "s3://BUCKET/PREFIX?endpoint=URL&region=NAME with AWS_ACCESS_KEY_ID and "
                    "AWS_SECRET_ACCESS_KEY; default: below the data directory");
  serve->add_option("--training-jobs", options->training_jobs, "That the hub runs at a time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  serve->add_option("--tls-cert", options->tls_certificate, "Certificate chain (PEM)");
  serve->add_option("--tls-key", options->tls_key, "Its private key (PEM)");
  serve->add_flag("--insecure", options->insecure,
                  "Allow keys in clear text on addresses other than this machine's");
  serve->add_option("--web", options->web, "Folder of the web page; default: the installed one");
  serve->add_option("--allow-origin", options->allowed_origins,
                    "Origin of a web page elsewhere that may call, e.g. https://dash.example");
  serve->add_flag("--debug", options->debug, "More in the log");
  serve->footer(
      "Example:\n"
      "  bowerbird serve --config machine.json\n"
      "  bowerbird key create laptop && bowerbird serve --config machine.json \\\n"
      "      --listen 0.0.0.0:8080 --tls-cert cert.pem --tls-key key.pem\n"
      "  bowerbird serve --role hub --database postgresql://hub@db/bowerbird\n"
      "SIGHUP reads the config again, SIGTERM stops after at most 5 s.");
  serve->callback([options, exit_status] { Serve(*options, exit_status); });
  return serve;
}

}  // namespace bowerbird::app
