// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "machine/builtins.h"
#include "machine/vision_service.h"
#include "vision/model_finder.h"

namespace bowerbird::machine {
namespace {

absl::StatusOr<std::map<std::string, std::string>> NameMap(const Attributes& attributes,
                                                           std::string_view key) {
  ASSIGN_OR_RETURN(const auto entries, attributes.StringMap(key));
  return std::map<std::string, std::string>(entries.begin(), entries.end());
}

absl::StatusOr<std::optional<std::array<int, 4>>> BoxOrder(const Attributes& attributes) {
  constexpr std::string_view kKey = "xmin_ymin_xmax_ymax_order";
  if (!attributes.Has(kKey)) return std::nullopt;
  ASSIGN_OR_RETURN(const auto numbers, attributes.Doubles(kKey));
  auto sorted = numbers;
  std::sort(sorted.begin(), sorted.end());
  if (sorted != std::vector<double>{0, 1, 2, 3})
    return attributes.Error(kKey, "does not hold each of 0, 1, 2 and 3 once");
  std::array<int, 4> order{};
  std::transform(numbers.begin(), numbers.end(), order.begin(),
                 [](double number) { return static_cast<int>(number); });
  return order;
}

// The first three numbers; the reference machine, too, ignores what follows.
absl::StatusOr<std::optional<std::array<float, 3>>> Channels(const Attributes& attributes,
                                                             std::string_view key) {
  if (!attributes.Has(key)) return std::nullopt;
  ASSIGN_OR_RETURN(const auto numbers, attributes.Doubles(key));
  if (numbers.size() < 3) return attributes.Error(key, "has fewer than 3 numbers");
  return std::array{static_cast<float>(numbers[0]), static_cast<float>(numbers[1]),
                    static_cast<float>(numbers[2])};
}

absl::Status ReadScaling(const Attributes& attributes, vision::ModelFinderOptions& options) {
  ASSIGN_OR_RETURN(const std::string fit,
                   attributes.Choice("resize", "", {"stretch", "letterbox", "letterbox_top_left"}));
  if (fit == "stretch") options.fit = image::Fit::kStretch;
  if (fit == "letterbox") options.fit = image::Fit::kLetterbox;
  if (fit == "letterbox_top_left") options.fit = image::Fit::kLetterboxTopLeft;
  ASSIGN_OR_RETURN(const std::string filter,
                   attributes.Choice("resize_filter", "", {"triangle", "bilinear"}));
  if (filter == "triangle") options.filter = image::Filter::kTriangle;
  if (filter == "bilinear") options.filter = image::Filter::kBilinear;
  ASSIGN_OR_RETURN(options.mean, Channels(attributes, "input_image_mean_value"));
  ASSIGN_OR_RETURN(options.std, Channels(attributes, "input_image_std_dev"));
  if (options.std && std::count(options.std->begin(), options.std->end(), 0.0f) > 0)
    return attributes.Error("input_image_std_dev", "holds a 0, which nothing can be divided by");
  if (attributes.Has("input_image_bgr")) {
    ASSIGN_OR_RETURN(options.bgr, attributes.Bool("input_image_bgr", false));
  }
  return absl::OkStatus();
}

absl::Status ReadDecoding(const Attributes& attributes, vision::ModelFinderOptions& options) {
  ASSIGN_OR_RETURN(const std::string decoder,
                   attributes.Choice("decoder", "auto", {"auto", "postprocess", "ssd", "yolo"}));
  if (decoder == "postprocess") options.decoder = vision::Decoder::kPostprocess;
  if (decoder == "ssd") options.decoder = vision::Decoder::kSsd;
  if (decoder == "yolo") options.decoder = vision::Decoder::kYolo;
  ASSIGN_OR_RETURN(options.box_order, BoxOrder(attributes));
  if (attributes.Has("nms_iou_threshold")) {
    ASSIGN_OR_RETURN(options.nms_iou_threshold, attributes.Double("nms_iou_threshold", 0, 0, 1));
  }
  ASSIGN_OR_RETURN(options.default_minimum_confidence,
                   attributes.Double("default_minimum_confidence", 0, 0, 1));
  ASSIGN_OR_RETURN(const auto confidences, attributes.DoubleMap("label_confidences"));
  options.label_confidences.insert(confidences.begin(), confidences.end());
  return absl::OkStatus();
}

absl::StatusOr<vision::ModelFinderOptions> ReadOptions(const Attributes& attributes) {
  vision::ModelFinderOptions options;
  ASSIGN_OR_RETURN(options.remap_input_names, NameMap(attributes, "remap_input_names"));
  ASSIGN_OR_RETURN(options.remap_output_names, NameMap(attributes, "remap_output_names"));
  ASSIGN_OR_RETURN(options.label_path, attributes.String("label_path"));
  std::error_code error;
  if (!options.label_path.empty() && !std::filesystem::exists(options.label_path, error))
    return attributes.Error("label_path", "failed to read file: there is none of this name");
  RETURN_IF_ERROR(ReadScaling(attributes, options));
  RETURN_IF_ERROR(ReadDecoding(attributes, options));
  return options;
}

absl::StatusOr<std::vector<std::string>> Validate(const ResourceConfig&,
                                                  const Attributes& attributes) {
  ASSIGN_OR_RETURN(const std::string model, attributes.RequiredString("mlmodel_name"));
  RETURN_IF_ERROR(ReadOptions(attributes).status());
  RETURN_IF_ERROR(attributes.String("camera_name").status());
  return std::vector<std::string>{FullName(kMlModelApi, model)};
}

absl::StatusOr<std::shared_ptr<Resource>> Build(const BuildRequest& request) {
  ASSIGN_OR_RETURN(const std::string name, request.attributes.RequiredString("mlmodel_name"));
  ASSIGN_OR_RETURN(const auto model, request.Dependency<MlModel>(name));
  ASSIGN_OR_RETURN(const auto finder_options, ReadOptions(request.attributes));
  ASSIGN_OR_RETURN(auto finder,
                   vision::ModelFinder::Create(request.context, model->model(), finder_options));
  LogInfo("vision/" + request.config.name.name, "on " + name + ": " + finder->Describe());
  VisionService::Options options;
  options.metrics_label = model->metrics_label();
  ASSIGN_OR_RETURN(options.default_camera, request.attributes.String("camera_name"));
  options.cameras = request.environment.finder;
  options.metrics = request.environment.metrics;
  options.model = model;
  return std::make_shared<VisionService>(std::move(finder), std::move(options));
}

}  // namespace

void AddModelVision(Catalog& catalog) {
  ModelEntry entry;
  entry.api = kVisionApi;
  entry.model = {"rdk", "builtin", "mlmodel"};
  entry.validate = Validate;
  entry.build = Build;
  catalog.Add(std::move(entry));
}

}  // namespace bowerbird::machine
