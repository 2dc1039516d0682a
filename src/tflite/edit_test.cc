// SPDX-License-Identifier: Apache-2.0
#include "tflite/edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "tflite/checks.h"
#include "tflite/metadata.h"
#include "tflite/write.h"

namespace bowerbird::tflite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int32_t kAdd = 0;
constexpr int32_t kLogistic = 14;
constexpr int32_t kMul = 18;
constexpr int32_t kNeg = 59;

Tensor Named(const std::string& name) {
  Tensor tensor;
  tensor.name = name;
  tensor.shape = {4};
  return tensor;
}

int32_t Append(Graph& graph, int32_t code, std::vector<int32_t> inputs, const std::string& name) {
  Operator op;
  op.code = FindOrAddOperatorCode(graph, {.builtin = code});
  op.inputs = std::move(inputs);
  op.outputs = {AddTensor(graph.subgraphs[0], Named(name))};
  graph.subgraphs[0].operators.push_back(op);
  return op.outputs[0];
}

// x -> ADD c -> a -> LOGISTIC -> b -> MUL d -> y, and NEG of a, which nothing reads.
Graph Chain() {
  Graph graph;
  graph.version = 3;
  graph.buffers.emplace_back();
  graph.subgraphs.emplace_back();
  const int32_t x = AddTensor(graph.subgraphs[0], Named("x"));
  const int32_t c = AddConstant(graph, 0, Named("c"), std::vector<std::byte>(16, std::byte{1}));
  const int32_t a = Append(graph, kAdd, {x, c}, "a");
  Append(graph, kNeg, {a}, "dead");
  const int32_t b = Append(graph, kLogistic, {a}, "b");
  const int32_t d = AddConstant(graph, 0, Named("d"), std::vector<std::byte>(16, std::byte{2}));
  const int32_t y = Append(graph, kMul, {b, d}, "y");
  graph.subgraphs[0].inputs = {x};
  graph.subgraphs[0].outputs = {y};
  graph.signatures = {{.key = "serve",
                       .subgraph = 0,
                       .inputs = {{"x", static_cast<uint32_t>(x)}},
                       .outputs = {{"y", static_cast<uint32_t>(y)}},
                       .old_tag = {},
                       .unknown = {}}};
  return graph;
}

std::vector<std::string> OperatorNames(const Graph& graph) {
  std::vector<std::string> names;
  for (const Operator& op : graph.subgraphs[0].operators) {
    names.push_back(graph.operator_codes[op.code].Name());
  }
  return names;
}

std::vector<std::string> TensorNames(const Graph& graph) {
  std::vector<std::string> names;
  for (const Tensor& tensor : graph.subgraphs[0].tensors) names.push_back(tensor.name);
  return names;
}

TEST(Links, KnowWhoWritesAndWhoReads) {
  const Graph graph = Chain();
  const Subgraph& main = graph.subgraphs[0];
  const Links links(main);
  EXPECT_EQ(links.Producer(FindTensor(main, "a")), 0);
  EXPECT_EQ(links.Producer(FindTensor(main, "c")), -1);
  EXPECT_THAT(links.Consumers(FindTensor(main, "a")), ElementsAre(1, 2));
  EXPECT_THAT(links.Consumers(FindTensor(main, "y")), IsEmpty());
  EXPECT_EQ(FindTensor(main, "nothing"), -1);
}

TEST(OperatorCodes, AreFoundBeforeTheyAreAdded) {
  Graph graph = Chain();
  const size_t before = graph.operator_codes.size();
  EXPECT_EQ(FindOrAddOperatorCode(graph, {.builtin = kAdd}), 0U);
  EXPECT_EQ(FindOrAddOperatorCode(graph, {.builtin = kAdd, .version = 2}), before);
  EXPECT_EQ(FindOrAddOperatorCode(graph, {.builtin = kCustomOperator, .custom = "Mine"}),
            before + 1);
}

