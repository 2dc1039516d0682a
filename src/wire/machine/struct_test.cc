// SPDX-License-Identifier: Apache-2.0
#include "wire/machine/struct.h"

#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird::wire {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;
using nlohmann::json;

json RoundTrip(const json& object) {
  Struct message;
  const auto status = JsonToStruct(object, message);
  EXPECT_TRUE(status.ok()) << status;
  const auto back = JsonFromStruct(message);
  EXPECT_TRUE(back.ok()) << back.status();
  return back.ok() ? *back : json();
}

TEST(Struct, KeepsEveryKindOfValue) {
  const json object = {{"null", nullptr},
                       {"yes", true},
                       {"no", false},
                       {"whole", 3},
                       {"negative", -7},
                       {"fraction", 0.25},
                       {"text", "Grüße \xF0\x9F\x90\xA6"},
                       {"empty", ""},
                       {"list", {1, "two", nullptr, {3.5}}},
                       {"object", {{"inner", {{"deep", json::array()}}}}},
                       {"", "an empty key"}};
  EXPECT_EQ(RoundTrip(object), object);
}

TEST(Struct, WholeNumbersStayWhole) {
  const json back = RoundTrip({{"n", 3}, {"big", 9007199254740992}, {"small", -9007199254740992}});
  EXPECT_TRUE(back["n"].is_number_integer());
  EXPECT_EQ(back["big"].dump(), "9007199254740992");
  EXPECT_EQ(back["small"].dump(), "-9007199254740992");
}

TEST(Struct, IntegersBeyondTwoToThe53AreRoundedToTheNearestDouble) {
  const json back = RoundTrip({{"n", 9007199254740993}, {"u", UINT64_MAX}});
  EXPECT_EQ(back["n"].get<double>(), 9007199254740992.0);
  EXPECT_EQ(back["u"].get<double>(), 18446744073709551616.0);
}

TEST(Struct, NegativeZeroKeepsItsSign) {
  const json back = RoundTrip({{"n", -0.0}});
  EXPECT_TRUE(std::signbit(back["n"].get<double>()));
}

TEST(Struct, NumbersThatAreNoneLeaveAsText) {
  const double infinity = std::numeric_limits<double>::infinity();
  const json back = RoundTrip({{"nan", std::nan("")}, {"up", infinity}, {"down", {-infinity}}});
  EXPECT_EQ(back, json({{"nan", "NaN"}, {"up", "Infinity"}, {"down", {"-Infinity"}}}));
}

TEST(Struct, NumbersThatAreNoneArriveAsNumbers) {
  Value value;
  value.set_number_value(std::nan(""));
  const auto back = JsonFromValue(value);
  ASSERT_TRUE(back.ok());
  ASSERT_TRUE(back->is_number_float());
  EXPECT_TRUE(std::isnan(back->get<double>()));
}

TEST(Struct, BytesThatAreNotUtf8AreReplacedInKeysAndTexts) {
  Struct message;
  ASSERT_TRUE(JsonToStruct({{"caf\xE9", "\xFF!"}}, message).ok());
  EXPECT_EQ(message.fields().at("caf\xEF\xBF\xBD").string_value(), "\xEF\xBF\xBD!");
}

TEST(Struct, AValueWithoutKindIsNull) {
  const auto back = JsonFromValue(Value());
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(back->is_null());
}

TEST(Struct, OnlyObjectsBecomeStructs) {
  Struct message;
  for (const json& other : {json(nullptr), json(1), json("x"), json::array({1})}) {
    const auto status = JsonToStruct(other, message);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << other;
  }
}

TEST(Struct, RawBytesAreRefused) {
  Struct message;
  const auto status = JsonToStruct({{"b", json::binary({1, 2})}}, message);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(status), testing::HasSubstr("base64"));
}

TEST(Struct, OverwritesWhatTheMessageHeld) {
  Struct message;
  ASSERT_TRUE(JsonToStruct({{"old", 1}}, message).ok());
  ASSERT_TRUE(JsonToStruct({{"new", 2}}, message).ok());
  EXPECT_EQ(message.fields().count("old"), 0u);
}

json NestedObject(int depth) {
  json value = 1;
  for (int i = 0; i < depth; ++i) value = json{{"k", std::move(value)}};
  return value;
}

TEST(Struct, NestsUpToTheLimitAndNoDeeper) {
  const json deepest = NestedObject(kMaxStructDepth);
  EXPECT_EQ(RoundTrip(deepest), deepest);
  Struct message;
  EXPECT_EQ(JsonToStruct(NestedObject(kMaxStructDepth + 1), message).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(JsonToStruct(NestedObject(100000), message).code(), absl::StatusCode::kInvalidArgument);
}

TEST(Struct, TheDeepestObjectAllowedCanBeReadByEveryParserOfTheWire) {
  Struct message, parsed;
  ASSERT_TRUE(JsonToStruct(NestedObject(kMaxStructDepth), message).ok());
  EXPECT_TRUE(parsed.ParseFromString(message.SerializeAsString()));
}

TEST(Struct, AHostileDepthIsRefusedWithoutRecursion) {
  // Built inside out: parsers of the wire stop such a thing before it gets here.
  Value objects, lists;
  for (int i = 0; i < 1000; ++i) {
    Value outer;
    *(*outer.mutable_struct_value()->mutable_fields())["k"].mutable_struct_value() =
        objects.struct_value();
    objects.Swap(&outer);
    Value list;
    list.mutable_list_value()->add_values()->Swap(&lists);
    lists.Swap(&list);
  }
  for (const Value* value : {&objects, &lists}) {
    const auto back = JsonFromValue(*value);
    EXPECT_EQ(back.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(MessageOf(back.status()), testing::HasSubstr("32 levels"));
  }
}

// Any value that JSON can write, a few levels deep.
json RandomValue(std::mt19937& random, int depth) {
  switch (random() % (depth > 4 ? 5 : 7)) {
    case 0:
      return nullptr;
    case 1:
      return random() % 2 == 0;
    case 2:
      return static_cast<int64_t>(random()) - (int64_t{1} << 31);
    case 3:
      // An odd multiple of 1/1024: never whole.
      return (static_cast<double>(random() % 100000) * 2 + 1) / 1024;
    case 4:
      return std::string(random() % 8, static_cast<char>('a' + random() % 26));
    case 5: {
      json list = json::array();
      for (size_t i = random() % 4; i > 0; --i) list.push_back(RandomValue(random, depth + 1));
      return list;
    }
    default: {
      json object = json::object();
      for (size_t i = random() % 4; i > 0; --i)
        object["key" + std::to_string(i)] = RandomValue(random, depth + 1);
      return object;
    }
  }
}

TEST(Struct, WhateverJsonCanSayComesBackTheSame) {
  std::mt19937 random(20260101);
  for (int i = 0; i < 2000; ++i) {
    const json object = {{"value", RandomValue(random, 0)}};
    EXPECT_EQ(RoundTrip(object), object);
  }
}

}  // namespace
}  // namespace bowerbird::wire
