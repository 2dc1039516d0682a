// SPDX-License-Identifier: Apache-2.0
//
// bowerbird key create NAME | list | revoke ID: the API keys of the server that uses this data
// directory, running or not. A running server notices at once.
#include <cstdio>
#include <memory>

#include "CLI/CLI.hpp"
#include "app/commands.h"
#include "base/status.h"
#include "nlohmann/json.hpp"
#include "serve/api_keys.h"

namespace bowerbird::app {
namespace {

struct KeyOptions {
  std::string data_dir = DefaultDataDir();
  std::string name;
  std::string id;
  bool json = false;
};

nlohmann::json ToJson(const serve::ApiKey& key) {
  return {{"id", key.id}, {"name", key.name}, {"created", key.created}};
}

void Create(const KeyOptions& options, int* exit_status) {
  auto made = serve::ApiKeyFile(options.data_dir).Create(options.name);
  if (!made.ok()) return Fail(exit_status, "key create: " + MessageOf(made.status()));
  if (options.json) {
    auto json = ToJson(made->key);
    json["key"] = made->secret;
    std::printf("%s\n", json.dump().c_str());
    return;
  }
  std::printf("id   %s\nkey  %s\n", made->key.id.c_str(), made->secret.c_str());
  std::fprintf(stderr, "The key is shown this once; only a hash of it is kept.\n");
}

void List(const KeyOptions& options, int* exit_status) {
  const auto keys = serve::ApiKeyFile(options.data_dir).List();
  if (!keys.ok()) return Fail(exit_status, "key list: " + MessageOf(keys.status()));
  if (options.json) {
    auto json = nlohmann::json::array();
    for (const auto& key : *keys) json.push_back(ToJson(key));
    std::printf("%s\n", json.dump().c_str());
    return;
  }
  for (const auto& key : *keys) {
    std::printf("%s  %s  %s\n", key.id.c_str(), key.created.c_str(), key.name.c_str());
  }
  if (keys->empty()) std::fprintf(stderr, "No keys. Make one: bowerbird key create NAME\n");
}

void Revoke(const KeyOptions& options, int* exit_status) {
  const auto status = serve::ApiKeyFile(options.data_dir).Revoke(options.id);
  if (!status.ok()) return Fail(exit_status, "key revoke: " + MessageOf(status));
  if (options.json) std::printf("%s\n", nlohmann::json{{"revoked", options.id}}.dump().c_str());
}

}  // namespace

CLI::App* RegisterKey(CLI::App& app, int* exit_status) {
  auto options = std::make_shared<KeyOptions>();
  CLI::App* key = app.add_subcommand("key", "API keys: create, list, revoke");
  key->require_subcommand(1);
  key->footer(
      "Example:\n"
      "  bowerbird key create laptop\n"
      "  bowerbird key revoke 8d0f5a1e-...      (at once, running servers included)");
  const auto add = [&](const char* name, const char* help, auto run) {
    CLI::App* command = key->add_subcommand(name, help);
    command->add_option("--data-dir", options->data_dir, "The server's data directory")
        ->capture_default_str();
    command->add_flag("--json", options->json, "One JSON value on stdout");
    command->callback([options, exit_status, run] { run(*options, exit_status); });
    return command;
  };
  add("create", "Make a key and show it, once", Create)
      ->add_option("NAME", options->name, "What the key is for")
      ->required();
  add("list", "Ids, dates and names of all keys", List);
  add("revoke", "End a key and every token made with it", Revoke)
      ->add_option("ID", options->id, "As `key list` shows it")
      ->required();
  return key;
}

}  // namespace bowerbird::app
