// SPDX-License-Identifier: Apache-2.0
#include "machine/builtins.h"

#include "machine/cameras.h"

namespace bowerbird::machine {

void RegisterBuiltins(Catalog& catalog) {
  RegisterCameras(catalog);
  AddTfliteModel(catalog);
  AddKServeModel(catalog);
  AddModelVision(catalog);
  AddColorVision(catalog);
  AddFakeVision(catalog);
  AddFakeSensor(catalog);
  AddFakeMotor(catalog);
  AddFakeBoard(catalog);
  AddHwmonSensor(catalog);
  AddExecSensor(catalog);
  AddAudioIns(catalog);
  AddAudioOuts(catalog);
  AddSoundClassifiers(catalog);
  AddFakeGenerics(catalog);
}

}  // namespace bowerbird::machine
