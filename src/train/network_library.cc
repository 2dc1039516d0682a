// SPDX-License-Identifier: Apache-2.0
#include "train/network_library.h"

#include <dlfcn.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace bowerbird::train {
namespace {

constexpr std::string_view kLibrary = "libbowerbird_torch.so";

// The folder of the running program, with a slash; empty if the system does not say.
std::string ProgramFolder() {
  std::string path(PATH_MAX, '\0');
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  if (length <= 0) return "";
  path.resize(static_cast<size_t>(length));
  return path.substr(0, path.rfind('/') + 1);
}

std::vector<std::string> Places() {
  if (const char* given = std::getenv("BOWERBIRD_TORCH_LIBRARY"); given != nullptr && *given != 0)
    return {given};
  std::vector<std::string> places;
  if (const std::string folder = ProgramFolder(); !folder.empty()) {
    places.push_back(folder + std::string(kLibrary));
    places.push_back(folder + "../lib/bowerbird/" + std::string(kLibrary));
  }
  places.emplace_back(kLibrary);
  return places;
}

absl::StatusOr<NetworkEngine*> Load() {
  std::string tried;
  for (const std::string& place : Places()) {
    void* library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      // The loader's text begins with the path.
      tried += tried.empty() ? "" : "; ";
      tried += dlerror();
      continue;
    }
    void* symbol = dlsym(library, kNetworkEngineSymbol);
    if (symbol == nullptr)
      return Unavailable(place +
                         " belongs to another version of this program: install the same "
                         "version of both");
    return reinterpret_cast<NetworkEngineFunction>(symbol)();
  }
  return Unavailable("training of networks needs " + std::string(kLibrary) +
                     ", which does not load (" + tried +
                     "): build with libtorch-dev installed, or train a head alone (graft)");
}

}  // namespace

absl::StatusOr<NetworkEngine*> LoadNetworkEngine() {
  static const absl::StatusOr<NetworkEngine*> engine = Load();
  return engine;
}

}  // namespace bowerbird::train
