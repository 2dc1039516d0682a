// SPDX-License-Identifier: Apache-2.0
//
// Writes the TorchScript files that tests/modules/torch.test.mjs loads, into a folder:
//   colors.pt  forward(image) of [1, 3, H, W]: softmax of 8 x the mean of each channel, as a
//   convolution pair.pt    forward(x, n): a tuple of x * 2 (half floats) and n + 1 (int64) text.pt
//   forward(s: str), which no machine can call
//
// usage: write_torchscript FOLDER
#include <torch/script.h>

#include <cstdio>
#include <exception>
#include <string>

namespace {

void WriteColors(const std::string& path) {
  torch::jit::Module module("Colors");
  module.register_parameter("weight", at::eye(3).reshape({3, 3, 1, 1}) * 8, false);
  module.define(R"(
def forward(self, image):
    planes = torch.conv2d(image, self.weight)
    return torch.softmax(torch.mean(planes, [2, 3]), 1)
)");
  module.save(path);
}

void WritePair(const std::string& path) {
  torch::jit::Module module("Pair");
  module.define(R"(
def forward(self, x, n):
    return (torch.mul(x, 2).half(), torch.add(n, 1))
)");
  module.save(path);
}

void WriteText(const std::string& path) {
  torch::jit::Module module("Text");
  module.define(R"(
def forward(self, s: str):
    return s
)");
  module.save(path);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: write_torchscript FOLDER\n");
    return 2;
  }
  const std::string folder = arguments[1];
  try {
    WriteColors(folder + "/colors.pt");
    WritePair(folder + "/pair.pt");
    WriteText(folder + "/text.pt");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "write_torchscript: %s\n", error.what());
    return 1;
  }
  return 0;
}