TEST(Prune, DropsWhatNothingNeeds) {
  Graph graph = Chain();
  ASSERT_TRUE(CheckGraph(graph).ok()) << CheckGraph(graph);
  ASSERT_TRUE(Prune(graph).ok());
  EXPECT_THAT(OperatorNames(graph), ElementsAre("ADD", "LOGISTIC", "MUL"));
  EXPECT_THAT(TensorNames(graph), ElementsAre("x", "c", "a", "b", "d", "y"));
  EXPECT_THAT(graph.operator_codes, SizeIs(3));
  EXPECT_THAT(graph.buffers, SizeIs(3));
  EXPECT_EQ(graph.signatures[0].outputs[0].tensor, 5U);
  EXPECT_TRUE(CheckGraph(graph).ok()) << CheckGraph(graph);
}

TEST(Prune, KeepsSubgraphsThatAreCalledAndRenumbersThem) {
  Graph graph = Chain();
  Subgraph idle;
  idle.name = "idle";
  Subgraph init;
  init.name = "init";
  graph.subgraphs.push_back(idle);
  graph.subgraphs.push_back(init);
  Operator call;
  call.code = FindOrAddOperatorCode(graph, {.builtin = 129});
  call.options = Table::Of("CallOnceOptions", {{"init_subgraph_index", 2}});
  graph.subgraphs[0].operators.push_back(call);
  ASSERT_TRUE(Prune(graph).ok());
  ASSERT_THAT(graph.subgraphs, SizeIs(2));
  EXPECT_EQ(graph.subgraphs[1].name, "init");
  EXPECT_THAT(CalledSubgraphs(graph.subgraphs[0].operators.back()), ElementsAre(1));
}

TEST(Cut, KeepsThePartBetweenTwoTensors) {
  Graph graph = Chain();
  ASSERT_TRUE(SetFileMetadata(graph, {}).ok());
  const std::vector<int32_t> from = {FindTensor(graph.subgraphs[0], "a")};
  const std::vector<int32_t> to = {FindTensor(graph.subgraphs[0], "b")};
  ASSERT_TRUE(Cut(graph, from, to).ok());
  EXPECT_THAT(OperatorNames(graph), ElementsAre("LOGISTIC"));
  EXPECT_THAT(TensorNames(graph), ElementsAre("a", "b"));
  EXPECT_THAT(graph.subgraphs[0].inputs, ElementsAre(0));
  EXPECT_THAT(graph.subgraphs[0].outputs, ElementsAre(1));
  EXPECT_THAT(graph.signatures, IsEmpty());
  EXPECT_THAT(graph.metadata, IsEmpty());
  EXPECT_THAT(graph.buffers, SizeIs(1));
  EXPECT_TRUE(CheckGraph(graph).ok()) << CheckGraph(graph);
}

TEST(Cut, RefusesAPartThatNeedsMore) {
  Graph graph = Chain();
  const Subgraph& main = graph.subgraphs[0];
  const std::vector<int32_t> nothing;
  const std::vector<int32_t> y = {FindTensor(main, "y")};
  EXPECT_THAT(MessageOf(Cut(graph, nothing, y)), HasSubstr("also needs tensor"));
  const std::vector<int32_t> constant = {FindTensor(main, "c")};
  EXPECT_THAT(MessageOf(Cut(graph, constant, y)), HasSubstr("is a constant"));
  const std::vector<int32_t> far = {99};
  EXPECT_THAT(MessageOf(Cut(graph, far, y)), HasSubstr("tensor 99 of 7"));
  EXPECT_FALSE(Cut(graph, nothing, nothing).ok());
  EXPECT_THAT(OperatorNames(graph), SizeIs(4)) << "as it was";
}

