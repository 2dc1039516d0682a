// SPDX-License-Identifier: Apache-2.0
#include "tflite/value_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tflite/caller_values.h"
#include "tflite/checks.h"
#include "tflite/diagnosis.h"
#include "tflite/testing/model_file.h"
#include "tflite/write.h"

namespace bowerbird::tflite {
namespace {

using testing::BytesOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ModelSpec;
using testing::TensorSpec;

constexpr int32_t kGather = 36;
constexpr int32_t kFill = 94;

class Model {
 public:
  explicit Model(const ModelSpec& spec) {
    const std::string file = testing::ModelFile(spec);
    bytes_.resize(file.size());
    std::memcpy(bytes_.data(), file.data(), file.size());
    graph = *ReadGraph(bytes_);
  }
  std::vector<std::string> Ids() const {
    std::vector<std::string> ids;
    for (const Finding& finding : Diagnose(Evidence{.graph = graph})) {
      if (finding.id.starts_with("values-")) ids.push_back(finding.id);
    }
    return ids;
  }

  Graph graph;

 private:
  std::vector<std::byte> bytes_;
};

TensorSpec Whole(const std::string& name, std::vector<int32_t> shape,
                 const std::vector<int32_t>& constant = {}) {
  return {.name = name,
          .type = TensorType::kInt32,
          .shape = std::move(shape),
          .data = BytesOf(constant)};
}

// y = table[indices]; constant ones where `indices` are given.
Model Lookup(const std::vector<int32_t>& indices = {}) {
  return Model(
      {.subgraphs = {
           {.tensors = {Whole("table", {3}, {1, 2, 3}), Whole("x", {2}, indices), Whole("y", {2})},
            .operators = {{.code = kGather, .inputs = {0, 1}, .outputs = {2}}},
            .inputs = indices.empty() ? std::vector<int32_t>{1} : std::vector<int32_t>{},
            .outputs = {2}}}});
}

// y = FILL(dims, x), the dims computed from x by `code`.
Model Filled(int32_t code) {
  return Model({.subgraphs = {{.tensors = {Whole("x", {1}), Whole("one", {}, {1}),
                                           Whole("dims", {1}), Whole("y", {1})},
                               .operators = {{.code = code, .inputs = {0}, .outputs = {2}},
                                             {.code = kFill, .inputs = {2, 1}, .outputs = {3}}},
                               .inputs = {0},
                               .outputs = {3}}}});
}

TEST(GuardValues, WritesAGraphThatIsSound) {
  Model model = Lookup();
  EXPECT_THAT(*GuardValues(model.graph), ElementsAre("operator 0 (GATHER)"));
  EXPECT_TRUE(CheckGraph(model.graph).ok()) << CheckGraph(model.graph);
  EXPECT_TRUE(WriteModel(model.graph).ok());
  EXPECT_EQ(model.graph.subgraphs[0].operators.back().inputs[0], 0);
  EXPECT_NE(model.graph.subgraphs[0].operators.back().inputs[1], 1);
}

TEST(GuardValues, LeavesConstantsInRangeAsTheyAre) {
  Model model = Lookup({0, 2});
  EXPECT_THAT(*GuardValues(model.graph), IsEmpty());
  EXPECT_EQ(model.graph.subgraphs[0].operators.size(), 1U);
}

TEST(GuardValues, RefusesAndLeavesTheGraphAsItWas) {
  Model model = Lookup({0, 3});
  EXPECT_THAT(std::string(GuardValues(model.graph).status().message()),
              HasSubstr("operator 0 (GATHER) has a constant out of range ('x')"));
  EXPECT_EQ(model.graph.subgraphs[0].operators.size(), 1U);
}

TEST(CallerValues, ShapesAreNotTheCallers) {
  Model from_shape = Filled(testing::kShape);
  Model from_values = Filled(testing::kNeg);
  EXPECT_FALSE(CallerValues(from_shape.graph)[0][2]);
  EXPECT_TRUE(CallerValues(from_values.graph)[0][2]);
  EXPECT_TRUE(GuardValues(from_shape.graph).ok());
  EXPECT_FALSE(GuardValues(from_values.graph).ok());
}

TEST(Diagnose, SaysWhichNumbersAreChecked) {
  EXPECT_THAT(Lookup().Ids(), ElementsAre("values-checked"));
  EXPECT_THAT(Lookup({0, 2}).Ids(), IsEmpty());
  EXPECT_THAT(Lookup({0, 3}).Ids(), ElementsAre("values-unsafe"));
  EXPECT_THAT(Filled(testing::kNeg).Ids(), ElementsAre("values-unsafe"));
}

}  // namespace
}  // namespace bowerbird::tflite
