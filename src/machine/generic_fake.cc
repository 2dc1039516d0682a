// SPDX-License-Identifier: Apache-2.0
#include "machine/builtins.h"

namespace bowerbird::machine {
namespace {

// Answers every command with the command.
template <typename Generic>
class FakeGeneric : public Generic {
 public:
  absl::StatusOr<Json> DoCommand(const Context&, const Json& command) override { return command; }
};

template <typename Generic>
void Add(Catalog& catalog) {
  ModelEntry entry;
  entry.api = Generic::kApi;
  entry.model = {"rdk", "builtin", "fake"};
  entry.build = [](const BuildRequest&) { return std::make_shared<FakeGeneric<Generic>>(); };
  catalog.Add(std::move(entry));
}

}  // namespace

void AddFakeGenerics(Catalog& catalog) {
  Add<GenericComponent>(catalog);
  Add<GenericService>(catalog);
}

}  // namespace bowerbird::machine
