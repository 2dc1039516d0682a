// SPDX-License-Identifier: Apache-2.0
#include "machine/cameras.h"

namespace bowerbird::machine {

void RegisterCameras(Catalog& catalog) {
  AddFakeCamera(catalog);
  AddImageFileCamera(catalog);
  AddFfmpegCamera(catalog);
  AddTransformCamera(catalog);
  AddWebcam(catalog);
  AddWebcamDiscovery(catalog);
}

}  // namespace bowerbird::machine
