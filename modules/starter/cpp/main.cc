// SPDX-License-Identifier: Apache-2.0
#include "module.h"
#include "resource.h"

int main(int count, char** arguments) {
  module::Module program;
  Register(program, "@API@", "@MODEL@");
  return program.Run(count, arguments);
}
