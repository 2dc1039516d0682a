// SPDX-License-Identifier: Apache-2.0
//
// The models of this program other than cameras (cameras.h), one function a file.
#pragma once

#include "machine/catalog.h"

namespace bowerbird::machine {

void AddTfliteModel(Catalog& catalog);
void AddKServeModel(Catalog& catalog);
void AddModelVision(Catalog& catalog);
void AddColorVision(Catalog& catalog);
void AddFakeVision(Catalog& catalog);
void AddFakeSensor(Catalog& catalog);
void AddFakeMotor(Catalog& catalog);
void AddFakeBoard(Catalog& catalog);
void AddHwmonSensor(Catalog& catalog);
void AddExecSensor(Catalog& catalog);
void AddAudioIns(Catalog& catalog);
void AddAudioOuts(Catalog& catalog);
void AddSoundClassifiers(Catalog& catalog);
void AddFakeGenerics(Catalog& catalog);

}  // namespace bowerbird::machine
