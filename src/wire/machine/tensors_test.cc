// SPDX-License-Identifier: Apache-2.0
#include "wire/machine/tensors.h"

#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird::wire {
namespace {

using infer::DType;
using infer::Shape;
using infer::Tensor;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using viam::service::mlmodel::v1::FlatTensor;
using viam::service::mlmodel::v1::FlatTensors;

template <typename T>
Tensor MakeTensor(DType type, Shape shape, const std::vector<T>& elements) {
  Tensor tensor{type, std::move(shape), {}};
  tensor.bytes.resize(elements.size() * sizeof(T));
  if (!elements.empty()) std::memcpy(tensor.bytes.data(), elements.data(), tensor.bytes.size());
  return tensor;
}

// Over the wire and back: serialised, parsed, read.
void ExpectRoundTrip(const Tensor& tensor) {
  FlatTensors sent, arrived;
  const auto written = WriteTensors({{"t", tensor.view()}}, sent);
  ASSERT_TRUE(written.ok()) << written;
  ASSERT_TRUE(arrived.ParseFromString(sent.SerializeAsString()));
  const auto read = ReceivedTensors::Read(arrived);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->views().size(), 1u);
  const auto& view = read->views().at("t");
  EXPECT_EQ(view.type, tensor.type);
  EXPECT_EQ(Shape(view.shape.begin(), view.shape.end()), tensor.shape);
  EXPECT_EQ(std::vector<std::byte>(view.bytes.begin(), view.bytes.end()), tensor.bytes);
}

template <typename T>
void ExpectTypeRoundTrips(DType type) {
  using Limits = std::numeric_limits<T>;
  ExpectRoundTrip(MakeTensor<T>(
      type, {2, 3},
      {T{0}, T{1}, Limits::max(), Limits::lowest(), T{42}, static_cast<T>(Limits::max() / 2)}));
  ExpectRoundTrip(MakeTensor<T>(type, {1}, {Limits::lowest()}));
  ExpectRoundTrip(MakeTensor<T>(type, {}, {T{7}}));                   // a scalar
  ExpectRoundTrip(MakeTensor<T>(type, {3}, {T{1}, T{2}, T{3}}));      // an odd count
  ExpectRoundTrip(MakeTensor<T>(type, {1, 0, 4}, std::vector<T>()));  // nothing found
}

TEST(Tensors, EveryTypeOfTheWireRoundTrips) {
  ExpectTypeRoundTrips<int8_t>(DType::kInt8);
  ExpectTypeRoundTrips<uint8_t>(DType::kUint8);
  ExpectTypeRoundTrips<int16_t>(DType::kInt16);
  ExpectTypeRoundTrips<uint16_t>(DType::kUint16);
  ExpectTypeRoundTrips<int32_t>(DType::kInt32);
  ExpectTypeRoundTrips<uint32_t>(DType::kUint32);
  ExpectTypeRoundTrips<int64_t>(DType::kInt64);
  ExpectTypeRoundTrips<uint64_t>(DType::kUint64);
  ExpectTypeRoundTrips<float>(DType::kFloat32);
  ExpectTypeRoundTrips<double>(DType::kFloat64);
}

TEST(Tensors, RandomTensorsRoundTrip) {
  std::mt19937 random(7);
  for (int i = 0; i < 500; ++i) {
    Tensor tensor;
    tensor.type = static_cast<DType>(random() % 10);  // int8 to float64
    for (size_t rank = random() % 5; rank > 0; --rank) tensor.shape.push_back(random() % 5);
    tensor.bytes.resize(static_cast<size_t>(*infer::ElementCount(tensor.shape)) *
                        infer::DTypeSize(tensor.type));
    for (std::byte& byte : tensor.bytes) byte = static_cast<std::byte>(random());
    ExpectRoundTrip(tensor);
  }
}

TEST(Tensors, ElementsAreLookedAtInPlace) {
  FlatTensors message;
  auto& bytes = *(*message.mutable_tensors())["bytes"].mutable_uint8_tensor()->mutable_data();
  bytes = "abc";
  (*message.mutable_tensors())["bytes"].add_shape(3);
  auto& floats = (*message.mutable_tensors())["floats"];
  floats.mutable_float_tensor()->add_data(1.5f);
  floats.add_shape(1);
  const auto read = ReceivedTensors::Read(message);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(static_cast<const void*>(read->views().at("bytes").bytes.data()), bytes.data());
  EXPECT_EQ(static_cast<const void*>(read->views().at("floats").bytes.data()),
            floats.float_tensor().data().data());
}

