// SPDX-License-Identifier: Apache-2.0
//
// Boxes and classifications on the wire.
#pragma once

#include "annotation/values.h"
#include "app/data/v1/data.pb.h"
#include "bowerbird/v1/dataset.pb.h"
#include "data/item.h"
#include "data/labels.h"

namespace bowerbird::wire {

// Nothing is checked here: annotation::CheckAnnotations does that where they are taken in.
annotation::Annotations ReadAnnotations(const viam::app::data::v1::Annotations& message);
void WriteAnnotations(const annotation::Annotations& annotations,
                      viam::app::data::v1::Annotations& message);

void WriteAnnotatedItem(const data::Item& item, bowerbird::v1::AnnotatedItem& message);

annotation::Box ReadBox(const viam::app::data::v1::AddBoundingBoxToImageByIDRequest& message);
data::BoxChange ReadBoxChange(const viam::app::data::v1::UpdateBoundingBoxRequest& message);

}  // namespace bowerbird::wire
