// SPDX-License-Identifier: Apache-2.0
//
// The scenes of the attribute `preloaded_image`, drawn by this program: simple pictures of a pizza,
// a dog and a crowd, so that configs that name them work. A detector trained on photos may well see
// nothing in them.
#pragma once

#include <string_view>
#include <vector>

#include "image/image.h"

namespace bowerbird::machine {

// "pizza", "dog", "crowd".
const std::vector<std::string_view>& SceneNames();

// kRgb8, 640 x 480. `name` is one of SceneNames().
image::Image DrawScene(std::string_view name);

}  // namespace bowerbird::machine
