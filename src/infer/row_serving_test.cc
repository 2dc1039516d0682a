// SPDX-License-Identifier: Apache-2.0
//
// Calls that are run together, on a model of which it is known that this is faster: its time goes
// into reading weights.
#include "infer/row_serving.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "base/status.h"
#include "infer/serving_trial.h"
#include "infer/testing/dense_model.h"
#include "infer/testing/eventually.h"
#include "infer/testing/model_on_disk.h"
#include "infer/testing/open_probe.h"
#include "infer/testing/scripted_time.h"

namespace bowerbird::infer {
namespace {

using namespace std::chrono_literals;
using testing::DenseModel;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using testing::Eventually;
using testing::FileOnDisk;
using ::testing::HasSubstr;
using testing::kTable;
using testing::kWidth;
using testing::ScriptedTime;
using ::testing::StartsWith;
using tflite::TensorType;
using tflite::testing::BytesOf;
using tflite::testing::ModelSpec;

struct Answer {
  absl::Status status;
  std::vector<float> y;
  float entry = -1;
};

Answer Call(const Model& model, float x, int32_t index, Context context = {}) {
  Answer answer;
  auto lease = model.Acquire(context);
  answer.status = lease.status();
  if (!lease.ok()) return answer;
  std::vector<float> values(kWidth);
  for (size_t i = 0; i < values.size(); ++i) values[i] = x * static_cast<float>(i % 17);
  const Shape shape = {1, kWidth};
  const Shape one = {1};
  const auto outputs = Run(context, model,
                           {{"x", {DType::kFloat32, shape, std::as_bytes(std::span(values))}},
                            {"index", {DType::kInt32, one, std::as_bytes(std::span(&index, 1))}}},
                           **lease);
  answer.status = outputs.status();
  if (!outputs.ok()) return answer;
  const auto y = outputs->at("y").As<float>();
  answer.y.assign(y.begin(), y.end());
  answer.entry = outputs->at("entry").As<float>()[0];
  return answer;
}

class RowServingTest : public ::testing::Test {
 protected:
  static TfliteOptions Options(int batch_rows) {
    static const FileOnDisk& file = *new FileOnDisk(DenseModel());
    TfliteOptions options;
    options.model_path = file.path();
    options.instances = 1;
    options.batch_rows = batch_rows;
    options.processor_time = ScriptedTime(batch_rows, 2ms, 5ms);
    return options;
  }
  std::unique_ptr<TfliteModel> Load(int batch_rows, int max_waiting = 64) {
    TfliteOptions options = Options(batch_rows);
    options.max_waiting = max_waiting;
    options.metrics = MetricsOf(metrics_, "m");
    auto model = TfliteModel::Load(options);
    EXPECT_TRUE(model.ok()) << model.status();
    return model.ok() ? *std::move(model) : nullptr;
  }
  double Counted(const std::string& name) const {
    const std::string text = metrics_.Text();
    const std::string line = "\nbowerbird_model_" + name + "{model=\"m\"} ";
    const size_t at = text.find(line);
    return at == std::string::npos ? -1 : std::stod(text.substr(at + line.size()));
  }

