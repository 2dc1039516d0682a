// SPDX-License-Identifier: Apache-2.0
//
// The cameras of this program, and the discovery of cameras. Attributes: docs/cameras.md.
#pragma once

#include "machine/catalog.h"

namespace bowerbird::machine {

// fake, image_file, ffmpeg, webcam, transform, and the discovery service webcam.
void RegisterCameras(Catalog& catalog);

// One function a model file; RegisterCameras calls them all.
void AddFakeCamera(Catalog& catalog);
void AddImageFileCamera(Catalog& catalog);
void AddFfmpegCamera(Catalog& catalog);
void AddWebcam(Catalog& catalog);
void AddTransformCamera(Catalog& catalog);
void AddWebcamDiscovery(Catalog& catalog);

}  // namespace bowerbird::machine
