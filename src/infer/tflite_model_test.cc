// SPDX-License-Identifier: Apache-2.0
#include "infer/tflite_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <thread>

#include "base/status.h"
#include "infer/testing/model_on_disk.h"

namespace bowerbird::infer {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using testing::FileOnDisk;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using tflite::TensorType;
using tflite::testing::AddModel;
using tflite::testing::ModelSpec;

std::unique_ptr<TfliteModel> LoadOrDie(const ModelSpec& spec, TfliteOptions options = {}) {
  const FileOnDisk file(spec);
  options.model_path = file.path();
  absl::StatusOr<std::unique_ptr<TfliteModel>> model = TfliteModel::Load(options);
  EXPECT_TRUE(model.ok()) << model.status();
  return model.ok() ? *std::move(model) : nullptr;
}

absl::Status LoadError(const ModelSpec& spec) {
  const FileOnDisk file(spec);
  const absl::Status status = TfliteModel::Load({.model_path = file.path()}).status();
  EXPECT_THAT(MessageOf(status), HasSubstr(file.path()));
  return status;
}

template <typename T>
TensorView ViewOf(DType type, const Shape& shape, const std::vector<T>& values) {
  return {type, shape, std::as_bytes(std::span(values))};
}

// y = reshape(x): any type goes through unchanged.
ModelSpec CopyModel(TensorType type, std::vector<int32_t> shape,
                    std::vector<int32_t> signature = {}) {
  const auto rank = static_cast<int32_t>(shape.size());
  return {
      .subgraphs = {
          {.tensors = {{.name = "x", .type = type, .shape = shape, .shape_signature = signature},
                       {.name = "shape",
                        .type = TensorType::kInt32,
                        .shape = {rank},
                        .data = tflite::testing::BytesOf(shape)},
                       {.name = "y", .type = type, .shape = shape}},
           .operators = {{.code = tflite::testing::kReshape, .inputs = {0, 1}, .outputs = {2}}},
           .inputs = {0},
           .outputs = {2}}}};
}

// y = -x, with a batch that is not known before a call.
ModelSpec DynamicModel() {
  return {
      .subgraphs = {{.tensors = {{.name = "x", .shape = {1, 2}, .shape_signature = {-1, 2}},
                                 {.name = "y", .shape = {1, 2}, .shape_signature = {-1, 2}}},
                     .operators = {{.code = tflite::testing::kNeg, .inputs = {0}, .outputs = {1}}},
                     .inputs = {0},
                     .outputs = {1}}}};
}

TEST(TfliteModel, AddsTwoInputsGivenByName) {
  const auto model = LoadOrDie(AddModel(3));
  const std::vector<float> a = {1, 2, 3};
  const std::vector<float> b = {10, 20, 30};
  const Shape shape = {1, 3};
  const auto lease = *model->Acquire(Context());
  const auto outputs = infer::Run(
      Context(), *model,
      {{"a", ViewOf(DType::kFloat32, shape, a)}, {"b", ViewOf(DType::kFloat32, shape, b)}}, *lease);
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  ASSERT_TRUE(outputs->contains("y"));
  EXPECT_THAT(outputs->at("y").shape, ElementsAre(1, 3));
  EXPECT_THAT(outputs->at("y").As<float>(), ElementsAre(11, 22, 33));
}

TEST(TfliteModel, ReportsWhatRuns) {
  const auto fast = LoadOrDie(AddModel());
  EXPECT_THAT(fast->report().runtime_version, Not(IsEmpty()));
  EXPECT_GT(fast->report().load_ms, 0);
  const auto plain = LoadOrDie(AddModel(), {.allow_delegate = false});
  EXPECT_EQ(plain->report().delegate, "none");
  if (fast->report().runtime_version == "2.9.0") {
    EXPECT_EQ(fast->report().delegate, "xnnpack qs8");
    EXPECT_EQ(fast->report().delegated_operators, 1);
    EXPECT_EQ(fast->report().operators, 1);
    EXPECT_THAT(fast->report().warnings, IsEmpty());
  }
}

TEST(TfliteModel, RunsWithoutADelegateThatHasNothingToDo) {
  const auto model = LoadOrDie(CopyModel(TensorType::kInt64, {1, 4}));
  EXPECT_EQ(model->report().delegate, "none");
  EXPECT_THAT(model->report().warnings, IsEmpty());
}

// XNNPACK 2.9.0 writes such a result to a null pointer.
TEST(TfliteModel, RunsOperatorsWhoseResultNothingReads) {
  ModelSpec spec = AddModel(3);
  spec.subgraphs[0].tensors.push_back({.name = "dead", .shape = {1, 3}});
  spec.subgraphs[0].operators.push_back(
      {.code = tflite::testing::kNeg, .inputs = {0}, .outputs = {3}});
  const auto model = LoadOrDie(spec);
  ASSERT_NE(model, nullptr);
  EXPECT_TRUE((*model->Acquire(Context()))->Invoke(Context()).ok());
  if (model->report().runtime_version == "2.9.0") {
    EXPECT_EQ(model->report().delegate, "none");
    EXPECT_THAT(model->report().warnings, ::testing::Contains(HasSubstr("'dead'")));
  }
}

TEST(TfliteModel, CarriesEveryTypeOfTheWire) {
  const std::array types = {std::pair(TensorType::kInt8, DType::kInt8),
                            std::pair(TensorType::kUint8, DType::kUint8),
                            std::pair(TensorType::kInt16, DType::kInt16),
                            std::pair(TensorType::kInt32, DType::kInt32),
                            std::pair(TensorType::kUint32, DType::kUint32),
                            std::pair(TensorType::kInt64, DType::kInt64),
                            std::pair(TensorType::kUint64, DType::kUint64),
                            std::pair(TensorType::kFloat32, DType::kFloat32),
                            std::pair(TensorType::kFloat64, DType::kFloat64),
                            std::pair(TensorType::kBool, DType::kUint8)};
  for (const auto& [file_type, type] : types) {
    SCOPED_TRACE(tflite::TensorTypeName(file_type));
    const auto model = LoadOrDie(CopyModel(file_type, {1, 5}));
    ASSERT_NE(model, nullptr);
    EXPECT_EQ(model->metadata().inputs[0].type, type);
    EXPECT_EQ(model->metadata().outputs[0].type, type);
    std::vector<uint8_t> bytes(5 * DTypeSize(type));
    std::iota(bytes.begin(), bytes.end(), uint8_t{0});
    const auto lease = *model->Acquire(Context());
    const auto outputs =
        infer::Run(Context(), *model, {{"x", ViewOf(type, {1, 5}, bytes)}}, *lease);
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    EXPECT_EQ(outputs->at("y").type, type);
    EXPECT_THAT(outputs->at("y").As<uint8_t>(), ElementsAreArray(bytes));
  }
}

TEST(TfliteModel, WidensHalfFloatsAtTheBoundary) {
  const auto model = LoadOrDie(CopyModel(TensorType::kFloat16, {1, 3}));
  EXPECT_EQ(model->metadata().inputs[0].type, DType::kFloat32);
  const std::vector<float> x = {1.5F, -0.25F, 0.1F};
  const auto lease = *model->Acquire(Context());
  const auto outputs =
      infer::Run(Context(), *model, {{"x", ViewOf(DType::kFloat32, {1, 3}, x)}}, *lease);
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_EQ(outputs->at("y").type, DType::kFloat32);
  EXPECT_THAT(outputs->at("y").As<float>(),
              ElementsAre(1.5F, -0.25F, ::testing::FloatNear(0.1F, 1e-4F)));
}

TEST(TfliteModel, GivesSeveralOutputsInTheOrderOfTheGraph) {
  ModelSpec spec = AddModel(2);
  spec.subgraphs[0].tensors.push_back({.name = "z", .shape = {1, 2}});
  spec.subgraphs[0].operators.push_back(
      {.code = tflite::testing::kMul, .inputs = {0, 1}, .outputs = {3}});
  spec.subgraphs[0].outputs = {3, 2};
  const auto model = LoadOrDie(spec);
  ASSERT_THAT(model->metadata().outputs, SizeIs(2));
  EXPECT_EQ(model->metadata().outputs[0].name, "z");
  const std::vector<float> a = {2, 3};
  const std::vector<float> b = {5, 7};
  const auto lease = *model->Acquire(Context());
  const Shape shape = {1, 2};
  const NamedViews inputs = {{"a", ViewOf(DType::kFloat32, shape, a)},
                             {"b", ViewOf(DType::kFloat32, shape, b)}};
  ASSERT_TRUE(FillInputs(model->metadata(), inputs, *lease).ok());
  ASSERT_TRUE(lease->Invoke(Context()).ok());
  EXPECT_THAT(lease->Output(0).As<float>(), ElementsAre(10, 21));
  EXPECT_THAT(lease->Output(1).As<float>(), ElementsAre(7, 10));
}

TEST(TfliteModel, TakesAnyBatchWhereTheFileLeavesItOpen) {
  const auto model = LoadOrDie(DynamicModel());
  EXPECT_THAT(model->metadata().inputs[0].shape, ElementsAre(-1, 2));
  EXPECT_THAT(model->metadata().outputs[0].shape, ElementsAre(-1, 2));
  for (const int64_t batch : {3, 1, 2}) {
    const std::vector<float> x(static_cast<size_t>(batch) * 2, 4);
    const auto lease = *model->Acquire(Context());
    const auto outputs =
        infer::Run(Context(), *model, {{"x", ViewOf(DType::kFloat32, {batch, 2}, x)}}, *lease);
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    EXPECT_THAT(outputs->at("y").shape, ElementsAre(batch, 2));
    EXPECT_THAT(outputs->at("y").As<float>(), ::testing::Each(-4));
  }
}

TEST(TfliteModel, TakesAndGivesEmptyTensors) {
  const auto model = LoadOrDie(DynamicModel(), {.allow_delegate = false});
  const auto lease = *model->Acquire(Context());
  const auto outputs =
      infer::Run(Context(), *model, {{"x", {DType::kFloat32, Shape{0, 2}, {}}}}, *lease);
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_THAT(outputs->at("y").shape, ElementsAre(0, 2));
  EXPECT_THAT(outputs->at("y").bytes, IsEmpty());
}

TEST(TfliteModel, GivesAFixedShapeBackToTheNextCaller) {
  ModelSpec spec = DynamicModel();
  for (auto& tensor : spec.subgraphs[0].tensors) tensor.shape_signature.clear();
  const auto model = LoadOrDie(spec, {.instances = 1});
  {
    const auto lease = *model->Acquire(Context());
    ASSERT_TRUE(lease->ResizeInputs({{4, 2}}).ok());
    EXPECT_THAT(lease->InputView(0).shape, ElementsAre(4, 2));
    EXPECT_THAT(lease->Input(0), SizeIs(32));
  }
  const auto lease = *model->Acquire(Context());
  EXPECT_THAT(lease->InputView(0).shape, ElementsAre(1, 2));
}

TEST(TfliteModel, StaysAsItWasAfterAShapeThatItCannotTake) {
  const auto model = LoadOrDie(CopyModel(TensorType::kFloat32, {1, 4}));
  const auto lease = *model->Acquire(Context());
  const absl::Status status = lease->ResizeInputs({{1, 5}});  // the reshape wants four elements
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(status), HasSubstr("[1, 5]"));
  EXPECT_FALSE(lease->ResizeInputs({{int64_t{1} << 40}}).ok());
  EXPECT_THAT(lease->InputView(0).shape, ElementsAre(1, 4));
  ASSERT_THAT(lease->Input(0), SizeIs(16));
  EXPECT_TRUE(lease->Invoke(Context()).ok());
}