TEST(Tensors, ViewsOfUnpackedElementsSurviveAMove) {
  FlatTensors message;
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    auto& tensor = (*message.mutable_tensors())[name];
    tensor.add_shape(2);
    for (const uint32_t word : {11u, 22u}) tensor.mutable_uint16_tensor()->add_data(word);
  }
  auto read = ReceivedTensors::Read(message);
  ASSERT_TRUE(read.ok());
  const ReceivedTensors moved = *std::move(read);
  for (const auto& [name, view] : moved.views())
    EXPECT_THAT(view.As<uint16_t>(), ElementsAre(11, 22)) << name;
}

FlatTensor SixteenBit(bool is_signed, int64_t count, const std::vector<uint32_t>& words) {
  FlatTensor tensor;
  tensor.add_shape(static_cast<uint64_t>(count));
  auto& data = is_signed ? *tensor.mutable_int16_tensor()->mutable_data()
                         : *tensor.mutable_uint16_tensor()->mutable_data();
  data.Add(words.begin(), words.end());
  return tensor;
}

template <typename T>
std::vector<T> ReadSixteenBit(const FlatTensor& tensor) {
  FlatTensors message;
  (*message.mutable_tensors())["t"] = tensor;
  const auto read = ReceivedTensors::Read(message);
  EXPECT_TRUE(read.ok()) << read.status();
  if (!read.ok()) return {};
  const auto elements = read->views().at("t").As<T>();
  return {elements.begin(), elements.end()};
}

TEST(Tensors, ReadsOneSixteenBitElementAWord) {
  EXPECT_THAT(ReadSixteenBit<uint16_t>(SixteenBit(false, 3, {1, 2, 65535})),
              ElementsAre(1, 2, 65535));
  // Sign-extended, as one sender does, or not.
  EXPECT_THAT(ReadSixteenBit<int16_t>(SixteenBit(true, 3, {0xFFFFFFFF, 0xFFFF, 0x7FFF})),
              ElementsAre(-1, -1, 32767));
}

TEST(Tensors, ReadsTwoSixteenBitElementsAWord) {
  EXPECT_THAT(ReadSixteenBit<uint16_t>(SixteenBit(false, 4, {0x00020001, 0xFFFF0003})),
              ElementsAre(1, 2, 3, 65535));
  EXPECT_THAT(ReadSixteenBit<int16_t>(SixteenBit(true, 3, {0xFFFE0001, 0x00008000})),
              ElementsAre(1, -2, -32768));  // the last half is padding
}

TEST(Tensors, OneSixteenBitElementReadsTheSameEitherWay) {
  EXPECT_THAT(ReadSixteenBit<uint16_t>(SixteenBit(false, 1, {513})), ElementsAre(513));
}

TEST(Tensors, WritesOneSixteenBitElementAWordWithItsSign) {
  FlatTensors message;
  const auto tensor = MakeTensor<int16_t>(DType::kInt16, {2}, {-2, 5});
  ASSERT_TRUE(WriteTensors({{"t", tensor.view()}}, message).ok());
  EXPECT_THAT(message.tensors().at("t").int16_tensor().data(), ElementsAre(0xFFFFFFFEu, 5u));
}

// The message of the error that reading `tensor` gives.
std::string ReadError(const FlatTensor& tensor) {
  FlatTensors message;
  (*message.mutable_tensors())["weights"] = tensor;
  const auto read = ReceivedTensors::Read(message);
  EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument);
  return MessageOf(read.status());
}

TEST(Tensors, WrongSixteenBitCountsAndValuesAreNamed) {
  EXPECT_THAT(ReadError(SixteenBit(false, 5, {1, 2})),
              AllOf(HasSubstr("\"weights\""), HasSubstr("[5]"), HasSubstr("2 of 16-bit words")));
  EXPECT_THAT(ReadError(SixteenBit(false, 2, {1, 70000})),
              HasSubstr("element 1 is the word 70000"));
  EXPECT_THAT(ReadError(SixteenBit(true, 2, {0xFFFE8000, 1})), HasSubstr("element 0"));
}

