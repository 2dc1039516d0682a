// SPDX-License-Identifier: Apache-2.0
#include "serve/generic_rpc.h"

namespace bowerbird::serve {

GenericComponentRpc::GenericComponentRpc(Admission& admission,
                                         const machine::ResourceFinder& finder)
    : ResourceRpc("viam.component.generic.v1.GenericService", admission, finder,
                  machine::kGenericComponentApi) {
  AddDoCommand();
  AddGetStatus();
  AddGetGeometries();
}

GenericServiceRpc::GenericServiceRpc(Admission& admission, const machine::ResourceFinder& finder)
    : ResourceRpc("viam.service.generic.v1.GenericService", admission, finder,
                  machine::kGenericServiceApi) {
  AddDoCommand();
  AddGetStatus();
}

}  // namespace bowerbird::serve
