// SPDX-License-Identifier: Apache-2.0
//
// The functions behind each format of annotation/format.h. Internal to this room.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "annotation/format.h"
#include "annotation/input.h"

namespace bowerbird::annotation {

// What formats hold: see Capabilities.
inline constexpr Capabilities kHoldsEverything{.boxes = true,
                                               .box_confidence = true,
                                               .box_ids = true,
                                               .tags = true,
                                               .classifications = true,
                                               .plain_classifications = true,
                                               .splits = true,
                                               .empty_images = true};
inline constexpr Capabilities kHoldsAllButSplits{.boxes = true,
                                                 .box_confidence = true,
                                                 .box_ids = true,
                                                 .tags = true,
                                                 .classifications = true,
                                                 .plain_classifications = true,
                                                 .empty_images = true};
inline constexpr Capabilities kHoldsAllButIds{.boxes = true,
                                              .box_confidence = true,
                                              .tags = true,
                                              .classifications = true,
                                              .plain_classifications = true,
                                              .splits = true,
                                              .empty_images = true};
// Labels of pictures are tags, or classifications if they have a confidence.
inline constexpr Capabilities kHoldsLabels{.boxes = true,
                                           .box_confidence = true,
                                           .tags = true,
                                           .classifications = true,
                                           .splits = true,
                                           .empty_images = true};
inline constexpr Capabilities kHoldsBoxes{.boxes = true, .splits = true, .empty_images = true};
inline constexpr Capabilities kHoldsOneTag{
    .single_tag = true, .splits = true, .empty_images = true};

using OpenedReader = absl::StatusOr<std::unique_ptr<Reader>>;
using CreatedWriter = absl::StatusOr<std::unique_ptr<Writer>>;

std::string DetectVoc(const Probe& probe);
OpenedReader OpenVoc(FileSystem& files, const ReaderOptions& options);
CreatedWriter CreateVoc(FileSystem& files, const WriterOptions& options);

// The same elements in the folders and with the small differences of ImageNet's.
std::string DetectImageNet(const Probe& probe);
CreatedWriter CreateImageNet(FileSystem& files, const WriterOptions& options);

std::string DetectCoco(const Probe& probe);
OpenedReader OpenCoco(FileSystem& files, const ReaderOptions& options);
CreatedWriter CreateCoco(FileSystem& files, const WriterOptions& options);

std::string DetectYolo(const Probe& probe);
OpenedReader OpenYolo(FileSystem& files, const ReaderOptions& options);
CreatedWriter CreateYolo(FileSystem& files, const WriterOptions& options);

std::string DetectCsv(const Probe& probe);
OpenedReader OpenCsv(FileSystem& files, const ReaderOptions& options);
CreatedWriter CreateCsv(FileSystem& files, const WriterOptions& options);

std::string DetectOpenImages(const Probe& probe);
OpenedReader OpenOpenImages(FileSystem& files, const ReaderOptions& options);
CreatedWriter CreateOpenImages(FileSystem& files, const WriterOptions& options);

std::string DetectCvat(const Probe& probe);
OpenedReader OpenCvat(FileSystem& files, const ReaderOptions& options);
CreatedWriter CreateCvat(FileSystem& files, const WriterOptions& options);

std::string DetectLabelStudio(const Probe& probe);
OpenedReader OpenLabelStudio(FileSystem& files, const ReaderOptions& options);
CreatedWriter CreateLabelStudio(FileSystem& files, const WriterOptions& options);

std::string DetectJsonLines(const Probe& probe);
OpenedReader OpenJsonLines(FileSystem& files, const ReaderOptions& options);
CreatedWriter CreateJsonLines(FileSystem& files, const WriterOptions& options);

std::string DetectExportLayout(const Probe& probe);
OpenedReader OpenExportLayout(FileSystem& files, const ReaderOptions& options);
CreatedWriter CreateExportLayout(FileSystem& files, const WriterOptions& options);

std::string DetectImageFolder(const Probe& probe);
OpenedReader OpenImageFolder(FileSystem& files, const ReaderOptions& options);
CreatedWriter CreateImageFolder(FileSystem& files, const WriterOptions& options);

}  // namespace bowerbird::annotation
