// SPDX-License-Identifier: Apache-2.0
#include "vision/output_roles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

namespace bowerbird::vision {
namespace {

using infer::AssociatedFile;
using infer::DType;

// Outputs with values, kept alive for the samples that borrow from them.
class OutputRoles : public ::testing::Test {
 protected:
  infer::TensorInfo& Add(const std::string& name, infer::Shape shape, std::vector<float> values,
                         DType type = DType::kFloat32) {
    infer::TensorInfo info;
    info.name = name;
    info.graph_name = name;
    info.type = type;
    info.shape = shape;
    infos_.push_back(info);
    size_t count = 1;
    for (const int64_t extent : shape) count *= static_cast<size_t>(extent);
    values.resize(count, 0.0f);
    values_.push_back(std::move(values));
    return infos_.back();
  }

  std::vector<OutputSample> Samples() const {
    std::vector<OutputSample> samples;
    for (size_t i = 0; i < infos_.size(); ++i) {
      samples.push_back({&infos_[i], infos_[i].shape, TensorValues::Of(values_[i])});
    }
    return samples;
  }

  absl::StatusOr<DetectionRoles> Resolve(const std::map<std::string, std::string>& remap = {}) {
    return ResolveDetectionRoles(Samples(), remap);
  }

  std::deque<infer::TensorInfo> infos_;
  std::deque<std::vector<float>> values_;
};

void ExpectRoles(const absl::StatusOr<DetectionRoles>& roles, int location, int category,
                 int score) {
  ASSERT_TRUE(roles.ok()) << roles.status();
  EXPECT_EQ(roles->location, location);
  EXPECT_EQ(roles->category, category);
  EXPECT_EQ(roles->score, score);
}

TEST_F(OutputRoles, ConfigurationBeatsNamesAndShapes) {
  Add("score", {1, 2}, {0.5f, 0.4f});
  Add("a", {1, 2}, {0.9f, 0.8f});
  Add("location", {1, 2, 4}, {});
  Add("category", {1, 2}, {1, 7});
  ExpectRoles(Resolve({{"a", "score"}}), 2, 3, 1);
}

TEST_F(OutputRoles, ConfigurationMayUseTheNameInTheGraph) {
  Add("boxes", {1, 2, 4}, {}).graph_name = "Identity";
  Add("b", {1, 2}, {1, 7}).graph_name = "Identity_1";
  Add("c", {1, 2}, {0.9f, 0.8f}).graph_name = "Identity_2";
  ExpectRoles(
      Resolve({{"Identity", "location"}, {"Identity_1", "category"}, {"Identity_2", "score"}}), 0,
      1, 2);
}

TEST_F(OutputRoles, AConfiguredNameThatTheModelLacksIsNamed) {
  Add("boxes", {1, 2, 4}, {});
  Add("scores", {1, 2}, {});
  Add("classes", {1, 2}, {});
  const auto roles = Resolve({{"bxoes", "location"}});
  ASSERT_FALSE(roles.ok());
  EXPECT_EQ(roles.status().code(), absl::StatusCode::kFailedPrecondition);
  const std::string message(roles.status().message());
  EXPECT_NE(message.find("'bxoes'"), std::string::npos) << message;
  EXPECT_NE(message.find("boxes [1, 2, 4] float32"), std::string::npos) << message;
}

TEST_F(OutputRoles, RolesThatVisionDoesNotKnowAreIgnored) {
  Add("location", {1, 2, 4}, {});
  Add("category", {1, 2}, {1, 7});
  Add("score", {1, 2}, {0.9f, 0.8f});
  ExpectRoles(Resolve({{"nowhere", "n_detections"}}), 0, 1, 2);
}

TEST_F(OutputRoles, LiteralNamesAreFoundInAnyOrder) {
  Add("score", {1, 2}, {});
  Add("category", {1, 2}, {});
  Add("location", {1, 2, 4}, {});
  ExpectRoles(Resolve(), 2, 1, 0);
}

TEST_F(OutputRoles, TheDetectionOpsOutputsAreKnownByNumber) {
  // Scores before classes and everything zero: only the names tell.
  Add("TFLite_Detection_PostProcess:2", {1, 10}, {});
  Add("TFLite_Detection_PostProcess:1", {1, 10}, {});
  Add("TFLite_Detection_PostProcess:3", {1}, {});
  Add("TFLite_Detection_PostProcess", {1, 10, 4}, {});
  const auto roles = Resolve();
  ExpectRoles(roles, 3, 1, 0);
  EXPECT_EQ(roles->count, 2);
}

TEST_F(OutputRoles, DescriptionsAreReadByTheirSubject) {
  Add("o1", {1, 10}, {}).description = "The scores of the detected boxes.";
  Add("o2", {1}, {}).description = "The number of the detected boxes.";
  Add("o3", {1, 10, 4}, {}).description = "The locations of the detected boxes.";
  Add("o4", {1, 10}, {}).description = "The categories of the detected boxes.";
  ExpectRoles(Resolve(), 2, 3, 0);
}

TEST_F(OutputRoles, ALabelFileForValuesMarksTheCategory) {
  Add("o1", {1, 10}, {});
  Add("o2", {1, 10, 4}, {});
  Add("o3", {1, 10}, {});
  infos_[0].associated_files.push_back({"labels.txt", "", AssociatedFile::LabelType::kTensorValue});
  ExpectRoles(Resolve(), 1, 0, 2);
}

TEST_F(OutputRoles, ObjectDetectionApiNamesAreKnown) {
  Add("detection_classes", {1, 10}, {});
  Add("detection_scores", {1, 10}, {});
  Add("num_detections", {1}, {});
  Add("detection_boxes", {1, 10, 4}, {});
  ExpectRoles(Resolve(), 3, 0, 1);
}

TEST_F(OutputRoles, ValuesTellScoresFromClassesWhereNamesDoNot) {
  Add("StatefulPartitionedCall:1", {1, 3}, {0.7f, 0.2f, 0.1f});
  Add("StatefulPartitionedCall:3", {1, 3, 4}, {});
  Add("StatefulPartitionedCall:0", {1}, {3});
  Add("StatefulPartitionedCall:2", {1, 3}, {0, 17, 0});
  ExpectRoles(Resolve(), 1, 3, 0);
}

TEST_F(OutputRoles, ZerosAreSplitByTheExportersOrder) {
  Add("a", {1, 3, 4}, {});
  Add("b", {1, 3}, {});
  Add("c", {1, 3}, {});
  Add("d", {1}, {});
  ExpectRoles(Resolve(), 0, 1, 2);

  infos_.clear();
  values_.clear();
  Add("a", {1, 3}, {});
  Add("b", {1, 3, 4}, {});
  Add("c", {1}, {});
  Add("d", {1, 3}, {});
  ExpectRoles(Resolve(), 1, 3, 0);
}

TEST_F(OutputRoles, AnIntegerTensorIsTheCategory) {
  Add("a", {1, 3, 4}, {});
  Add("b", {1, 3}, {});
  Add("c", {1, 3}, {}, DType::kInt32);
  ExpectRoles(Resolve(), 0, 2, 1);
}

TEST_F(OutputRoles, AQuantisedIntegerIsNoCategoryByType) {
  Add("a", {1, 2, 4}, {});
  Add("b", {1, 2}, {0.25f, 0.5f}, DType::kUint8).quantization.scale = 1.0 / 256;
  Add("c", {1, 2}, {4, 2});
  ExpectRoles(Resolve(), 0, 2, 1);
}

TEST_F(OutputRoles, ClasswiseScoresNeedNoCategory) {
  Add("a", {1, 5, 4}, {});
  Add("b", {1, 5, 90}, {});
  ExpectRoles(Resolve(), 0, -1, 1);
}

TEST_F(OutputRoles, TwoOutputsNeedNoCategory) {
  Add("boxes", {1, 5, 4}, {});
  Add("conf", {1, 5}, {});
  ExpectRoles(Resolve({{"boxes", "location"}, {"conf", "score"}}), 0, -1, 1);
}

TEST_F(OutputRoles, AMissingRoleIsNamedWithTheWayOut) {
  Add("a", {1, 5, 3}, {});
  Add("b", {1, 5}, {});
  Add("c", {1, 5}, {});
  const auto roles = Resolve();
  ASSERT_FALSE(roles.ok());
  const std::string message(roles.status().message());
  EXPECT_NE(message.find("'location'"), std::string::npos) << message;
  EXPECT_NE(message.find("remap_output_names"), std::string::npos) << message;
}

TEST_F(OutputRoles, ProbabilityIsRemappedLiteralOrTheOnlyOutput) {
  Add("logits", {1, 3}, {});
  EXPECT_EQ(*ResolveProbability(Samples(), {}, 0), 0);
  Add("probability", {1, 3}, {});
  EXPECT_EQ(*ResolveProbability(Samples(), {}, 0), 1);
  EXPECT_EQ(*ResolveProbability(Samples(), {{"logits", "probability"}}, 0), 0);
}

TEST_F(OutputRoles, OfSeveralOutputsTheOneWithTheLabelsLengthIsProbability) {
  Add("embedding", {1, 8}, {});
  Add("classes", {1, 3}, {});
  EXPECT_FALSE(ResolveProbability(Samples(), {}, 0).ok());
  EXPECT_EQ(*ResolveProbability(Samples(), {}, 3), 1);
  EXPECT_FALSE(ResolveProbability(Samples(), {}, 5).ok());
}

}  // namespace
}  // namespace bowerbird::vision
