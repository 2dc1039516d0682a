// SPDX-License-Identifier: Apache-2.0
#include "app/finder_flags.h"

#include <algorithm>
#include <utility>

#include "CLI/CLI.hpp"
#include "app/commands.h"
#include "app/probe_command.h"
#include "base/status.h"

namespace bowerbird::app {
namespace {

template <typename T, size_t N>
std::optional<std::array<T, N>> ToArray(const std::vector<T>& values) {
  if (values.size() != N) return std::nullopt;
  std::array<T, N> array{};
  std::copy(values.begin(), values.end(), array.begin());
  return array;
}

// What is wrong with "NAME=ROLE"; "" if nothing is.
std::string NameAndRole(const std::string& text) {
  const size_t split = text.rfind('=');
  const std::string role = split == std::string::npos ? "" : text.substr(split + 1);
  for (const char* known : {"location", "category", "score", "probability"}) {
    if (role == known && split > 0) return "";
  }
  return "'" + text + "' must be NAME=ROLE, such as boxes=location";
}

vision::Decoder ToDecoder(const std::string& name) {
  if (name == "postprocess") return vision::Decoder::kPostprocess;
  if (name == "ssd") return vision::Decoder::kSsd;
  if (name == "yolo") return vision::Decoder::kYolo;
  return vision::Decoder::kAuto;
}

}  // namespace

void AddModelFlags(CLI::App& command, FinderFlags& flags) {
  command.add_option("--model", flags.model, "A .tflite file");
  command.add_option("--labels", flags.labels,
                     "Names of the classes, one a line; without it those packed into the model");
  command.add_option("--resize", flags.resize, "How a picture is fitted into the model's input")
      ->check(CLI::IsMember({"stretch", "letterbox", "letterbox-top-left"}));
  command.add_option("--filter", flags.filter, "How it is scaled: antialiased, or 2x2 taps")
      ->check(CLI::IsMember({"triangle", "bilinear"}));
  command.add_option("--mean", flags.mean, "R,G,B subtracted from channels 0..1 of float inputs")
      ->delimiter(',')
      ->expected(3);
  command.add_option("--std", flags.std, "R,G,B that divide them then")
      ->delimiter(',')
      ->expected(3);
  command.add_flag("--bgr", flags.bgr, "The model wants blue first");
  command
      .add_option("--output", flags.outputs,
                  "NAME=ROLE of an output: location, category, score or probability")
      ->check(NameAndRole, "NAME=ROLE");
  command.add_option("--threads", flags.threads, "Threads of the model runtime")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
}

void AddFinderFlags(CLI::App& command, FinderFlags& flags) {
  AddModelFlags(command, flags);
  command.get_option("--model")->required();
  command.add_option("--min-confidence", flags.min_confidence, "Drop what is less certain")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option("--top", flags.top, "Keep the N most certain; 0 keeps all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--draw", flags.draw, "Write annotated pictures into this folder, as JPEG");
  command.add_option("--every", flags.every, "Of a video, look at every N-th frame")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("FILE", flags.files, "Pictures, videos, folders of pictures")->required();
}

void AddBoxFlags(CLI::App& command, FinderFlags& flags) {
  command.add_option("--decoder", flags.decoder, "What the model's outputs are")
      ->check(CLI::IsMember({"auto", "postprocess", "ssd", "yolo"}))
      ->capture_default_str();
  command
      .add_option("--nms-iou", flags.nms_iou,
                  "Overlap above which the less certain of two boxes of a class goes; 1 keeps all")
      ->check(CLI::Range(0.01, 1.0));
  command
      .add_option("--box-order", flags.box_order,
                  "What the four numbers of a box are: 0=xmin 1=ymin 2=xmax 3=ymax, as 1,0,3,2")
      ->delimiter(',')
      ->expected(4);
}

vision::ModelFinderOptions ToOptions(const FinderFlags& flags) {
  vision::ModelFinderOptions options;
  for (const std::string& output : flags.outputs) {
    const size_t split = output.rfind('=');
    options.remap_output_names[output.substr(0, split)] = output.substr(split + 1);
  }
  options.box_order = ToArray<int, 4>(flags.box_order);
  options.mean = ToArray<float, 3>(flags.mean);
  options.std = ToArray<float, 3>(flags.std);
  if (flags.bgr) options.bgr = true;
  options.default_minimum_confidence = flags.min_confidence;
  options.label_path = flags.labels;
  if (flags.nms_iou > 0) options.nms_iou_threshold = flags.nms_iou;
  if (flags.resize == "stretch") options.fit = image::Fit::kStretch;
  if (flags.resize == "letterbox") options.fit = image::Fit::kLetterbox;
  if (flags.resize == "letterbox-top-left") options.fit = image::Fit::kLetterboxTopLeft;
  if (flags.filter == "triangle") options.filter = image::Filter::kTriangle;
  if (flags.filter == "bilinear") options.filter = image::Filter::kBilinear;
  options.decoder = ToDecoder(flags.decoder);
  return options;
}

absl::StatusOr<LoadedFinder> LoadModel(const FinderFlags& flags) {
  LoadedFinder loaded;
  loaded.known = OpenKnownModels(DefaultDataDir());
  infer::TfliteOptions model_options;
  model_options.model_path = flags.model;
  model_options.num_threads = flags.threads;
  model_options.instances = 1;
  model_options.probe = loaded.known.probe.get();
  ASSIGN_OR_RETURN(loaded.model, infer::TfliteModel::Load(model_options));
  return loaded;
}

absl::Status AddFinder(const FinderFlags& flags, LoadedFinder& loaded) {
  auto finder = vision::ModelFinder::Create({}, *loaded.model, ToOptions(flags));
  if (!finder.ok()) return Annotate(finder.status(), flags.model);
  loaded.finder = *std::move(finder);
  return absl::OkStatus();
}

absl::StatusOr<LoadedFinder> LoadFinder(const FinderFlags& flags) {
  ASSIGN_OR_RETURN(LoadedFinder loaded, LoadModel(flags));
  RETURN_IF_ERROR(AddFinder(flags, loaded));
  return loaded;
}

}  // namespace bowerbird::app