TEST(Graft, AppendsAnotherGraph) {
  Graph graph = Chain();
  Graph part = Chain();
  const std::vector<int32_t> at = graph.subgraphs[0].outputs;
  const absl::StatusOr<std::vector<int32_t>> outputs = Graft(graph, at, part);
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  graph.subgraphs[0].outputs = *outputs;
  graph.signatures.clear();
  part = Graph();  // what it kept alive, the graph keeps
  ASSERT_TRUE(Prune(graph).ok());
  EXPECT_THAT(OperatorNames(graph),
              ElementsAre("ADD", "LOGISTIC", "MUL", "ADD", "LOGISTIC", "MUL"));
  EXPECT_THAT(TensorNames(graph),
              ElementsAre("x", "c", "a", "b", "d", "y", "c_1", "a_1", "b_1", "d_1", "y_1"));
  EXPECT_THAT(graph.operator_codes, SizeIs(3));
  EXPECT_TRUE(CheckGraph(graph).ok()) << CheckGraph(graph);
  EXPECT_EQ(graph.buffers[graph.subgraphs[0].tensors[9].buffer].data[0], std::byte{2});
  EXPECT_TRUE(WriteModel(graph).ok());
}

TEST(Graft, RefusesEndsThatDoNotFit) {
  Graph graph = Chain();
  const std::vector<int32_t> at = graph.subgraphs[0].outputs;
  Graph part = Chain();
  part.subgraphs[0].tensors[0].type = TensorType::kUint8;
  EXPECT_THAT(MessageOf(Graft(graph, at, part).status()), HasSubstr("FLOAT32 is not UINT8"));
  part = Chain();
  part.subgraphs[0].tensors[0].shape = {5};
  EXPECT_THAT(MessageOf(Graft(graph, at, part).status()), HasSubstr("shapes differ"));
  EXPECT_THAT(MessageOf(Graft(graph, {}, part).status()), HasSubstr("has 1 inputs, but 0"));
}

TEST(ReplaceOperator, PutsAListInItsPlace) {
  Graph graph = Chain();
  const int32_t between = AddTensor(graph.subgraphs[0], Named("between"));
  Operator first = graph.subgraphs[0].operators[2];  // LOGISTIC of a
  Operator second = first;
  first.code = FindOrAddOperatorCode(graph, {.builtin = kNeg});
  first.outputs = {between};
  second.inputs = {between};
  ASSERT_TRUE(ReplaceOperator(graph, 0, 2, {first, second}).ok());
  EXPECT_THAT(OperatorNames(graph), ElementsAre("ADD", "NEG", "NEG", "LOGISTIC", "MUL"));
  ASSERT_TRUE(ReplaceOperator(graph, 0, 1, {}).ok());
  EXPECT_THAT(OperatorNames(graph), ElementsAre("ADD", "NEG", "LOGISTIC", "MUL"));
  EXPECT_FALSE(ReplaceOperator(graph, 0, 9, {}).ok());
  EXPECT_TRUE(CheckGraph(graph).ok()) << CheckGraph(graph);
}

TEST(ReplaceUses, MovesReadersOutputsAndSignatures) {
  Graph graph = Chain();
  const Subgraph& main = graph.subgraphs[0];
  const int32_t a = FindTensor(main, "a");
  const int32_t y = FindTensor(main, "y");
  ReplaceUses(graph, 0, y, a);
  EXPECT_THAT(main.outputs, ElementsAre(a));
  EXPECT_EQ(graph.signatures[0].outputs[0].tensor, static_cast<uint32_t>(a));
}

TEST(Editing, IsRefusedWhereSomethingIsNotKnown) {
  Graph graph = Chain();
  graph.subgraphs[0].tensors[2].unknown = "field 12 of Tensor";
  const std::vector<int32_t> at = graph.subgraphs[0].outputs;
  for (const absl::Status& status :
       {Prune(graph), Cut(graph, graph.subgraphs[0].inputs, at), ReplaceOperator(graph, 0, 0, {}),
        Graft(graph, at, Chain()).status(), SetFileMetadata(graph, {})}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(MessageOf(status), HasSubstr("tensor 2 ('a') has field 12 of Tensor"));
  }
}

}  // namespace
}  // namespace bowerbird::tflite
