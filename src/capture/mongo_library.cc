// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "capture/mongo_engine.h"

namespace bowerbird::capture {
namespace {

constexpr std::string_view kLibrary = "libbowerbird_mongo.so";

// The folder of the running program, with a slash; empty if the system does not say.
std::string ProgramFolder() {
  std::string path(PATH_MAX, '\0');
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  if (length <= 0) return "";
  path.resize(static_cast<size_t>(length));
  return path.substr(0, path.rfind('/') + 1);
}

std::vector<std::string> Places() {
  if (const char* given = std::getenv("BOWERBIRD_MONGO_LIBRARY"); given != nullptr && *given != 0)
    return {given};
  std::vector<std::string> places;
  if (const std::string folder = ProgramFolder(); !folder.empty()) {
    places.push_back(folder + std::string(kLibrary));
    places.push_back(folder + "../lib/bowerbird/" + std::string(kLibrary));
  }
  places.emplace_back(kLibrary);
  return places;
}

absl::StatusOr<MongoEngine*> Load() {
  std::string tried;
  for (const std::string& place : Places()) {
    void* library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      // The loader's text begins with the path.
      tried += tried.empty() ? "" : "; ";
      tried += dlerror();
      continue;
    }
    void* symbol = dlsym(library, kMongoEngineSymbol);
    if (symbol == nullptr)
      return Unavailable(place +
                         " belongs to another version of this program: install the same "
                         "version of both");
    return reinterpret_cast<MongoEngineFunction>(symbol)();
  }
  return Unavailable("mongo_capture_config needs " + std::string(kLibrary) +
                     ", which does not load (" + tried +
                     "): install libmongoc-1.0-0, and build with libmongoc-dev installed");
}

}  // namespace

absl::StatusOr<MongoEngine*> LoadMongoEngine() {
  static const absl::StatusOr<MongoEngine*> engine = Load();
  return engine;
}

}  // namespace bowerbird::capture
