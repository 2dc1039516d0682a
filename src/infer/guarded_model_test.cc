// SPDX-License-Identifier: Apache-2.0
//
// Models whose operators check what callers send (tflite/value_guard.h), as they are served.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/status.h"
#include "infer/testing/model_on_disk.h"
#include "infer/testing/scripted_time.h"
#include "infer/tflite_model.h"

namespace bowerbird::infer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using tflite::TensorType;
using tflite::testing::BytesOf;
using tflite::testing::ModelSpec;

// As many as the values that a model is tried with may ask for.
constexpr int32_t kRows = 128;

// y = table[x] = 10 (x + 1); any number of indices.
ModelSpec Lookup() {
  std::vector<float> table;
  for (int32_t i = 1; i <= kRows; ++i) table.push_back(static_cast<float>(10 * i));
  return {.subgraphs = {{.tensors = {{.name = "table", .shape = {kRows}, .data = BytesOf(table)},
                                     {.name = "x",
                                      .type = TensorType::kInt32,
                                      .shape = {1},
                                      .shape_signature = {-1}},
                                     {.name = "y", .shape = {1}, .shape_signature = {-1}}},
                         .operators = {{.code = 36, .inputs = {0, 1}, .outputs = {2}}},
                         .inputs = {1},
                         .outputs = {2}}}};
}

// y = a / b in whole numbers.
ModelSpec Division() {
  return {.subgraphs = {
              {.tensors = {{.name = "a", .type = TensorType::kInt32, .shape = {2}},
                           {.name = "b", .type = TensorType::kInt32, .shape = {2}},
                           {.name = "y", .type = TensorType::kInt32, .shape = {2}}},
               .operators = {{.code = tflite::testing::kDiv, .inputs = {0, 1}, .outputs = {2}}},
               .inputs = {0, 1},
               .outputs = {2}}}};
}

using Numbers = std::vector<int32_t>;

absl::StatusOr<std::vector<float>> LookUp(const Model& model, const Numbers& indices) {
  const auto lease = *model.Acquire(Context());
  const Shape shape = {static_cast<int64_t>(indices.size())};
  const TensorView view{DType::kInt32, shape, std::as_bytes(std::span(indices))};
  const auto outputs = infer::Run(Context(), model, {{"x", view}}, *lease);
  if (!outputs.ok()) return outputs.status();
  const auto values = outputs->at("y").As<float>();
  return std::vector<float>(values.begin(), values.end());
}

absl::StatusOr<std::unique_ptr<TfliteModel>> Load(const ModelSpec& spec, Prepare prepare,
                                                  int batch_rows = 1) {
  const testing::FileOnDisk file(spec);
  TfliteOptions options;
  options.model_path = file.path();
  options.prepare = prepare;
  options.instances = 1;
  options.batch_rows = batch_rows;
  options.processor_time =
      testing::ScriptedTime(batch_rows, std::chrono::milliseconds(2), std::chrono::milliseconds(3));
  return TfliteModel::Load(options);
}

class GuardedModel : public ::testing::TestWithParam<Prepare> {};

TEST_P(GuardedModel, FailsTheCallsThatGoBeyondTheTableAndNoOthers) {
  const auto model = Load(Lookup(), GetParam());
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_THAT(*LookUp(**model, {0, 2}), ElementsAre(10, 30));
  for (const Numbers& wrong : {Numbers{0, kRows}, Numbers{-1}, Numbers{1, 1, 1 << 30, 0}}) {
    const auto result = LookUp(**model, wrong);
    EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(MessageOf(result.status()), HasSubstr("an index that was sent"));
  }
  EXPECT_THAT(*LookUp(**model, {1, 0, 2}), ElementsAre(20, 10, 30));
}

TEST_P(GuardedModel, FailsTheCallersOwnRowOnlyWhereCallsRunTogether) {
  const auto loaded = Load(Lookup(), GetParam(), 8);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const TfliteModel& model = **loaded;
  ASSERT_THAT(model.report().batching, StartsWith("from 2 waiting calls"));
  std::vector<absl::StatusOr<std::vector<float>>> answers(4, std::vector<float>{});
  auto busy = *model.Acquire(Context());
  std::vector<std::thread> callers;
  for (int32_t i = 0; i < 4; ++i) {
    const int32_t index = i == 3 ? kRows : i;
    callers.emplace_back(
        [&, i, index] { answers[static_cast<size_t>(i)] = LookUp(model, {index}); });
  }
  while (model.instances().waiting < 4) std::this_thread::yield();
  busy.reset();
  for (std::thread& caller : callers) caller.join();
  EXPECT_THAT(*answers[0], ElementsAre(10));
  EXPECT_THAT(*answers[1], ElementsAre(20));
  EXPECT_THAT(*answers[2], ElementsAre(30));
  EXPECT_EQ(answers[3].status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(GuardedModel, DividesByOneWhereACallerSendsZero) {
  const auto model = Load(Division(), GetParam());
  ASSERT_TRUE(model.ok()) << model.status();
  const Numbers a = {7, 9}, b = {0, 2};
  const Shape shape = {2};
  const auto lease = *(*model)->Acquire(Context());
  const auto outputs = infer::Run(Context(), **model,
                                  {{"a", {DType::kInt32, shape, std::as_bytes(std::span(a))}},
                                   {"b", {DType::kInt32, shape, std::as_bytes(std::span(b))}}},
                                  *lease);
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_THAT(outputs->at("y").As<int32_t>(), ElementsAre(7, 4));
}

INSTANTIATE_TEST_SUITE_P(Forms, GuardedModel, ::testing::Values(Prepare::kNone, Prepare::kAuto),
                         [](const auto& form) {
                           return form.param == Prepare::kNone ? "AsGiven" : "Prepared";
                         });

TEST(UnguardedModel, IsServedFromTheFile) {
  const auto model = Load(tflite::testing::AddModel(), Prepare::kNone);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_FALSE((*model)->report().prepared);
  EXPECT_THAT((*model)->report().warnings, IsEmpty());
}

}  // namespace
}  // namespace bowerbird::infer
