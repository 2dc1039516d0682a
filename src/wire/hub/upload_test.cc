// SPDX-License-Identifier: Apache-2.0
#include "wire/hub/upload.h"

#include "gtest/gtest.h"
#include "wire/hub/media_type.h"
#include "wire/machine/time.h"

namespace bowerbird::wire {
namespace {

namespace proto = viam::app::datasync::v1;
using std::chrono::seconds;

const data::Time kNow{seconds(1'700'000'000)};
const Origin kOrigin{"loc", "robot-1", "bench", "part-1", "bench-main"};
constexpr char kJpeg[] = "\xff\xd8\xff\xe0....JFIF";

google::protobuf::Timestamp At(int64_t second) {
  google::protobuf::Timestamp time;
  time.set_seconds(second);
  return time;
}

absl::StatusOr<data::NewItem> Read(const proto::UploadMetadata& upload,
                                   const proto::SensorMetadata& sensor = {},
                                   std::string_view begin = "") {
  return ReadItemUpload(upload, sensor, kOrigin, begin, kNow);
}

TEST(ItemUpload, TakesWhereItComesFromFromTheHubAndWhatItIsFromTheClient) {
  proto::UploadMetadata upload;
  upload.set_part_id("part-1");
  upload.set_component_type("rdk:component:camera");
  upload.set_component_name("cam");
  upload.set_method_name("ReadImage");
  upload.set_file_extension("jpg");
  upload.add_tags("day");
  upload.add_dataset_ids("0123456789abcdef01234567");
  proto::SensorMetadata sensor;
  *sensor.mutable_time_requested() = At(10);
  *sensor.mutable_time_received() = At(11);
  auto& box = *sensor.mutable_annotations()->add_bboxes();
  box.set_label("bird");
  box.set_x_max_normalized(0.5);
  box.set_y_max_normalized(0.75);
  box.set_confidence(0.9);
  const auto item = Read(upload, sensor);
  ASSERT_TRUE(item.ok()) << item.status();
  EXPECT_EQ(item->source.location_id, "loc");
  EXPECT_EQ(item->source.robot_id, "robot-1");
  EXPECT_EQ(item->source.robot_name, "bench");
  EXPECT_EQ(item->source.part_name, "bench-main");
  EXPECT_EQ(item->source.component_type, "rdk:component:camera");
  EXPECT_EQ(item->source.mime_type, "image/jpeg");
  EXPECT_EQ(item->file_extension, ".jpg");
  EXPECT_EQ(item->time_requested, data::Time(seconds(10)));
  EXPECT_EQ(item->time_received, data::Time(seconds(11)));
  EXPECT_EQ(item->tags, std::vector<std::string>{"day"});
  EXPECT_EQ(item->dataset_ids.size(), 1u);
  ASSERT_EQ(item->annotations.boxes.size(), 1u);
  EXPECT_EQ(item->annotations.boxes[0].label, "bird");
  EXPECT_EQ(item->annotations.boxes[0].confidence, 0.9);
}

TEST(ItemUpload, TheKindIsWhatTheUploadSaysThenItsExtensionThenItsContent) {
  proto::UploadMetadata upload;
  EXPECT_EQ(Read(upload)->source.mime_type, "application/octet-stream");
  EXPECT_EQ(Read(upload, {}, kJpeg)->source.mime_type, "image/jpeg");
  EXPECT_EQ(Read(upload, {}, kJpeg)->file_extension, ".jpeg");
  upload.set_file_name("/shots/a.b/one.PNG");
  EXPECT_EQ(Read(upload, {}, kJpeg)->source.mime_type, "image/png");
  EXPECT_EQ(Read(upload, {}, kJpeg)->file_extension, ".PNG");
  upload.set_mime_type("image/webp");
  EXPECT_EQ(Read(upload, {}, kJpeg)->source.mime_type, "image/webp");
}

TEST(ItemUpload, TimesOfTheFileStandInForThoseOfACapture) {
  proto::UploadMetadata upload;
  EXPECT_EQ(Read(upload)->time_requested, kNow);
  *upload.mutable_file_modify_time() = At(20);
  EXPECT_EQ(Read(upload)->time_requested, data::Time(seconds(20)));
  *upload.mutable_file_create_time() = At(19);
  EXPECT_EQ(Read(upload)->time_requested, data::Time(seconds(19)));
  EXPECT_EQ(Read(upload)->time_received, data::Time(seconds(20)));
}

TEST(ItemUpload, WhatCannotBeStoredIsAnInvalidArgument) {
  proto::UploadMetadata upload;
  upload.set_file_name("two\nlines");
  EXPECT_TRUE(absl::IsInvalidArgument(Read(upload).status()));
  upload.set_file_name(std::string(kMaxNameBytes + 1, 'a'));
  EXPECT_TRUE(absl::IsInvalidArgument(Read(upload).status()));
  upload.clear_file_name();
  proto::SensorMetadata sensor;
  sensor.mutable_time_requested()->set_nanos(-1);
  EXPECT_TRUE(absl::IsInvalidArgument(Read(upload, sensor).status()));
  *sensor.mutable_time_requested() = At(INT64_MAX);
  EXPECT_TRUE(absl::IsInvalidArgument(Read(upload, sensor).status()));
}

TEST(KindOfUpload, FollowsTheContentAndMustNotContradictTheMetadata) {
  proto::DataCaptureUploadRequest request;
  EXPECT_TRUE(absl::IsInvalidArgument(KindOfUpload(request).status()));
  request.add_sensor_contents()->set_binary("x");
  EXPECT_EQ(*KindOfUpload(request), UploadKind::kBinary);
  request.mutable_metadata()->set_type(proto::DATA_TYPE_TABULAR_SENSOR);
  EXPECT_TRUE(absl::IsInvalidArgument(KindOfUpload(request).status()));
  request.mutable_metadata()->set_type(proto::DATA_TYPE_BINARY_SENSOR);
  request.add_sensor_contents()->mutable_struct_();
  EXPECT_TRUE(absl::IsInvalidArgument(KindOfUpload(request).status()));
  request.mutable_sensor_contents()->DeleteSubrange(0, 1);
  EXPECT_TRUE(absl::IsInvalidArgument(KindOfUpload(request).status()));
  request.mutable_metadata()->set_type(proto::DATA_TYPE_UNSPECIFIED);
  EXPECT_EQ(*KindOfUpload(request), UploadKind::kTabular);
}

TEST(ReadingsUpload, EachRowBecomesAJsonObjectWithItsTimes) {
  proto::DataCaptureUploadRequest request;
  request.mutable_metadata()->set_component_name("climate");
  request.mutable_metadata()->add_tags("lab");
  for (int i = 0; i < 3; ++i) {
    proto::SensorData& data = *request.add_sensor_contents();
    *data.mutable_metadata()->mutable_time_requested() = At(100 + i);
    (*data.mutable_struct_()->mutable_fields())["t"].set_number_value(i);
  }
  const auto upload = ReadReadingsUpload(request, kOrigin, kNow);
  ASSERT_TRUE(upload.ok()) << upload.status();
  EXPECT_EQ(upload->source.source.part_id, "part-1");
  EXPECT_EQ(upload->source.tags, std::vector<std::string>{"lab"});
  ASSERT_EQ(upload->readings.size(), 3u);
  EXPECT_EQ(upload->readings[2].payload, "{\"t\":2}");
  EXPECT_EQ(upload->readings[2].time_requested, data::Time(seconds(102)));
  EXPECT_EQ(upload->readings[2].time_received, data::Time(seconds(102)));
}

TEST(MediaType, ExtensionsAndTypesOfMachinesAgree) {
  for (const char* const extension :
       {".jpeg", ".png", ".pcd", ".dep", ".rgba", ".mp4", ".wav", ".mp3"})
    EXPECT_EQ(ExtensionOfMediaType(MediaTypeOfExtension(extension)), extension);
  EXPECT_EQ(MediaTypeOfExtension("JPG"), "image/jpeg");
  EXPECT_EQ(MediaTypeOfExtension(".unheard"), "");
  EXPECT_EQ(MediaTypeOfContent("\x89PNG\r\n\x1a\n...."), "image/png");
  EXPECT_EQ(MediaTypeOfContent("\x89PN"), "");
  EXPECT_EQ(MediaTypeOfContent("RIFF....WEBPVP8 "), "image/webp");
}

}  // namespace
}  // namespace bowerbird::wire