TEST(TfliteModel, NamesWhatIsWrongWithAnInput) {
  const auto model = LoadOrDie(AddModel(2));
  const auto lease = *model->Acquire(Context());
  const std::vector<float> two = {1, 2};
  const Shape shape = {1, 2};
  const TensorView good = ViewOf(DType::kFloat32, shape, two);
  const auto error = [&](const NamedViews& inputs) {
    const absl::Status status = FillInputs(model->metadata(), inputs, *lease);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return MessageOf(status);
  };
  EXPECT_THAT(error({{"a", good}}), HasSubstr("input 'b' is missing; the model has 'a', 'b'"));
  EXPECT_THAT(error({{"a", good}, {"c", good}}), HasSubstr("does not know 'c'"));
  EXPECT_THAT(error({{"a", good}, {"b", good}, {"c", good}}), HasSubstr("the input 'c'"));
  EXPECT_THAT(error({{"a", good}, {"b", ViewOf(DType::kInt32, {1, 2}, two)}}),
              HasSubstr("input 'b' has type int32, the model wants float32"));
  EXPECT_THAT(error({{"a", good}, {"b", ViewOf(DType::kFloat32, {2, 1}, two)}}),
              HasSubstr("input 'b' has shape [2, 1], the model wants [1, 2]"));
  EXPECT_THAT(error({{"a", good}, {"b", ViewOf(DType::kFloat32, {1, 2}, std::vector<float>{1})}}),
              HasSubstr("has 4 bytes instead of 8"));
  EXPECT_THAT(error({{"a", good}, {"b", {DType::kFloat32, Shape{1 << 30, 2}, good.bytes}}}),
              HasSubstr("has 8 bytes instead of 8589934592"));
}

