// SPDX-License-Identifier: Apache-2.0
#include "tflite/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "tflite/table_codec.h"
#include "tflite/table_schema.h"

namespace bowerbird::tflite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Table, GivesWhatIsStoredElseTheDefaultOfTheSchema) {
  const Table options = Table::Of("Conv2DOptions", {{"stride_w", 2}, {"padding", 1}});
  EXPECT_EQ(options.Int("stride_w"), 2);
  EXPECT_EQ(options.Int("stride_h"), 0);
  EXPECT_EQ(options.Int("dilation_w_factor"), 1) << "the schema's default";
  EXPECT_EQ(options.Int("block_size", 7), 7) << "not a field of this table";
  EXPECT_FALSE(options.Has("stride_h"));
  EXPECT_EQ(Table().Int("stride_w", 3), 3);
}

TEST(Table, DescribesItselfWithTheNamesOfEnumerations) {
  Table options = Table::Of("Conv2DOptions",
                            {{"fused_activation_function", 3}, {"padding", 1}, {"stride_w", 2}});
  EXPECT_EQ(options.Describe(), "padding=VALID stride_w=2 fused_activation_function=RELU6");
  EXPECT_EQ(Table::Of("ReshapeOptions", {{"new_shape", std::vector<int64_t>{1, -1}}}).Describe(),
            "new_shape=[1,-1]");
}

TEST(Table, RefusesWhatItsSchemaDoesNotHold) {
  Table options("AddOptions");
  EXPECT_THAT(MessageOf(options.Set("stride_w", 1)), HasSubstr("AddOptions has no field"));
  EXPECT_THAT(MessageOf(options.Set("pot_scale_int16", 2)), HasSubstr("cannot hold 2"));
  EXPECT_THAT(MessageOf(options.Set("fused_activation_function", 1.5F)), HasSubstr("cannot hold"));
  EXPECT_FALSE(options.Set("fused_activation_function", 1000).ok()) << "a byte";
  EXPECT_TRUE(options.Set("fused_activation_function", 1).ok());
  EXPECT_TRUE(Table("NoSuchOptions").empty());
  EXPECT_FALSE(Table().Set("axis", 1).ok());
}

TEST(Table, SetAndClearKeepTheOrderOfTheSchema) {
  Table options("StridedSliceOptions");
  ASSERT_TRUE(options.Set("shrink_axis_mask", 4).ok());
  ASSERT_TRUE(options.Set("begin_mask", 1).ok());
  ASSERT_TRUE(options.Set("begin_mask", 3).ok());
  EXPECT_EQ(options,
            Table::Of("StridedSliceOptions", {{"begin_mask", 3}, {"shrink_axis_mask", 4}}));
  options.Clear("begin_mask");
  ASSERT_THAT(options.fields(), SizeIs(1));
  EXPECT_EQ(options.fields()[0].name, "shrink_axis_mask");
}

// A value that is none of the defaults, for every kind of field.
Table::Value ValueFor(const FieldSchema& field) {
  switch (field.type) {
    case reflection::Bool:
      return field.default_integer == 0 ? 1 : 0;
    case reflection::Float:
      return -2.5F;
    case reflection::String:
      return "text";
    case reflection::Vector:
      if (field.element == reflection::UByte) return std::string("\0\1\2", 3);
      if (field.element == reflection::Float) return std::vector<float>{0.5F, -0.0F};
      if (field.element == reflection::Bool) return std::vector<int64_t>{1, 0, 1};
      return std::vector<int64_t>{1, 2, 100};
    default:
      return field.default_integer + 2;
  }
}

Table Full(const TableSchema& schema) {
  Table table(schema.name);
  for (const FieldSchema& field : schema.fields) {
    EXPECT_TRUE(table.Set(field.name, ValueFor(field)).ok()) << schema.name << "." << field.name;
  }
  return table;
}

Table ThroughBytes(const Table& table) {
  flatbuffers::FlatBufferBuilder builder;
  const auto offset = WriteTable(builder, table);
  EXPECT_TRUE(offset.ok()) << offset.status();
  builder.Finish(flatbuffers::Offset<flatbuffers::Table>(offset->o));
  CopyBudget budget(10'000);
  std::string unknown;
  Table read = TableReader(budget).Read(
      *flatbuffers::GetRoot<flatbuffers::Table>(builder.GetBufferPointer()),
      *FindTableSchema(table.name()), unknown);
  EXPECT_THAT(unknown, IsEmpty());
  return read;
}

TEST(TableCodec, EveryFieldOfEveryOptionTableSurvives) {
  const TableSchema& owner = *FindTableSchema("Operator");
  size_t tables = 0;
  for (const char* field : {"builtin_options", "builtin_options_2"}) {
    for (const auto& [type, schema] : owner.Find(field)->members) {
      const Table full = Full(*schema);
      EXPECT_EQ(ThroughBytes(full), full) << schema->name;
      EXPECT_EQ(UnionTypeOf(owner, field, schema->name), type);
      ++tables;
    }
  }
  EXPECT_EQ(tables, 126U + 23U);
}

TEST(TableCodec, TablesWithinTablesSurvive) {
  const Table indices = Table::Of("Uint16Vector", {{"values", std::vector<int64_t>{0, 65535}}});
  const Table dense = Table::Of("DimensionMetadata", {{"dense_size", 4}});
  const Table sparse = Table::Of("DimensionMetadata", {{"format", 1},
                                                       {"array_segments", std::vector{indices}},
                                                       {"array_indices", std::vector{indices}}});
  const Table sparsity =
      Table::Of("SparsityParameters", {{"traversal_order", std::vector<int64_t>{0, 1}},
                                       {"dim_metadata", std::vector{dense, sparse}}});
  EXPECT_EQ(ThroughBytes(sparsity), sparsity);
  EXPECT_THAT(sparsity.Tables("dim_metadata"), SizeIs(2));
  EXPECT_THAT(indices.Ints("values"), ElementsAre(0, 65535));
}

TEST(TableCodec, NamesFieldsThatTheSchemaLacks) {
  flatbuffers::FlatBufferBuilder builder;
  const auto start = builder.StartTable();
  builder.AddElement<int32_t>(flatbuffers::FieldIndexToOffset(9), 5);
  builder.Finish(flatbuffers::Offset<flatbuffers::Table>(builder.EndTable(start)));
  CopyBudget budget(100);
  std::string unknown;
  TableReader(budget).Read(*flatbuffers::GetRoot<flatbuffers::Table>(builder.GetBufferPointer()),
                           *FindTableSchema("AddOptions"), unknown);
  EXPECT_EQ(unknown, "field 9 of AddOptions");
}

TEST(TableCodec, StopsAtTheLimitOfCopies) {
  const Table shape = Table::Of("ReshapeOptions", {{"new_shape", std::vector<int64_t>(1000, 1)}});
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(flatbuffers::Offset<flatbuffers::Table>(WriteTable(builder, shape)->o));
  CopyBudget budget(500);
  std::string unknown;
  const Table read = TableReader(budget).Read(
      *flatbuffers::GetRoot<flatbuffers::Table>(builder.GetBufferPointer()),
      *FindTableSchema("ReshapeOptions"), unknown);
  EXPECT_TRUE(budget.exceeded());
  EXPECT_THAT(read.Ints("new_shape"), IsEmpty());
}

}  // namespace
}  // namespace bowerbird::tflite
