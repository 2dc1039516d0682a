// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "base/status.h"
#include "tflite/diagnosis_repair.h"

namespace bowerbird::tflite {
namespace {

constexpr char kPostprocess[] = "TFLite_Detection_PostProcess";
constexpr std::array<const char*, 4> kDetectionOutputs = {"location", "category", "score",
                                                          "number of detections"};

bool IsLabelFile(const AssociatedFile& file) {
  return file.type == AssociatedFileType::kTensorAxisLabels ||
         file.type == AssociatedFileType::kTensorValueLabels;
}

class MetadataRepair {
 public:
  MetadataRepair(const GraphView& view, const std::optional<FileMetadata>& given,
                 const MetadataWishes& wishes, std::vector<std::string>& changes)
      : view_(view), wishes_(wishes), changes_(changes), guess_(GuessTask(view, given)) {
    if (given) metadata_ = *given;
    ends_in_postprocess_ =
        view.Has(kPostprocess) && view.outputs().size() == kDetectionOutputs.size();
  }

  absl::StatusOr<FileMetadata> Repair() {
    if (metadata_.name.empty()) {
      metadata_.name = wishes_.model_name;
      if (!metadata_.name.empty()) changes_.push_back("named the model '" + metadata_.name + "'");
    }
    Complete(view_.inputs(), "inputs", metadata_.inputs);
    Complete(view_.outputs(), "outputs", metadata_.outputs);
    DescribePictures();
    RETURN_IF_ERROR(Normalise());
    RETURN_IF_ERROR(OrderBoxes());
    RETURN_IF_ERROR(AddLabels());
    return std::move(metadata_);
  }

 private:
  void Complete(const std::vector<const Tensor*>& ends, const std::string& what,
                std::vector<TensorMetadata>& described) {
    if (described.size() == ends.size()) return;
    changes_.push_back((described.empty() ? "described the " : "replaced the description of the ") +
                       what);
    described.assign(ends.size(), {});
    for (size_t i = 0; i < ends.size(); ++i) {
      described[i].name = ends[i]->name;
      if (&described == &metadata_.outputs && ends_in_postprocess_) {
        described[i].name = kDetectionOutputs[i];
      }
      described[i].is_feature = PictureOf(*ends[i]).channels == 0 || what == "outputs";
    }
  }

  void DescribePictures() {
    for (size_t i = 0; i < metadata_.inputs.size(); ++i) {
      TensorMetadata& input = metadata_.inputs[i];
      const int32_t channels = PictureOf(*view_.inputs()[i]).channels;
      if (channels != 1 && channels != 3) continue;
      if (!input.is_image && !input.boxes && !input.audio && !input.is_feature) {
        input.is_image = true;
        const bool wants_bgr = LooksLikeYolox(view_) && !wishes_.takes_rgb;
        input.color_space = channels == 1 ? ColorSpace::kGrayscale
                            : wants_bgr   ? ColorSpace::kUnknown
                                          : ColorSpace::kRgb;
        changes_.push_back("said that input " + std::to_string(i) + " is a picture");
      }
      if (wishes_.takes_rgb && channels == 3 && input.is_image &&
          input.color_space != ColorSpace::kRgb) {
        input.color_space = ColorSpace::kRgb;
        changes_.push_back("said that input " + std::to_string(i) + " is red, green, blue");
      }
      if (!input.description.empty()) continue;
      // Clients tell the kind of a model by these words.
      if (guess_.task == Task::kClassifier) input.description = "Input picture to be classified.";
      if (guess_.task == Task::kDetector) input.description = "Picture to detect objects in.";
    }
  }

