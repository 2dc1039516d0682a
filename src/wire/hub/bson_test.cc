// SPDX-License-Identifier: Apache-2.0
#include "wire/hub/bson.h"

#include <cmath>
#include <random>

#include "gtest/gtest.h"
#include "wire/machine/struct.h"

namespace bowerbird::wire {
namespace {

using nlohmann::json;
using namespace std::string_literals;

// Another implementation reads what this one writes.
json Read(const std::string& bytes) {
  return json::from_bson(bytes.begin(), bytes.end(), /*strict=*/true, /*allow_exceptions=*/false);
}

TEST(BsonWriter, AnEmptyDocumentIsItsLengthAndItsEnd) {
  EXPECT_EQ(BsonWriter().Take(), "\x05\0\0\0\0"s);
}

TEST(BsonWriter, WritesTheExampleOfTheSpecification) {
  BsonWriter writer;
  writer.Text("hello", "world");
  EXPECT_EQ(writer.Take(), "\x16\0\0\0\x02hello\0\x06\0\0\0world\0\0"s);
}

TEST(BsonWriter, TimesAreMillisecondsAndRoundedTowardsThePast) {
  using std::chrono::nanoseconds;
  BsonWriter writer;
  writer.Time("t", std::chrono::sys_time<nanoseconds>(nanoseconds(1'999'999)));
  EXPECT_EQ(writer.Take(), "\x10\0\0\0\x09t\0\x01\0\0\0\0\0\0\0\0"s);
  BsonWriter before;
  before.Time("t", std::chrono::sys_time<nanoseconds>(nanoseconds(-1)));
  EXPECT_EQ(before.Take(), "\x10\0\0\0\x09t\0\xff\xff\xff\xff\xff\xff\xff\xff\0"s);
}

TEST(BsonWriter, IntegersTakeFourBytesWhereTheyFit) {
  BsonWriter writer;
  writer.Integer("a", INT32_MAX);
  writer.Integer("b", INT32_MIN);
  writer.Integer("c", int64_t{INT32_MAX} + 1);
  writer.Integer("d", INT64_MIN);
  const json read = Read(writer.Take());
  EXPECT_EQ(read["a"].get<int64_t>(), INT32_MAX);
  EXPECT_EQ(read["b"].get<int64_t>(), INT32_MIN);
  EXPECT_EQ(read["c"].get<int64_t>(), int64_t{INT32_MAX} + 1);
  EXPECT_EQ(read["d"].get<int64_t>(), INT64_MIN);
}

TEST(BsonWriter, NamesEndAtTheirFirstNulAndTextIsUtf8) {
  BsonWriter writer;
  writer.Text(std::string_view("ab\0cd", 5), "\xff!");
  const json read = Read(writer.Take());
  EXPECT_EQ(read, json({{"ab", "\uFFFD!"}}));
}

TEST(BsonWriter, BytesAreGenericBinary) {
  BsonWriter writer;
  writer.Bytes("raw", "\0\x01"s);
  const json read = Read(writer.Take());
  EXPECT_EQ(read["raw"].get_binary(), json::binary_t({0, 1}, 0));
}

TEST(BsonWriter, ValuesThatAreNestedTooDeeplyAreRefused) {
  json deep = 1;
  for (int i = 0; i < kMaxStructDepth; ++i) deep = json::array({deep});
  BsonWriter writer;
  EXPECT_TRUE(writer.Json("x", deep).ok());
  BsonWriter refusing;
  EXPECT_TRUE(absl::IsInvalidArgument(refusing.Json("x", json::array({deep}))));
}

class RandomJson {
 public:
  explicit RandomJson(uint32_t seed) : random_(seed) {}

  json Value(int depth) {
    switch (Below(depth > 4 ? 6 : 8)) {
      case 0:
        return nullptr;
      case 1:
        return Below(2) == 0;
      case 2:
        return static_cast<int64_t>(random_());
      case 3:
        return std::ldexp(static_cast<double>(static_cast<int64_t>(random_())), -40);
      case 4:
        return Text();
      case 5:
        return static_cast<int64_t>(Below(200)) - 100;
      case 6: {
        json list = json::array();
        for (size_t i = Below(12); i > 0; --i) list.push_back(Value(depth + 1));
        return list;
      }
      default:
        return Object(depth + 1);
    }
  }

  json Object(int depth) {
    json object = json::object();
    for (size_t i = Below(6); i > 0; --i) object[Text()] = Value(depth);
    return object;
  }

 private:
  size_t Below(size_t limit) { return random_() % limit; }
  std::string Text() {
    static const char* const kPieces[] = {"a", "ß", "€", "🦜", " ", "\n", "\"", "."};
    std::string text;
    for (size_t i = Below(9); i > 0; --i) text += kPieces[Below(8)];
    return text;
  }
  std::mt19937_64 random_;
};

TEST(BsonWriter, AnyJsonComesBackAsItWas) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    const json object = RandomJson(seed).Object(0);
    BsonWriter writer;
    for (const auto& [key, value] : object.items()) ASSERT_TRUE(writer.Json(key, value).ok());
    EXPECT_EQ(Read(writer.Take()), object) << "seed " << seed;
  }
}

}  // namespace
}  // namespace bowerbird::wire
