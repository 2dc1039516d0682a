// SPDX-License-Identifier: Apache-2.0
#include "machine/config_resource.h"

#include <utility>

#include "base/status.h"
#include "machine/attributes.h"

namespace bowerbird::machine {
namespace {

using Json = nlohmann::json;

// The messages of name.h, with the path before them.
template <typename T>
absl::StatusOr<T> At(const std::string& path, absl::StatusOr<T> parsed) {
  if (!parsed.ok()) return Annotate(parsed.status(), path);
  return parsed;
}

std::string_view TypeOf(Section section) {
  return section == Section::kComponents ? "component" : "service";
}

// "camera" as well as "rdk:component:camera".
absl::StatusOr<Api> ParseApiText(const std::string& text, const std::string& ns, Section section) {
  if (text.find(':') != std::string::npos) return Api::Parse(text);
  return Api::Parse(ns + ":" + std::string(TypeOf(section)) + ":" + text);
}

absl::StatusOr<Api> ParseApi(const Attributes& entry, Section section) {
  if (!entry.Has("api")) {
    // The older spelling.
    ASSIGN_OR_RETURN(const std::string ns, entry.String("namespace", "rdk"));
    if (!entry.Has("type"))
      return entry.Error("api", "is missing: give it, like \"rdk:component:camera\"");
    ASSIGN_OR_RETURN(const std::string type, entry.RequiredString("type"));
    return At(entry.PathOf("type"), ParseApiText(type, ns, section));
  }
  if (entry.json().at("api").is_object()) {
    ASSIGN_OR_RETURN(const Attributes api, entry.Object("api"));
    ASSIGN_OR_RETURN(const std::string ns, api.String("namespace", "rdk"));
    ASSIGN_OR_RETURN(const std::string type, api.String("type", std::string(TypeOf(section))));
    ASSIGN_OR_RETURN(const std::string subtype, api.RequiredString("subtype"));
    return At(api.path(), Api::Parse(ns + ":" + type + ":" + subtype));
  }
  ASSIGN_OR_RETURN(const std::string text, entry.RequiredString("api"));
  return At(entry.PathOf("api"), ParseApiText(text, "rdk", section));
}

absl::Status CheckSection(const Api& api, const Attributes& entry, Section section) {
  if (api.type == TypeOf(section)) return absl::OkStatus();
  return InvalidArgument(entry.PathOf(entry.Has("api") ? "api" : "type") + ": \"" + api.ToString() +
                         "\" belongs into \"" + api.type + "s\"");
}

absl::StatusOr<ModelName> ParseModel(const Attributes& entry, Section section) {
  if (!entry.Has("model")) {
    if (section == Section::kServices) return ModelName{"rdk", "builtin", "builtin"};
    return entry.Error("model", "is missing: give it, like \"rdk:builtin:fake\" or \"fake\"");
  }
  if (entry.json().at("model").is_object()) {
    ASSIGN_OR_RETURN(const Attributes model, entry.Object("model"));
    ASSIGN_OR_RETURN(const std::string ns, model.String("namespace", "rdk"));
    ASSIGN_OR_RETURN(const std::string family, model.String("model_family", "builtin"));
    ASSIGN_OR_RETURN(const std::string name, model.RequiredString("name"));
    return At(model.path(), ModelName::Parse(ns + ":" + family + ":" + name));
  }
  ASSIGN_OR_RETURN(const std::string text, entry.RequiredString("model"));
  return At(entry.PathOf("model"), ModelName::Parse(text));
}

absl::Status ParseServiceConfigs(const Attributes& entry, ResourceConfig& resource) {
  if (!entry.Has("service_configs")) return absl::OkStatus();
  const Json& list = entry.json().at("service_configs");
  if (!list.is_array()) return entry.Error("service_configs", "is not a list of objects");
  for (size_t i = 0; i < list.size(); ++i) {
    const Attributes one(list[i], entry.PathOf("service_configs") + "[" + std::to_string(i) + "]");
    if (!list[i].is_object())
      return InvalidArgument(one.path() + ": " + ShownInError(list[i]) + " is not an object");
    ASSIGN_OR_RETURN(std::string type, one.RequiredString("type"));
    ASSIGN_OR_RETURN(const Attributes attributes, one.Object("attributes"));
    resource.service_configs.emplace_back(std::move(type), attributes.json());
  }
  return absl::OkStatus();
}

absl::Status ParseRest(const Attributes& entry, ResourceConfig& resource) {
  ASSIGN_OR_RETURN(const Attributes attributes, entry.Object("attributes"));
  resource.attributes = attributes.json();
  ASSIGN_OR_RETURN(resource.depends_on, entry.Strings("depends_on"));
  if (entry.Has("frame")) {
    ASSIGN_OR_RETURN(const Attributes frame, entry.Object("frame"));
    resource.frame = frame.json();
  }
  RETURN_IF_ERROR(ParseServiceConfigs(entry, resource));
  ASSIGN_OR_RETURN(const Attributes log, entry.Object("log_configuration"));
  ASSIGN_OR_RETURN(resource.log_level, log.String("level"));
  return absl::OkStatus();
}

absl::Status ParseFields(const Attributes& entry, Section section, ResourceConfig& resource) {
  // The name and the API first: they tell whose fault is reported.
  if (section == Section::kServices && !entry.Has("name")) {
    resource.name.name = "builtin";
  } else {
    ASSIGN_OR_RETURN(resource.name.name, entry.RequiredString("name"));
  }
  ASSIGN_OR_RETURN(resource.name.api, ParseApi(entry, section));
  RETURN_IF_ERROR(CheckSection(resource.name.api, entry, section));
  RETURN_IF_ERROR(Annotate(CheckResourceName(resource.name.name), entry.PathOf("name")));
  ASSIGN_OR_RETURN(resource.model, ParseModel(entry, section));
  return ParseRest(entry, resource);
}

}  // namespace

ResourceConfig ParseResource(const Json& entry, Section section, const std::string& path) {
  ResourceConfig resource;
  resource.path = path;
  resource.name = {Api{"rdk", std::string(TypeOf(section)), "unknown"}, path};
  const Attributes fields(entry, path);
  resource.problem = entry.is_object()
                         ? ParseFields(fields, section, resource)
                         : InvalidArgument(path + ": " + ShownInError(entry) + " is not an object");
  return resource;
}

}  // namespace bowerbird::machine
