// SPDX-License-Identifier: Apache-2.0
#include "wire/hub/method_parameters.h"

#include <limits>

#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"

namespace bowerbird::wire {
namespace {

namespace proto = google::protobuf;

template <typename Wrapper, typename T>
proto::Any Wrapped(const T& value) {
  Wrapper wrapper;
  wrapper.set_value(value);
  proto::Any any;
  any.PackFrom(wrapper);
  return any;
}

// The same parameters, once through the stored form.
AnyMap Again(const AnyMap& parameters) {
  const auto text = ReadMethodParameters(parameters);
  EXPECT_TRUE(text.ok()) << text.status();
  AnyMap again;
  const absl::Status written = WriteMethodParameters(*text, again);
  EXPECT_TRUE(written.ok()) << written;
  return again;
}

TEST(MethodParameters, WrappersBecomeTheValuesThatTheyWrapInCanonicalJson) {
  AnyMap map;
  map["reader"] = Wrapped<proto::StringValue>("left \"eye\"");
  map["count"] = Wrapped<proto::Int64Value>(INT64_MAX);
  map["big"] = Wrapped<proto::UInt64Value>(UINT64_MAX);
  map["share"] = Wrapped<proto::DoubleValue>(0.25);
  map["on"] = Wrapped<proto::BoolValue>(true);
  const auto text = ReadMethodParameters(map);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*text,
            "{\"big\":18446744073709551615,\"count\":9223372036854775807,\"on\":true,"
            "\"reader\":\"left \\\"eye\\\"\",\"share\":0.25}");
}

TEST(MethodParameters, ComeBackAsTheWrappersThatTheyWere) {
  AnyMap map;
  map["text"] = Wrapped<proto::StringValue>("a");
  map["count"] = Wrapped<proto::Int64Value>(-7);
  map["share"] = Wrapped<proto::DoubleValue>(0.5);
  map["on"] = Wrapped<proto::BoolValue>(false);
  proto::Struct object;
  (*object.mutable_fields())["x"].set_number_value(3);
  map["object"].PackFrom(object);
  const AnyMap again = Again(map);
  ASSERT_EQ(again.size(), map.size());
  for (const auto& [name, any] : map) {
    EXPECT_EQ(again.at(name).type_url(), any.type_url()) << name;
    EXPECT_EQ(again.at(name).value(), any.value()) << name;
  }
}

TEST(MethodParameters, AValueOfAnUnknownTypeIsKeptByteForByte) {
  proto::Timestamp time;
  time.set_seconds(12);
  AnyMap map;
  map["since"].PackFrom(time);
  const AnyMap again = Again(map);
  EXPECT_EQ(again.at("since").type_url(), map.at("since").type_url());
  EXPECT_EQ(again.at("since").value(), map.at("since").value());
}

TEST(MethodParameters, NumbersThatJsonCannotSpellBecomeText) {
  AnyMap map;
  map["nan"] = Wrapped<proto::DoubleValue>(std::numeric_limits<double>::quiet_NaN());
  map["far"] = Wrapped<proto::FloatValue>(-std::numeric_limits<float>::infinity());
  EXPECT_EQ(*ReadMethodParameters(map), "{\"far\":\"-Infinity\",\"nan\":\"NaN\"}");
}

TEST(MethodParameters, BytesThatAreNotTheMessageTheyClaimToBeAreRefusedByName) {
  AnyMap map;
  map["odd"].set_type_url("type.googleapis.com/google.protobuf.StringValue");
  map["odd"].set_value("\xff\xff\xff");
  const auto text = ReadMethodParameters(map);
  EXPECT_TRUE(absl::IsInvalidArgument(text.status()));
  EXPECT_NE(text.status().ToString().find("\"odd\""), std::string::npos) << text.status();
}

TEST(MethodParameters, TooMuchIsRefused) {
  AnyMap map;
  map["long"] = Wrapped<proto::StringValue>(std::string(kMaxMethodParameters, 'x'));
  EXPECT_TRUE(absl::IsInvalidArgument(ReadMethodParameters(map).status()));
}

TEST(MethodParameters, AStoredTextThatIsNoObjectIsOurFault) {
  AnyMap map;
  proto::Struct object;
  EXPECT_EQ(WriteMethodParameters("[1]", map).code(), absl::StatusCode::kInternal);
  EXPECT_EQ(WriteMethodParameters("", object).code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace bowerbird::wire
