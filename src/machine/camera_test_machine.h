// SPDX-License-Identifier: Apache-2.0
//
// For tests of cameras: a machine of a few resources, built one by one from JSON.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/status.h"
#include "base/subprocess.h"
#include "gtest/gtest.h"
#include "machine/cameras.h"
#include "machine/catalog.h"

namespace bowerbird::machine {

class TestMachine : public ResourceFinder {
 public:
  TestMachine() { RegisterCameras(catalog_); }

  absl::StatusOr<std::shared_ptr<Resource>> Find(const ResourceName& name) const override {
    const auto found = resources_.find(name);
    if (found == resources_.end())
      return NotFound("no node found with api " + name.api.ToString() + " and name " + name.name);
    return found->second;
  }

  void Put(const Api& api, const std::string& name, std::shared_ptr<Resource> resource) {
    resources_[{api, name}] = std::move(resource);
  }

  // Validates and builds; dependencies are taken from what was put or built before.
  absl::StatusOr<std::shared_ptr<Resource>> Build(const Api& api, const std::string& name,
                                                  const std::string& model,
                                                  const std::string& attributes) {
    ASSIGN_OR_RETURN(const ModelEntry entry, catalog_.Find(api, {"rdk", "builtin", model}));
    ResourceConfig config;
    config.name = {api, name};
    config.attributes = Json::parse(attributes);
    const Attributes read(config.attributes, "components[0].attributes");
    std::vector<std::string> names;
    if (entry.validate) {
      ASSIGN_OR_RETURN(names, entry.validate(config, read));
    }
    std::map<std::string, std::shared_ptr<Resource>> dependencies;
    for (const auto& dependency : names) {
      ASSIGN_OR_RETURN(const auto full, ResourceName::Parse(FullName(kCameraApi, dependency)));
      ASSIGN_OR_RETURN(dependencies[dependency], Find(full));
    }
    const Environment environment{&metrics_, this, ""};
    ASSIGN_OR_RETURN(auto built, entry.build({config, read, environment, dependencies}));
    Put(api, name, built);
    return built;
  }

  absl::StatusOr<std::shared_ptr<Camera>> BuildCamera(const std::string& name,
                                                      const std::string& model,
                                                      const std::string& attributes) {
    ASSIGN_OR_RETURN(auto built, Build(kCameraApi, name, model, attributes));
    return std::dynamic_pointer_cast<Camera>(built);
  }

  Metrics& metrics() { return metrics_; }

 private:
  Metrics metrics_;
  Catalog catalog_;
  std::map<ResourceName, std::shared_ptr<Resource>> resources_;
};

// A folder of its own for a test, removed with it.
class TestFolder {
 public:
  explicit TestFolder(const std::string& name)
      : path_(std::filesystem::temp_directory_path() /
              ("bowerbird_" + name + "_" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  void Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
  }

 private:
  const std::filesystem::path path_;
};

// A video of ffmpeg's generator `source`; false without ffmpeg.
inline bool MakeVideo(const std::string& source, const std::string& path) {
  Subprocess::Options options;
  options.argv = {"ffmpeg", "-nostdin", "-loglevel", "error", "-y",   "-f", "lavfi",
                  "-i",     source,     "-c:v",      "mjpeg", "-q:v", "2",  path};
  const auto child = Subprocess::Start(options);
  return child.ok() && (*child)->Wait()->ok();
}

inline Context Soon() { return Context().WithTimeout(std::chrono::seconds(60)); }

// The only picture of a camera; a failed expectation and an empty one if it has none.
inline std::shared_ptr<const image::Picture> OnePicture(Camera& camera) {
  const auto images = camera.GetImages(Soon(), {}, Json::object());
  EXPECT_TRUE(images.ok()) << images.status();
  EXPECT_TRUE(!images.ok() || images->images.size() == 1);
  if (!images.ok() || images->images.empty()) return image::Picture::FromBytes("");
  return images->images[0].picture;
}

inline image::Image Pixels(const image::Picture& picture) {
  const auto decoded = picture.Decoded();
  EXPECT_TRUE(decoded.ok()) << decoded.status();
  return decoded.ok() ? (*decoded)->Clone() : image::Image(1, 1, image::PixelFormat::kGray8);
}

}  // namespace bowerbird::machine
