// SPDX-License-Identifier: Apache-2.0
#include "machine/vision_service.h"

#include <utility>

#include "base/status.h"

namespace bowerbird::machine {
namespace {

// What every model goes through; "encode" only where something was encoded.
Json Milliseconds(const PhaseTimes& times) {
  Json milliseconds = Json::object();
  for (int i = 0; i < kPhaseCount; ++i) {
    const auto phase = static_cast<Phase>(i);
    if (phase == Phase::kEncode && times.Get(phase).count() == 0) continue;
    milliseconds[std::string(kPhaseNames[static_cast<size_t>(i)])] = times.Milliseconds(phase);
  }
  return {{"milliseconds", std::move(milliseconds)}};
}

// A picture that cannot be read is the camera's fault: the caller has to know which one.
absl::Status OfCamera(const absl::Status& status, const std::string& camera) {
  if (!absl::IsInvalidArgument(status)) return status;
  return Annotate(status, "picture of camera \"" + camera + "\"");
}

}  // namespace

// A context whose phases belong to this call; at its end they are counted, and added to the
// caller's.
class VisionService::Timed {
 public:
  Timed(const Context& context, const Options& options)
      : caller_(context.phases), options_(options), context_(context) {
    context_.phases = &times_;
  }
  ~Timed() {
    if (options_.metrics != nullptr)
      options_.metrics->ObservePhases(options_.metrics_label, times_);
    if (caller_ == nullptr) return;
    for (int i = 0; i < kPhaseCount; ++i)
      caller_->Add(static_cast<Phase>(i), times_.Get(static_cast<Phase>(i)));
  }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

  const Context& context() const { return context_; }
  const PhaseTimes& times() const { return times_; }

 private:
  PhaseTimes* const caller_;
  const Options& options_;
  PhaseTimes times_;
  Context context_;
};

VisionService::VisionService(std::unique_ptr<const vision::Finder> finder, Options options)
    : options_(std::move(options)), finder_(std::move(finder)) {}

absl::StatusOr<NamedImage> VisionService::Take(const Context& context,
                                               const std::string& camera_name,
                                               const Json& extra) const {
  const std::string& name = NameOf(camera_name);
  if (name.empty()) return Unknown("no camera name provided and no default camera found");
  auto camera = options_.cameras->FindAs<Camera>(name);
  if (!camera.ok()) return Annotate(camera.status(), "could not find camera \"" + name + "\"");
  auto images = (*camera)->GetImages(context, {}, extra);
  if (!images.ok()) return Annotate(images.status(), "could not get image from " + name);
  if (images->images.empty()) return Unknown("no images returned from camera " + name);
  return std::move(images->images.front());
}

absl::StatusOr<Detections> VisionService::Detect(const Context& context,
                                                 const image::Picture& picture) const {
  Detections result;
  ASSIGN_OR_RETURN(result.detections, finder_->Detect(context, picture));
  ASSIGN_OR_RETURN(const image::Header header, picture.header());
  result.size = header.size;
  return result;
}

absl::StatusOr<std::vector<vision::Classification>> VisionService::Classify(
    const Context& context, const image::Picture& picture, int n) const {
  auto found = finder_->Classify(context, picture);
  if (!found.ok()) return Annotate(found.status(), "could not get classifications from image");
  vision::KeepTop(*found, n);
  return found;
}

absl::StatusOr<Detections> VisionService::GetDetections(const Context& context,
                                                        const image::Picture& picture,
                                                        const Json&) {
  const Timed timed(context, options_);
  return Detect(timed.context(), picture);
}

absl::StatusOr<Detections> VisionService::GetDetectionsFromCamera(const Context& context,
                                                                  const std::string& camera_name,
                                                                  const Json& extra) {
  const Timed timed(context, options_);
  ASSIGN_OR_RETURN(const NamedImage image, Take(timed.context(), camera_name, extra));
  auto detections = Detect(timed.context(), *image.picture);
  if (!detections.ok()) return OfCamera(detections.status(), NameOf(camera_name));
  return detections;
}

absl::StatusOr<std::vector<vision::Classification>> VisionService::GetClassifications(
    const Context& context, const image::Picture& picture, int n, const Json&) {
  const Timed timed(context, options_);
  return Classify(timed.context(), picture, n);
}

absl::StatusOr<std::vector<vision::Classification>> VisionService::GetClassificationsFromCamera(
    const Context& context, const std::string& camera_name, int n, const Json& extra) {
  const Timed timed(context, options_);
  ASSIGN_OR_RETURN(const NamedImage image, Take(timed.context(), camera_name, extra));
  auto classifications = Classify(timed.context(), *image.picture, n);
  if (!classifications.ok()) return OfCamera(classifications.status(), NameOf(camera_name));
  return classifications;
}

absl::StatusOr<std::vector<PointCloudObject>> VisionService::GetObjectPointClouds(
    const Context&, const std::string&, const Json&) {
  return Unimplemented("this vision service does not implement a 3D segmenter");
}

absl::StatusOr<VisionProperties> VisionService::GetProperties(const Context&) {
  return VisionProperties{finder_->classifies(), finder_->detects(), false,
                          options_.default_camera};
}

absl::StatusOr<CaptureAll> VisionService::CaptureAllFromCamera(const Context& context,
                                                               const std::string& camera_name,
                                                               const CaptureAllOptions& options,
                                                               const Json& extra) {
  const Timed timed(context, options_);
  ASSIGN_OR_RETURN(NamedImage image, Take(timed.context(), camera_name, extra));
  const image::Picture& picture = *image.picture;
  CaptureAll result;
  if (const auto header = picture.header(); header.ok()) result.size = header->size;
  if (options.detections && finder_->detects()) {
    auto found = finder_->Detect(timed.context(), picture);
    if (!found.ok()) return OfCamera(found.status(), NameOf(camera_name));
    result.detections = *std::move(found);
  }
  if (options.classifications && finder_->classifies()) {
    auto found = Classify(timed.context(), picture, 0);
    if (!found.ok()) return OfCamera(found.status(), NameOf(camera_name));
    result.classifications = *std::move(found);
  }
  if (options.image) {
    result.image = std::move(image);
    // The wire repeats the name that was asked for.
    result.image->source_name = camera_name;
  }
  result.extra = Milliseconds(timed.times());
  return result;
}

}  // namespace bowerbird::machine
