// SPDX-License-Identifier: Apache-2.0
//
// bowerbird model neighbours MODEL FILE...: the training pictures that are, to the model, most like
// a picture. MODEL is a name on a hub, or a folder that `train local` or `model pull` made.
#pragma once

namespace CLI {
class App;
}

namespace bowerbird::app {

// Below `model`.
void RegisterModelNeighbours(CLI::App& model, int* exit_status);

}  // namespace bowerbird::app