  Metrics metrics_;
};

TEST_F(RowServingTest, IsChosenWhereItIsFaster) {
  EXPECT_EQ(Load(8)->report().batching,
            "from 3 waiting calls: 8 calls take 5000 us together, one takes 2000 us");
  EXPECT_EQ(Load(1)->report().batching, "off: switched off");
}

TEST_F(RowServingTest, IsNotChosenWhereItIsNot) {
  TfliteOptions options = Options(8);
  options.processor_time = ScriptedTime(8, 2ms, 15ms);
  const auto model = TfliteModel::Load(options);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ((*model)->report().batching,
            "off: it does not pay, 8 calls take 15000 us together, one takes 2000 us");
}

TEST_F(RowServingTest, IsTriedOnceForAFileByItsProbeAndNotHere) {
  class Trier : public testing::OpenProbe {
   public:
    absl::StatusOr<ServingTrial> TryServing(const Context&,
                                            const ProbeRequest& request) const override {
      asked.push_back(request.rows);
      ServingTrial trial;
      trial.alone = 2ms;
      trial.together = 5ms;
      return trial;
    }
    mutable std::vector<int> asked;
  };
  const Trier probe;
  TfliteOptions options = Options(8);
  options.probe = &probe;
  options.processor_time = [] {
    ADD_FAILURE() << "tried where it is served";
    return 0ns;
  };
  for (const int rows : {8, 8, 4, 8}) {
    options.batch_rows = rows;
    const auto model = TfliteModel::Load(options);
    ASSERT_TRUE(model.ok()) << model.status();
    EXPECT_THAT((*model)->report().batching, StartsWith("from 3 waiting calls"));
  }
  EXPECT_THAT(probe.asked, ElementsAre(8, 4)) << "another number of rows is another question";
}

TEST_F(RowServingTest, IsNotChosenForCallsThatTakeNoTime) {
  const FileOnDisk file(tflite::testing::AddModel(3));
  const auto model = TfliteModel::Load({.model_path = file.path(), .batch_rows = 8});
  ASSERT_TRUE(model.ok());
  EXPECT_THAT((*model)->report().batching, EndsWith(" us only"));
}

TEST_F(RowServingTest, IsNotChosenForGraphsThatTakeNoBatch) {
  // A reshape to a fixed shape behind the dense part.
  ModelSpec spec = DenseModel();
  auto& graph = spec.subgraphs[0];
  graph.tensors.push_back({.name = "shape",
                           .type = TensorType::kInt32,
                           .shape = {2},
                           .data = BytesOf(std::vector<int32_t>{1, kWidth})});
  graph.tensors.push_back({.name = "z", .shape = {1, kWidth}});
  graph.operators.push_back({.code = tflite::testing::kReshape, .inputs = {4, 8}, .outputs = {9}});
  graph.outputs = {9};
  const FileOnDisk file(spec);
  const auto model = TfliteModel::Load({.model_path = file.path(), .batch_rows = 8});
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_THAT((*model)->report().batching, StartsWith("off: "));
  EXPECT_TRUE((*(*model)->Acquire(Context()))->Invoke(Context()).ok());
}

TEST_F(RowServingTest, EveryCallerGetsWhatItWouldGetAlone) {
  const auto alone = Load(1);
  std::vector<Answer> expected;
  for (int i = 0; i < 6; ++i) expected.push_back(Call(*alone, static_cast<float>(i), i + 1));
  const auto model = Load(8);
  ASSERT_NE(model, nullptr);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) {
        const Answer answer = Call(*model, static_cast<float>(i), i + 1);
        const Answer& right = expected[static_cast<size_t>(i)];
        if (!answer.status.ok() || answer.y != right.y || answer.entry != right.entry) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(Counted("batches_total"), 0);
  EXPECT_GT(Counted("batched_calls_total"), Counted("batches_total"));
  EXPECT_EQ(Counted("waiting"), 0);
}

TEST_F(RowServingTest, AnInputThatFailsFailsForItsCallerOnly) {
  const auto model = Load(8);
  ASSERT_NE(model, nullptr);
  auto busy = *model->Acquire(Context());
  std::vector<Answer> answers(4);
  std::vector<PhaseTimes> phases(4);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < answers.size(); ++i) {
    threads.emplace_back([&, i] {
      Context context;
      context.phases = &phases[i];
      answers[i] = Call(*model, 1, i == 2 ? kTable : 7, context);
    });
  }
  EXPECT_TRUE(Eventually([&] { return model->instances().waiting == 4; }));
  busy.reset();
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT((std::vector<float>{answers[0].entry, answers[1].entry, answers[3].entry}),
              ElementsAre(14, 14, 14));
  EXPECT_EQ(answers[2].status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(answers[2].status), HasSubstr("failed to run"));
  for (const PhaseTimes& times : phases) {
    EXPECT_GT(times.Get(Phase::kQueue).count(), 0);
    EXPECT_GT(times.Get(Phase::kInvoke).count(), 0);
  }
}

TEST_F(RowServingTest, WhoWantsAnotherShapeWaitsForAnInstanceOfItsOwn) {
  const auto model = Load(8);
  ASSERT_NE(model, nullptr);
  ASSERT_THAT(model->report().batching, StartsWith("from "));
  auto busy = *model->Acquire(Context());
  auto row = *model->Acquire(Context());
  EXPECT_THAT(row->InputView(0).shape, ElementsAre(1, kWidth));
  std::thread owner([&] {
    EXPECT_TRUE(Eventually([&] { return model->instances().waiting == 1; }));
    busy.reset();
  });
  ASSERT_TRUE(row->ResizeInputs({{2, kWidth}, {1}}).ok());
  owner.join();
  const int32_t index = 10;
  std::memcpy(row->Input(1).data(), &index, sizeof(index));
  ASSERT_TRUE(row->Invoke(Context()).ok());
  EXPECT_THAT(row->Output(0).shape, ElementsAre(2, kWidth));
  EXPECT_EQ(row->Output(1).As<float>()[0], 20);
}

TEST_F(RowServingTest, RefusesMoreThanItCanHoldAndSaysHowMany) {
  const auto model = Load(8, /*max_waiting=*/3);
  ASSERT_NE(model, nullptr);
  ASSERT_THAT(model->report().batching, StartsWith("from "));
  auto busy = *model->Acquire(Context());
  std::vector<std::unique_ptr<Lease>> rows;
  for (int i = 0; i < 11; ++i) rows.push_back(*model->Acquire(Context()));
  const absl::Status refused = model->Acquire(Context()).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(MessageOf(refused), HasSubstr("11 callers wait or run already"));
  rows.pop_back();
  EXPECT_TRUE(model->Acquire(Context()).ok());
}

}  // namespace
}  // namespace bowerbird::infer