  absl::Status Normalise() {
    std::vector<float> mean = wishes_.mean;
    std::vector<float> std = wishes_.std;
    const bool is_wished = !mean.empty() || !std.empty();
    if (is_wished) {
      const auto fits = [](size_t size) { return size == 1 || size == 3; };
      if (!fits(mean.size()) || mean.size() != std.size() || std::ranges::count(std, 0.0F) > 0) {
        return InvalidArgument(
            "mean and std must both be given, with one number or three, and no std may be 0");
      }
    } else if (LooksLikeYolox(view_)) {
      mean = {0};
      std = {1};
    } else {
      return absl::OkStatus();
    }
    for (size_t i = 0; i < metadata_.inputs.size(); ++i) {
      if (PictureOf(*view_.inputs()[i]).channels == 0) continue;
      if (!is_wished && !metadata_.inputs[i].mean.empty()) continue;
      metadata_.inputs[i].mean = mean;
      metadata_.inputs[i].std = std;
      changes_.push_back("wrote how pixels become numbers for input " + std::to_string(i));
    }
    return absl::OkStatus();
  }

  // The output with four numbers a box; -1 if there is none.
  int BoxOutput() const {
    if (ends_in_postprocess_) return 0;
    for (size_t i = 0; i < view_.outputs().size(); ++i) {
      const std::vector<int32_t>& shape = view_.outputs()[i]->shape;
      if (shape.size() == 3 && shape[2] == 4) return static_cast<int>(i);
    }
    return -1;
  }

  absl::Status OrderBoxes() {
    std::vector<uint32_t> order = wishes_.box_order;
    const int output = BoxOutput();
    if (order.empty()) {
      if (!ends_in_postprocess_ || metadata_.outputs[0].boxes) return absl::OkStatus();
      order = {1, 0, 3, 2};  // as the operator writes them
    }
    if (output < 0) {
      return InvalidArgument(
          "the model has no output of four numbers a box, so its boxes have no "
          "order to be written down");
    }
    TensorMetadata& boxes = metadata_.outputs[static_cast<size_t>(output)];
    boxes.boxes.emplace(BoundingBoxes{.form = BoundingBoxes::Form::kBoundaries, .index = order});
    boxes.is_feature = false;
    changes_.push_back("wrote the order of box corners for output " + std::to_string(output));
    return absl::OkStatus();
  }

  absl::Status AddLabels() {
    if (wishes_.label_file.empty()) return absl::OkStatus();
    if (metadata_.outputs.empty()) return InvalidArgument("the model has no outputs to label");
    const bool by_value = ends_in_postprocess_;
    const size_t output = by_value ? 1 : 0;
    const Tensor& tensor = *view_.outputs()[output];
    if (guess_.task == Task::kClassifier && view_.outputs().size() == 1 && ElementsOf(tensor) > 1 &&
        ElementsOf(tensor) != static_cast<int64_t>(wishes_.label_count)) {
      return InvalidArgument("there are " + std::to_string(wishes_.label_count) + " labels for " +
                             std::to_string(ElementsOf(tensor)) +
                             " outputs; use the label file that the model was trained with");
    }
    for (TensorMetadata& each : metadata_.outputs) {
      std::erase_if(each.associated_files, IsLabelFile);
    }
    metadata_.outputs[output].associated_files.push_back(
        {.name = wishes_.label_file,
         .description = "Names of the classes.",
         .type = by_value ? AssociatedFileType::kTensorValueLabels
                          : AssociatedFileType::kTensorAxisLabels,
         .locale = {}});
    changes_.push_back("packed " + std::to_string(wishes_.label_count) + " labels");
    return absl::OkStatus();
  }

  const GraphView& view_;
  const MetadataWishes& wishes_;
  std::vector<std::string>& changes_;
  const TaskGuess guess_;
  FileMetadata metadata_;
  bool ends_in_postprocess_ = false;
};

}  // namespace

absl::StatusOr<FileMetadata> RepairMetadata(const GraphView& view,
                                            const std::optional<FileMetadata>& given,
                                            const MetadataWishes& wishes,
                                            std::vector<std::string>& changes) {
  const auto is_missing = [](const Tensor* tensor) { return tensor == nullptr; };
  if (std::ranges::any_of(view.inputs(), is_missing) ||
      std::ranges::any_of(view.outputs(), is_missing)) {
    return InvalidArgument("the model's ends are no tensors of it; export it again");
  }
  return MetadataRepair(view, given, wishes, changes).Repair();
}

}  // namespace bowerbird::tflite
