// SPDX-License-Identifier: Apache-2.0
//
// What a module has started and left behind. Its process group goes with it; this finds those that
// have left the group (daemons) by the address of the run, which stands in their environment.
// Private to this folder.
#pragma once

#include <string>

namespace bowerbird::machine {

// Ends (SIGKILL) every process of this user that has VIAM_MODULE_ADDRESS=`address`; this process
// never. How many there were.
int KillLeftovers(const std::string& address);

}  // namespace bowerbird::machine
