// SPDX-License-Identifier: Apache-2.0
#include "app/hub_link.h"

#include "base/status.h"
#include "nlohmann/json.hpp"
#include "serve/api_keys.h"
#include "serve/private_file.h"

namespace bowerbird::app {
namespace {

using Json = nlohmann::json;

constexpr char kKeyName[] = "this machine";

std::string TextOf(const Json& json, const char* key) {
  if (!json.is_object()) return "";
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

// Whether the key was revoked since.
absl::StatusOr<bool> IsKept(const serve::ApiKeyFile& keys, const std::string& id) {
  ASSIGN_OR_RETURN(const auto all, keys.List());
  for (const serve::ApiKey& key : all) {
    if (key.id == id) return true;
  }
  return false;
}

absl::Status TakeOwnKey(const std::string& data_dir, const std::string& robot_id,
                        capture::HubLink& link) {
  const std::string path = data_dir + "/machine_key.json";
  serve::ApiKeyFile keys(data_dir);
  const auto text = serve::ReadPrivateFile(path);
  if (text.ok()) {
    const Json json = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
    link.api_key_id = TextOf(json, "id");
    link.api_key = TextOf(json, "key");
    ASSIGN_OR_RETURN(const bool kept, IsKept(keys, link.api_key_id));
    if (kept) return absl::OkStatus();
  } else if (!absl::IsNotFound(text.status())) {
    return text.status();
  }
  ASSIGN_OR_RETURN(const serve::NewApiKey made,
                   keys.Create(kKeyName, {{.role = fleet::Role::kOperator,
                                           .kind = fleet::ResourceKind::kRobot,
                                           .resource_id = robot_id}}));
  link.api_key_id = made.key.id;
  link.api_key = made.secret;
  return serve::WritePrivateFile(
      path, Json({{"id", made.key.id}, {"key", made.secret}}).dump().append("\n"));
}

// A hub that is away, or knows no machine yet, may answer later.
absl::StatusOr<std::string> FindPart(const HubFlags& hub) {
  const auto client = HubClient::Connect(hub);
  auto part = client.ok() ? OwnPart(**client) : absl::StatusOr<std::string>(client.status());
  if (part.ok()) return part;
  return Unavailable(
      "which part of the hub this machine is cannot be found out (say it with --part-id, or with "
      "cloud.id in the config): " +
      MessageOf(part.status()));
}

}  // namespace

absl::StatusOr<capture::HubLink> LinkToOwnHub(serve::Server& server, const HubRole& hub,
                                              const std::string& data_dir) {
  const fleet::Local& local = hub.fleet().local();
  capture::HubLink link{
      .channel = server.InProcessChannel(), .part_id = local.part_id, .in_process = true};
  if (server.authenticator().credentials_required())
    RETURN_IF_ERROR(Annotate(TakeOwnKey(data_dir, local.robot_id, link), "the machine's own key"));
  return link;
}

void ConfiguredPart::Read(const std::string& config) {
  const Json json = Json::parse(config, nullptr, /*allow_exceptions=*/false);
  const MutexLock lock(mutex_);
  id_ = json.is_object() ? TextOf(json.value("cloud", Json()), "id") : "";
}

std::string ConfiguredPart::Get() const {
  const MutexLock lock(mutex_);
  return id_;
}

absl::StatusOr<capture::HubLink> LinkToHub(const HubFlags& hub, const std::string& part_id,
                                           const ConfiguredPart& configured) {
  capture::HubLink link{.part_id = part_id, .api_key_id = hub.api_key_id, .api_key = hub.api_key};
  ASSIGN_OR_RETURN(link.channel, OpenChannel(hub.host, hub.ca_certificate));
  if (!link.part_id.empty()) return link;
  link.configured_part = [&configured] { return configured.Get(); };
  link.find_part = [hub] { return FindPart(hub); };
  return link;
}

}  // namespace bowerbird::app