TEST(Tensors, AShapeThatDoesNotMatchTheElementsIsNamed) {
  FlatTensor tensor;
  tensor.add_shape(1);
  tensor.add_shape(3);
  tensor.mutable_uint8_tensor()->set_data("abcde");
  EXPECT_THAT(ReadError(tensor), AllOf(HasSubstr("\"weights\""), HasSubstr("[1, 3]"),
                                       HasSubstr("3 elements"), HasSubstr("5 of uint8")));
  tensor.clear_shape();  // a scalar has one
  EXPECT_THAT(ReadError(tensor), HasSubstr("1 elements"));
}

TEST(Tensors, AHostileShapeIsRefused) {
  FlatTensor tensor;
  tensor.mutable_float_tensor()->add_data(1);
  tensor.add_shape(UINT64_MAX);
  EXPECT_THAT(ReadError(tensor), HasSubstr("too large"));
  tensor.clear_shape();
  for (int i = 0; i < 3; ++i) tensor.add_shape(uint64_t{1} << 40);
  EXPECT_THAT(ReadError(tensor), HasSubstr("too large"));
  tensor.clear_shape();
  tensor.add_shape(uint64_t{1} << 62);
  EXPECT_THAT(ReadError(tensor), HasSubstr("1 of float32"));
}

TEST(Tensors, AHostileSixteenBitShapeAllocatesNothing) {
  EXPECT_THAT(ReadError(SixteenBit(true, int64_t{1} << 62, {1})), HasSubstr("were sent"));
  EXPECT_THAT(ReadError(SixteenBit(true, INT64_MAX, {})), HasSubstr("were sent"));
}

TEST(Tensors, ATensorWithoutDataIsNamed) {
  FlatTensor tensor;
  tensor.add_shape(0);
  EXPECT_THAT(ReadError(tensor), AllOf(HasSubstr("\"weights\""), HasSubstr("int8_tensor")));
}

TEST(Tensors, NoTensorsAreNoError) {
  const auto read = ReceivedTensors::Read(FlatTensors());
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read->views().empty());
}

TEST(Tensors, BoolTravelsAsUint8AndHalfAsFloat) {
  FlatTensors message;
  const auto flags = MakeTensor<uint8_t>(DType::kBool, {2}, {0, 1});
  const auto halves = MakeTensor<uint16_t>(DType::kFloat16, {3}, {0x3C00, 0xC000, 0x7C00});
  ASSERT_TRUE(WriteTensors({{"flags", flags.view()}, {"halves", halves.view()}}, message).ok());
  EXPECT_EQ(message.tensors().at("flags").uint8_tensor().data(), std::string("\0\1", 2));
  EXPECT_THAT(message.tensors().at("halves").float_tensor().data(),
              ElementsAre(1.0f, -2.0f, std::numeric_limits<float>::infinity()));
}

TEST(Tensors, TypesWithoutAFormOnTheWireAreNamed) {
  for (const DType type : {DType::kString, DType::kOther}) {
    FlatTensors message;
    const Tensor tensor{type, {1}, {}};
    const auto status = WriteTensors({{"words", tensor.view()}}, message);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
    EXPECT_THAT(MessageOf(status), HasSubstr("\"words\""));
  }
}

TEST(Tensors, BytesThatDoNotMatchTheShapeAreOurFaultNotSent) {
  FlatTensors message;
  Tensor tensor = MakeTensor<float>(DType::kFloat32, {2}, {1, 2});
  tensor.shape = {3};
  EXPECT_EQ(WriteTensors({{"t", tensor.view()}}, message).code(), absl::StatusCode::kInternal);
  tensor.shape = {-1};
  EXPECT_EQ(WriteTensors({{"t", tensor.view()}}, message).code(), absl::StatusCode::kInternal);
}

TEST(Tensors, WritingReplacesWhatTheMessageHeld) {
  FlatTensors message;
  const auto tensor = MakeTensor<float>(DType::kFloat32, {1}, {1});
  ASSERT_TRUE(WriteTensors({{"old", tensor.view()}}, message).ok());
  ASSERT_TRUE(WriteTensors({{"new", tensor.view()}}, message).ok());
  EXPECT_EQ(message.tensors_size(), 1);
  EXPECT_EQ(message.tensors().count("new"), 1u);
}

}  // namespace
}  // namespace bowerbird::wire
