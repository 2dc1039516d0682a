// SPDX-License-Identifier: Apache-2.0
//
// Files through ffmpeg, good and bad, and what a model hears in them.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "audio/sound_bytes.h"
#include "audio/sound_classifier.h"
#include "audio/sound_reader.h"
#include "audio/sound_writer.h"
#include "base/spawn.h"
#include "base/status.h"
#include "infer/tflite_model.h"

namespace bowerbird::audio {
namespace {

namespace fs = std::filesystem;

class SoundTest : public testing::Test {
 protected:
  SoundTest() {
    std::string pattern = (fs::temp_directory_path() / "sound-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  ~SoundTest() override { fs::remove_all(folder_); }
  void SetUp() override {
    if (!FindProgram("ffmpeg").ok()) GTEST_SKIP() << "ffmpeg is not installed";
  }

  std::string Put(const std::string& name, const std::string& bytes) const {
    std::string path = (folder_ / name).string();
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

  // A ramp: every sample is another.
  static std::vector<float> Ramp(size_t count) {
    std::vector<float> samples(count);
    for (size_t i = 0; i < count; ++i)
      samples[i] = static_cast<float>(static_cast<double>(i % 20000) / 32768);
    return samples;
  }

  fs::path folder_;
};

TEST_F(SoundTest, AWavFileIsReadToTheSample) {
  for (const Codec codec : {Codec::kPcm16, Codec::kPcm32, Codec::kPcm32Float}) {
    const auto ramp = Ramp(30000);
    const std::string path = Put("a-b:c %d.wav", *WavFile(codec, {8000, 2}, Encode(codec, ramp)));
    EXPECT_EQ(*ProbeFile({}, path), (Format{8000, 2}));
    SoundSource source;
    source.path = path;
    source.format = {8000, 2};
    const auto samples = ReadSound({}, source, 10);
    ASSERT_TRUE(samples.ok()) << samples.status();
    EXPECT_EQ(*samples, ramp) << NameOf(codec);
    EXPECT_EQ(ReadSound({}, source, 1).status().code(), absl::StatusCode::kResourceExhausted);
  }
}

TEST_F(SoundTest, BadFilesAreErrorsThatSayWhat) {
  const std::string good = *WavFile(Codec::kPcm16, {16000, 1}, std::string(32000, 'x'));
  std::string lies = good;
  lies.replace(40, 4, "\xff\xff\xff\x7f");  // says that 2 GiB follow
  const auto sent = ReadSoundBytes({}, lies, 10);
  ASSERT_TRUE(sent.ok()) << sent.status();  // what is there is heard
  EXPECT_EQ(sent->samples.size(), 16000u);

  std::string no_channels = good;
  no_channels.replace(22, 2, std::string(2, '\0'));
  std::string no_rate = good;
  no_rate.replace(24, 4, std::string(4, '\0'));
  for (const std::string& bytes :
       {std::string(), std::string("RIFF"), good.substr(0, 30), no_channels, no_rate,
        std::string(100000, '\xff'), std::string("#EXTM3U\nfile:///etc/passwd\n"),
        std::string("ffconcat version 1.0\nfile /etc/hostname\n")}) {
    const auto sound = ReadSoundBytes({}, bytes, 10);
    EXPECT_FALSE(sound.ok()) << bytes.substr(0, 20);
    EXPECT_NE(sound.status().message().find("that was sent"), std::string::npos) << sound.status();
  }
  std::string fast = good;
  fast.replace(24, 4, std::string("\x40\x42\x0f\0", 4));
  EXPECT_NE(MessageOf(ReadSoundBytes({}, fast, 10).status())
                .find("that was sent: a sample rate of 1000000 Hz: it must be from"),
            std::string::npos);
  EXPECT_EQ(ProbeFile({}, (folder_ / "none.wav").string()).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_FALSE(ProbeFile({}, folder_.string()).ok());
}

TEST_F(SoundTest, AReaderEndsWithItsContext) {
  SoundSource source;
  source.path = Put("long.wav", *WavFile(Codec::kPcm16, {8000, 1}, std::string(160000, '\0')));
  source.format = {8000, 1};
  source.loop = source.realtime = true;
  const auto reader = SoundReader::Open(source);
  ASSERT_TRUE(reader.ok());
  const auto begin = std::chrono::steady_clock::now();
  const Context context = Context().WithTimeout(std::chrono::milliseconds(500));
  absl::Status status;
  while (status.ok()) status = (*reader)->Read(context, 100).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST_F(SoundTest, ADeviceThatIsNotThereIsNamed) {
  SoundSource source;
  source.device = "no_such_device";
  source.format = {16000, 1};
  const auto reader = SoundReader::Open(source);
  ASSERT_TRUE(reader.ok());
  const absl::Status heard = (*reader)->Read({}, 100).status();
  EXPECT_EQ(heard.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(heard.message().find("microphone no_such_device"), std::string::npos) << heard;

  const auto writer = SoundWriter::Open({"no_such_device", {16000, 1}});
  ASSERT_TRUE(writer.ok());
  absl::Status played = (*writer)->Write({}, Ramp(1600));
  if (played.ok()) played = (*writer)->Finish({});
  EXPECT_EQ(played.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(played.message().find("loudspeaker no_such_device"), std::string::npos) << played;
}

// ALSA's own device for nothing: plays and records on computers without a sound card.
TEST_F(SoundTest, TheNullDevicePlaysAndRecords) {
  const auto writer = SoundWriter::Open({"null", {16000, 1}});
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE((*writer)->Write({}, Ramp(8000)).ok());
  const absl::Status finished = (*writer)->Finish({});
  EXPECT_TRUE(finished.ok()) << finished;
  SoundSource source;
  source.device = "null";
  source.format = {16000, 1};
  const auto reader = SoundReader::Open(source);
  ASSERT_TRUE(reader.ok());
  const auto samples = (*reader)->Read(Context().WithTimeout(std::chrono::seconds(20)), 1600);
  ASSERT_TRUE(samples.ok()) << samples.status();
  EXPECT_FALSE(samples->empty());
}

const char* TestData() { return std::getenv("BOWERBIRD_TEST_DATA"); }

TEST_F(SoundTest, YamnetHearsSpeechInEveryWindowAtAnyRate) {
  if (TestData() == nullptr) GTEST_SKIP() << "BOWERBIRD_TEST_DATA is not set";
  const std::string data = std::string(TestData()) + "/models/audio/";
  infer::TfliteOptions options;
  options.model_path = data + "yamnet_audio_classifier_with_metadata.tflite";
  const auto model = infer::TfliteModel::Load(options);
  ASSERT_TRUE(model.ok()) << model.status();
  const auto classifier = SoundClassifier::Create({}, **model, {});
  ASSERT_TRUE(classifier.ok()) << classifier.status();
  EXPECT_EQ((*classifier)->sample_rate_hz(), 16000);
  EXPECT_EQ((*classifier)->window(), 15600u);
  for (const int rate : {16000, 44100}) {
    SoundSource source;
    source.path = data + "speech.wav";
    source.format = {rate, 1};
    const auto samples = ReadSound({}, source, 60);
    ASSERT_TRUE(samples.ok()) << samples.status();
    auto windows = Windows::Create(**classifier, rate, 0);
    const auto ready = windows->Push(*samples);
    ASSERT_EQ(ready->size(), 4u);
    for (size_t i = 0; i < ready->size(); ++i) {
      EXPECT_NEAR((*ready)[i].start_seconds, 0.975 * static_cast<double>(i), 1e-9);
      auto found = (*classifier)->Classify({}, (*ready)[i].samples);
      ASSERT_TRUE(found.ok()) << found.status();
      vision::KeepTop(*found, 1);
      EXPECT_EQ(found->front().label, "Speech") << rate << " " << i;
      EXPECT_GT(found->front().confidence, 0.9) << rate << " " << i;
    }
    // A third of a window is left, which is too little to judge.
    EXPECT_TRUE(windows->Finish()->empty());
  }
}

TEST_F(SoundTest, ModelsThatDoNotListenAreRefused) {
  if (TestData() == nullptr) GTEST_SKIP() << "BOWERBIRD_TEST_DATA is not set";
  for (const char* file :
       {"audio/micro_speech_quantized.tflite", "other/hello_world_float.tflite"}) {
    infer::TfliteOptions options;
    options.model_path = std::string(TestData()) + "/models/" + file;
    if (!fs::exists(options.model_path)) continue;
    const auto model = infer::TfliteModel::Load(options);
    ASSERT_TRUE(model.ok()) << model.status();
    const auto classifier = SoundClassifier::Create({}, **model, {});
    EXPECT_EQ(classifier.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_NE(classifier.status().message().find("waveform"), std::string::npos)
        << classifier.status();
  }
}

}  // namespace
}  // namespace bowerbird::audio
