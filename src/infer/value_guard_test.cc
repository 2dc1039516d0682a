// SPDX-License-Identifier: Apache-2.0
//
// Numbers that a caller chooses, through the real runtime. What is in range gives the same bytes
// with and without the checks; what is not fails, and never reaches the kernel.
#include "tflite/value_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "base/status.h"
#include "infer/interpreter.h"
#include "tflite/checks.h"
#include "tflite/edit.h"
#include "tflite/write.h"

namespace bowerbird::infer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tflite::Graph;
using tflite::Operator;
using tflite::Table;
using tflite::Tensor;
using tflite::TensorType;

constexpr int32_t kSmallest = std::numeric_limits<int32_t>::min();

enum Code : int32_t {
  kEmbeddingLookup = 7,
  kReshapeCode = 22,
  kGather = 36,
  kTranspose = 39,
  kDivCode = 42,
  kStridedSlice = 45,
  kSlice = 65,
  kSparseToDense = 68,
  kTile = 69,
  kPad = 34,
  kOneHot = 85,
  kFloorDiv = 90,
  kFill = 94,
  kFloorMod = 95,
  kRange = 96,
  kGatherNd = 107,
  kReverseSequence = 112,
  kScatterNd = 122,
  kSegmentSum = 125,
};

template <typename T>
std::vector<std::byte> Bytes(const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

// A graph of one operator, which reads int32 inputs of the caller and constants.
class OneOperator {
 public:
  explicit OneOperator(int32_t code, Table options = {}) {
    graph.version = 3;
    graph.subgraphs.resize(1);
    graph.buffers.resize(1);
    op_.code = tflite::FindOrAddOperatorCode(graph, {.builtin = code});
    op_.options = std::move(options);
  }

  OneOperator& Input(std::vector<int32_t> shape, TensorType type = TensorType::kInt32) {
    op_.inputs.push_back(
        Add(std::string("x").append(std::to_string(op_.inputs.size())), type, std::move(shape)));
    main().inputs.push_back(op_.inputs.back());
    return *this;
  }

  template <typename T>
  OneOperator& Constant(std::vector<int32_t> shape, const std::vector<T>& values) {
    Tensor tensor;
    tensor.name.append("constant").append(std::to_string(op_.inputs.size()));
    tensor.type = std::is_same_v<T, float>     ? TensorType::kFloat32
                  : std::is_same_v<T, int64_t> ? TensorType::kInt64
                                               : TensorType::kInt32;
    tensor.shape = std::move(shape);
    op_.inputs.push_back(tflite::AddConstant(graph, 0, std::move(tensor), Bytes(values)));
    return *this;
  }

  Graph Output(std::vector<int32_t> shape, TensorType type = TensorType::kInt32) {
    op_.outputs = {Add("y", type, std::move(shape))};
    main().outputs = op_.outputs;
    main().operators = {op_};
    return graph;
  }

  Graph graph;

 private:
  tflite::Subgraph& main() { return graph.subgraphs[0]; }
  int32_t Add(const std::string& name, TensorType type, std::vector<int32_t> shape) {
    Tensor tensor;
    tensor.name = name;
    tensor.type = type;
    tensor.shape = std::move(shape);
    return tflite::AddTensor(main(), std::move(tensor));
  }
  Operator op_;
};

using Given = std::vector<std::vector<std::byte>>;  // by input

// Without anything of this program between the graph and the runtime.
absl::StatusOr<std::vector<int32_t>> RunAsItIs(const Graph& graph, const Given& inputs) {
  RETURN_IF_ERROR(tflite::CheckGraph(graph));
  ASSIGN_OR_RETURN(const std::string bytes, tflite::WriteModel(graph));
  const std::unique_ptr<TfLiteModel, decltype(&TfLiteModelDelete)> model(
      TfLiteModelCreate(bytes.data(), bytes.size()), TfLiteModelDelete);
  ASSIGN_OR_RETURN(const auto interpreter, Interpreter::Create(model.get(), Delegate::kNone, 1));
  for (size_t i = 0; i < inputs.size(); ++i) {
    TfLiteTensor* in = interpreter->input(static_cast<int>(i));
    if (TfLiteTensorByteSize(in) != inputs[i].size()) return Internal("the test is wrong");
    std::memcpy(TfLiteTensorData(in), inputs[i].data(), inputs[i].size());
  }
  RETURN_IF_ERROR(interpreter->Invoke());
  const TfLiteTensor* out = interpreter->output(0);
  std::vector<int32_t> values(TfLiteTensorByteSize(out) / 4);
  std::memcpy(values.data(), TfLiteTensorData(out), values.size() * 4);
  return values;
}

absl::StatusOr<std::vector<int32_t>> RunGuarded(Graph graph, const Given& inputs) {
  RETURN_IF_ERROR(tflite::GuardValues(graph).status());
  return RunAsItIs(graph, inputs);
}

void ExpectSame(const Graph& graph, const Given& inputs) {
  const auto before = RunAsItIs(graph, inputs);
  const auto after = RunGuarded(graph, inputs);
  ASSERT_TRUE(before.ok()) << before.status();
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(*after, *before);
}

// The checks end the run, at their own GATHER.
void ExpectRefused(const Graph& graph, const std::vector<int32_t>& input) {
  const auto result = RunGuarded(graph, Given{Bytes(input)});
  ASSERT_FALSE(result.ok()) << "answers " << ::testing::PrintToString(*result);
  EXPECT_THAT(MessageOf(result.status()), HasSubstr("GATHER"));
}

std::string GuardError(Graph graph) { return MessageOf(tflite::GuardValues(graph).status()); }

const std::vector<int32_t> kTable = {10, 11, 20, 21, 30, 31};  // 3 x 2

Graph GatherGraph(std::vector<int32_t> indices, int64_t axis = 0) {
  std::vector<int32_t> out = indices;
  out.push_back(2);
  return OneOperator(kGather, Table::Of("GatherOptions", {{"axis", axis}}))
      .Constant<int32_t>({3, 2}, kTable)
      .Input(std::move(indices))
      .Output(std::move(out));
}

TEST(ValueGuard, GatherTakesIndicesInRangeAndNoOthers) {
  ExpectSame(GatherGraph({4}), Given{Bytes<int32_t>({0, 2, 1, 0})});
  ExpectRefused(GatherGraph({4}), {0, 3, 1, 0});
  ExpectRefused(GatherGraph({4}), {0, 1 << 30, 1, 0});
  ExpectRefused(GatherGraph({4}), {0, -1, 1, 0});
  ExpectRefused(GatherGraph({4}), {0, kSmallest, 1, 0});
}

TEST(ValueGuard, GatherOfOneIndexKeepsItsShape) {
  ExpectSame(GatherGraph({}), Given{Bytes<int32_t>({2})});
  ExpectRefused(GatherGraph({}), {3});
}

TEST(ValueGuard, GatherAlongTheLastAxisOfWhatIsComputed) {
  const Graph graph = OneOperator(kGather, Table::Of("GatherOptions", {{"axis", int64_t{-1}}}))
                          .Input({2, 3})
                          .Input({2})
                          .Output({2, 2});
  const auto x = Bytes<int32_t>({1, 2, 3, 4, 5, 6});
  ExpectSame(graph, Given{x, Bytes<int32_t>({2, 0})});
  EXPECT_FALSE(RunGuarded(graph, Given{x, Bytes<int32_t>({3, 0})}).ok());
}

TEST(ValueGuard, GatherFollowsAnExtentThatOnlyARunKnows) {
  Graph graph = OneOperator(kGather, Table("GatherOptions")).Input({3}).Input({2}).Output({2});
  graph.subgraphs[0].tensors[0].shape_signature = {-1};
  const auto x = Bytes<int32_t>({1, 2, 3});
  ExpectSame(graph, Given{x, Bytes<int32_t>({2, 0})});
  EXPECT_FALSE(RunGuarded(graph, Given{x, Bytes<int32_t>({3, 0})}).ok());
}

TEST(ValueGuard, GatherOf64BitIndices) {
  const Graph graph = OneOperator(kGather, Table("GatherOptions"))
                          .Constant<int32_t>({3, 2}, kTable)
                          .Input({2}, TensorType::kInt64)
                          .Output({2, 2});
  ExpectSame(graph, Given{Bytes<int64_t>({0, 2})});
  EXPECT_FALSE(RunGuarded(graph, Given{Bytes<int64_t>({0, int64_t{1} << 33})}).ok());
}

TEST(ValueGuard, GatherNdChecksEachCoordinate) {
  const Graph graph = OneOperator(kGatherNd, Table("GatherNdOptions"))
                          .Constant<int32_t>({3, 2}, kTable)
                          .Input({2, 2})
                          .Output({2});
  ExpectSame(graph, Given{Bytes<int32_t>({0, 1, 2, 0})});
  ExpectRefused(graph, {0, 2, 2, 0});
  ExpectRefused(graph, {3, 0, 2, 0});
  ExpectRefused(graph, {0, -1, 2, 0});
}

TEST(ValueGuard, ScatterNdWritesOnlyIntoItsOutput) {
  const Graph graph = OneOperator(kScatterNd, Table("ScatterNdOptions"))
                          .Input({2, 1})
                          .Constant<int32_t>({2}, {7, 9})
                          .Constant<int32_t>({1}, {4})
                          .Output({4});
  ExpectSame(graph, Given{Bytes<int32_t>({3, 0})});
  ExpectRefused(graph, {4, 0});
  ExpectRefused(graph, {1 << 28, 0});
  ExpectRefused(graph, {0, -5});
}

TEST(ValueGuard, SparseToDenseWritesOnlyIntoItsOutput) {
  const Graph graph = OneOperator(kSparseToDense, Table("SparseToDenseOptions"))
                          .Input({2})
                          .Constant<int32_t>({1}, {4})
                          .Constant<int32_t>({2}, {7, 9})
                          .Constant<int32_t>({}, {0})
                          .Output({4});
  ExpectSame(graph, Given{Bytes<int32_t>({1, 3})});
  ExpectRefused(graph, {1, 4});
  ExpectRefused(graph, {-1, 3});
}

TEST(ValueGuard, ReverseSequenceTakesLengthsWithinItsInput) {
  const Graph graph =
      OneOperator(kReverseSequence, Table::Of("ReverseSequenceOptions", {{"seq_dim", int64_t{1}}}))
          .Constant<int32_t>({2, 3}, {1, 2, 3, 4, 5, 6})
          .Input({2})
          .Output({2, 3});
  ExpectSame(graph, Given{Bytes<int32_t>({3, 0})});
  ExpectRefused(graph, {4, 0});
  ExpectRefused(graph, {1 << 28, 0});
  ExpectRefused(graph, {-1, 0});
}

TEST(ValueGuard, SliceStaysWithinItsInput) {
  const Graph graph = OneOperator(kSlice, Table("SliceOptions"))
                          .Constant<int32_t>({6}, kTable)
                          .Input({1})
                          .Input({1})
                          .Output({2});
  ExpectSame(graph, Given{Bytes<int32_t>({2}), Bytes<int32_t>({3})});
  ExpectSame(graph, Given{Bytes<int32_t>({2}), Bytes<int32_t>({-1})});
  for (const auto& [begin, size] : std::vector<std::pair<int32_t, int32_t>>{
           {-3, 2}, {7, -1}, {5, 2}, {0, 7}, {2147483647, 1}, {1, 2147483647}, {0, -2}}) {
    const Given given = {Bytes<int32_t>({begin}), Bytes<int32_t>({size})};
    EXPECT_FALSE(RunGuarded(graph, given).ok()) << begin << ", " << size;
  }
}

Graph OneOfSix() {
  return OneOperator(kStridedSlice,
                     Table::Of("StridedSliceOptions",
                               {{"shrink_axis_mask", int64_t{1}}, {"end_mask", int64_t{1}}}))
      .Constant<int32_t>({6}, kTable)
      .Input({1})
      .Constant<int32_t>({1}, {0})
      .Constant<int32_t>({1}, {1})
      .Output({});
}

TEST(ValueGuard, StridedSliceTakesNoElementBehindTheEnd) {
  ExpectSame(OneOfSix(), Given{Bytes<int32_t>({5})});
  ExpectSame(OneOfSix(), Given{Bytes<int32_t>({-1})});
  ExpectRefused(OneOfSix(), {6});
  ExpectRefused(OneOfSix(), {1 << 30});
  const auto before =
      RunGuarded(OneOfSix(), Given{Bytes<int32_t>({-7})});  // cut to the start by the kernel
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_THAT(*before, ElementsAre(10));
}

Graph Divide(int32_t code) {
  return OneOperator(code, code == kDivCode ? Table("DivOptions") : Table())
      .Input({4})
      .Input({4})
      .Output({4});
}

TEST(ValueGuard, DivisionTakesOneForDivisorsThatCannotBe) {
  const auto dividends = Bytes<int32_t>({7, -7, kSmallest, kSmallest});
  const Given sound = {dividends, Bytes<int32_t>({2, 2, 2, 1})};
  const Given wrong = {dividends, Bytes<int32_t>({0, -1, -1, 0})};
  for (const int32_t code : {int32_t{kDivCode}, int32_t{kFloorDiv}, int32_t{kFloorMod}}) {
    ExpectSame(Divide(code), sound);
    const auto result = RunGuarded(Divide(code), wrong);
    ASSERT_TRUE(result.ok()) << code << ": " << result.status();
    if (code == kFloorMod) {
      EXPECT_THAT(*result, ElementsAre(0, 0, 0, 0));
    } else {
      EXPECT_THAT(*result, ElementsAre(7, 7, kSmallest, kSmallest));
    }
  }
}

TEST(ValueGuard, DivisionByAConstantCostsNothing) {
  Graph graph = OneOperator(kDivCode, Table("DivOptions"))
                    .Input({2})
                    .Constant<int32_t>({2}, {2, 3})
                    .Output({2});
  EXPECT_THAT(*tflite::GuardValues(graph), IsEmpty());
  EXPECT_THAT(graph.subgraphs[0].operators, SizeIs(1));
}

TEST(ValueGuard, ConstantsOutOfRangeAreRefusedWithTheOperatorsName) {
  EXPECT_THAT(GuardError(OneOperator(kGather, Table("GatherOptions"))
                             .Input({3, 2})
                             .Constant<int32_t>({2}, {0, 3})
                             .Output({2, 2})),
              HasSubstr("operator 0 (GATHER) has a constant out of range ('constant1')"));
  EXPECT_THAT(GuardError(OneOperator(kDivCode, Table("DivOptions"))
                             .Input({2})
                             .Constant<int32_t>({2}, {2, 0})
                             .Output({2})),
              HasSubstr("operator 0 (DIV) has a constant out of range"));
  EXPECT_THAT(GuardError(OneOperator(kSlice, Table("SliceOptions"))
                             .Input({6})
                             .Constant<int32_t>({1}, {-3})
                             .Constant<int32_t>({1}, {2})
                             .Output({2})),
              HasSubstr("operator 0 (SLICE) has a constant out of range"));
}

TEST(ValueGuard, SizesThatACallerSendsAreRefused) {
  const std::vector<Graph> graphs = {
      OneOperator(kFill).Input({1}).Constant<int32_t>({}, {1}).Output({1}),
      OneOperator(kTile).Constant<int32_t>({2}, {1, 2}).Input({1}).Output({2}),
      OneOperator(kPad).Constant<int32_t>({2}, {1, 2}).Input({1, 2}).Output({2}),
      OneOperator(kReshapeCode).Constant<int32_t>({2}, {1, 2}).Input({1}).Output({2}),
      OneOperator(kTranspose).Constant<int32_t>({2, 1}, {1, 2}).Input({2}).Output({2, 1}),
      OneOperator(kRange).Constant<int32_t>({}, {0}).Input({}).Constant<int32_t>({}, {1}).Output(
          {1}),
      OneOperator(kOneHot, Table::Of("OneHotOptions", {{"axis", int64_t{-1}}}))
          .Constant<int32_t>({1}, {1})
          .Input({})
          .Constant<int32_t>({}, {1})
          .Constant<int32_t>({}, {0})
          .Output({1, 1}),
  };
  for (const Graph& graph : graphs) {
    EXPECT_THAT(GuardError(graph), HasSubstr("from what a caller sends"))
        << graph.operator_codes[0].Name();
  }
}

// These kernels look at what they are given: nothing is put in front of them.
TEST(ValueGuard, KernelsThatCheckAreLeftAlone) {
  Graph lookup = OneOperator(kEmbeddingLookup)
                     .Input({2})
                     .Constant<float>({3, 1}, {1, 2, 3})
                     .Output({2, 1}, TensorType::kFloat32);
  EXPECT_TRUE(RunAsItIs(lookup, {Bytes<int32_t>({0, 2})}).ok());
  EXPECT_FALSE(RunAsItIs(lookup, {Bytes<int32_t>({0, 3})}).ok());
  EXPECT_FALSE(RunAsItIs(lookup, {Bytes<int32_t>({-1, 0})}).ok());
  EXPECT_THAT(*tflite::GuardValues(lookup), IsEmpty());

  Graph segments =
      OneOperator(kSegmentSum).Constant<int32_t>({3}, {1, 2, 3}).Input({3}).Output({2});
  EXPECT_TRUE(RunAsItIs(segments, {Bytes<int32_t>({0, 0, 1})}).ok());
  for (const auto& ids :
       std::vector<std::vector<int32_t>>{{0, 0, 1 << 28}, {-1, 0, 1}, {0, 1, 0}}) {
    EXPECT_FALSE(RunAsItIs(segments, {Bytes(ids)}).ok()) << ids[0] << ids[2];
  }
  EXPECT_THAT(*tflite::GuardValues(segments), IsEmpty());
}

}  // namespace
}  // namespace bowerbird::infer