TEST(TfliteModel, TakesASingleInputUnderAnyName) {
  const auto model = LoadOrDie(CopyModel(TensorType::kFloat32, {1, 1}));
  const std::vector<float> x = {5};
  const auto lease = *model->Acquire(Context());
  const auto outputs =
      infer::Run(Context(), *model, {{"whatever", ViewOf(DType::kFloat32, {1, 1}, x)}}, *lease);
  EXPECT_TRUE(outputs.ok()) << outputs.status();
}

TEST(TfliteModel, FillsPhases) {
  const auto model = LoadOrDie(AddModel());
  PhaseTimes phases;
  Context context;
  context.phases = &phases;
  ASSERT_TRUE((*model->Acquire(context))->Invoke(context).ok());
  EXPECT_GT(phases.Get(Phase::kInvoke).count(), 0);
  EXPECT_EQ(phases.Get(Phase::kQueue).count(), 0) << "nobody waited";
}

TEST(TfliteModel, DoesNotRunForACallThatIsOver) {
  const auto model = LoadOrDie(AddModel());
  const auto lease = *model->Acquire(Context());
  EXPECT_EQ(lease->Invoke(Context().WithTimeout(std::chrono::nanoseconds(-1))).code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST(TfliteModel, ManyThreadsGetTheirOwnAnswers) {
  const auto model = LoadOrDie(AddModel(64), {.instances = 3, .max_waiting = 100});
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 200; ++round) {
        const std::vector<float> a(64, static_cast<float>(t * 1000 + round));
        const std::vector<float> b(64, 0.5F);
        const auto lease = model->Acquire(Context());
        ASSERT_TRUE(lease.ok()) << lease.status();
        const auto outputs = infer::Run(Context(), *model,
                                        {{"a", ViewOf(DType::kFloat32, {1, 64}, a)},
                                         {"b", ViewOf(DType::kFloat32, {1, 64}, b)}},
                                        **lease);
        ASSERT_TRUE(outputs.ok()) << outputs.status();
        ASSERT_THAT(outputs->at("y").As<float>(), ::testing::Each(a[0] + 0.5F));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(model->instances().existing, 3);
  EXPECT_EQ(model->instances().idle, model->instances().existing);
}

TEST(TfliteModelLoad, NamesOperatorsThatTheRuntimeLacks) {
  ModelSpec spec = AddModel();
  spec.subgraphs[0].operators[0].version = 99;
  spec.subgraphs[0].operators.push_back({.code = tflite::testing::kCustom,
                                         .inputs = {2},
                                         .outputs = {3},
                                         .custom_code = "SignalWindow"});
  spec.subgraphs[0].tensors.push_back({.name = "w", .shape = {1}});
  const absl::Status status = LoadError(spec);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(status), HasSubstr("ADD version 99, SignalWindow (custom operator)"));
}

TEST(TfliteModelLoad, RefusesTensorsThatCannotTravel) {
  EXPECT_THAT(MessageOf(LoadError(CopyModel(TensorType::kString, {1}))),
              HasSubstr("input 'x' has type STRING"));
  EXPECT_THAT(MessageOf(LoadError(CopyModel(TensorType::kComplex64, {1}))),
              HasSubstr("input 'x' has type COMPLEX64"));
  EXPECT_THAT(MessageOf(LoadError(CopyModel(TensorType::kInt4, {2}))),
              HasSubstr("tensor 'x' has type INT4"));
}

TEST(TfliteModelLoad, PassesOnWhatTheRuntimeItselfRefuses) {
  ModelSpec spec = AddModel();
  spec.subgraphs[0].tensors[1].shape = {1, 3};  // cannot be broadcast to [1, 4]
  const std::string message = MessageOf(LoadError(spec));
  EXPECT_THAT(message, HasSubstr("lay out the model's tensors: "));
  EXPECT_THAT(message, HasSubstr("ADD"));
}

TEST(TfliteModelLoad, RefusesMoreMemoryThanTheMachineHas) {
  ModelSpec spec;
  spec.subgraphs.emplace_back();
  tflite::testing::SubgraphSpec& main = spec.subgraphs[0];
  main.tensors.push_back({.name = "x", .shape = {500'000'000}});
  main.inputs = {0};
  for (int32_t i = 1; i < 300; ++i) {
    main.tensors.push_back({.name = "y", .shape = {500'000'000}});
    main.operators.push_back({.code = tflite::testing::kNeg, .inputs = {0}, .outputs = {i}});
    main.outputs.push_back(i);
  }
  EXPECT_THAT(MessageOf(LoadError(spec)), HasSubstr("MiB of tensors; this machine has"));
}

TEST(TfliteModelLoad, SaysWhichFileIsMissingOrNone) {
  const absl::Status missing = TfliteModel::Load({.model_path = "/no/such.tflite"}).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(MessageOf(missing), HasSubstr("/no/such.tflite"));
  EXPECT_THAT(MessageOf(TfliteModel::Load({.model_path = "/"}).status()), HasSubstr("not a file"));
  const FileOnDisk empty("");
  EXPECT_THAT(MessageOf(TfliteModel::Load({.model_path = empty.path()}).status()),
              HasSubstr("is empty"));
  const FileOnDisk text("no model at all\n");
  EXPECT_THAT(MessageOf(TfliteModel::Load({.model_path = text.path()}).status()),
              HasSubstr("TFL3"));
}

TEST(TfliteModelLoad, RefusesOptionsOutOfRange) {
  EXPECT_THAT(MessageOf(TfliteModel::Load({.model_path = "m", .num_threads = 0}).status()),
              HasSubstr("num_threads is 0"));
  EXPECT_THAT(MessageOf(TfliteModel::Load({.model_path = "m", .instances = -1}).status()),
              HasSubstr("instances is -1"));
}

TEST(TfliteModelLoad, SurvivesEveryPrefixOfAFile) {
  const std::string file = tflite::testing::ModelFile(AddModel());
  for (size_t size = 0; size < file.size(); ++size) {
    const FileOnDisk prefix(file.substr(0, size));
    const absl::StatusOr<std::unique_ptr<TfliteModel>> model =
        TfliteModel::Load({.model_path = prefix.path()});
    if (!model.ok()) {
      EXPECT_EQ(model.status().code(), absl::StatusCode::kInvalidArgument) << size;
    }
  }
}

}  // namespace
}  // namespace bowerbird::infer
