// SPDX-License-Identifier: Apache-2.0
#include "capture/readers.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "audio/format.h"
#include "base/status.h"
#include "image/codec.h"
#include "machine/api_service.h"
#include "machine/audio.h"
#include "machine/board.h"
#include "machine/motor.h"

namespace bowerbird::capture {
namespace {

using machine::Attributes;

constexpr char kReaderName[] = "reader_name";
constexpr char kPinName[] = "pin_name";
// Of one item of sound; an interval that holds more is cut.
constexpr size_t kMaxSoundBytes = size_t{64} << 20;
constexpr char kFilteredText[] = "no capture from filter module";
const Json& FromDataManagement() {
  static const Json& extra = *new Json{{"fromDataManagement", true}};
  return extra;
}

// All that a reader needs.
struct Request {
  const Context& context;
  const machine::ResourceFinder& finder;
  const CaptureMethod& method;
  const std::vector<std::string>& tags;
  Time requested;
  int64_t* sound_end_ns;

  Attributes parameters() const { return {method.parameters, "additional_params"}; }

  template <typename T>
  absl::StatusOr<std::shared_ptr<T>> Find() const {
    return finder.FindAs<T>(method.resource.name);
  }

  // Of whatever API, if it does what a T does.
  template <typename T>
  absl::StatusOr<std::shared_ptr<T>> FindLike() const {
    ASSIGN_OR_RETURN(const auto resource, finder.Find(method.resource));
    auto typed = std::dynamic_pointer_cast<T>(resource);
    if (typed == nullptr)
      return Unimplemented(method.resource.ToString() + " cannot be read for " + method.method);
    return typed;
  }

  Captured New(DataKind kind) const {
    Captured captured;
    CaptureHeader& header = captured.header;
    header.component_type = method.resource.api.ToString();
    header.component_name = method.resource.name;
    header.method_name = method.method;
    header.kind = kind;
    header.parameters = method.parameters;
    header.tags = tags;
    header.tags.insert(header.tags.end(), method.tags.begin(), method.tags.end());
    captured.record.requested = requested;
    captured.record.received = SystemNow();
    return captured;
  }

  Captured NewPicture(const machine::NamedImage& image) const {
    Captured captured = New(DataKind::kBinary);
    captured.record.picture = image.picture;
    captured.header.mime_type = std::string(image::PlainMime(image.picture->mime()));
    return captured;
  }
};

// Only these have an extension of their own; the others get theirs at upload.
std::string ExtensionOf(std::string_view mime) {
  if (mime == image::kMimeJpeg) return ".jpeg";
  if (mime == image::kMimePng) return ".png";
  if (mime == image::kMimePcd) return ".pcd";
  return "";
}

void TakeTime(std::chrono::system_clock::time_point captured_at, Record& record) {
  if (captured_at != std::chrono::system_clock::time_point()) record.received = captured_at;
}

absl::StatusOr<Capture> ReadImage(const Request& request) {
  ASSIGN_OR_RETURN(const std::string wanted, request.parameters().String("mime_type"));
  ASSIGN_OR_RETURN(const auto camera, request.Find<machine::Camera>());
  ASSIGN_OR_RETURN(const auto images, camera->GetImages(request.context, {}, FromDataManagement()));
  if (images.images.empty()) return Internal("the camera gave no image");
  const std::string_view mime = wanted.empty() ? image::kMimeJpeg : image::PlainMime(wanted);
  const auto fitting =
      std::find_if(images.images.begin(), images.images.end(),
                   [&](const auto& one) { return image::PlainMime(one.picture->mime()) == mime; });
  const auto& image = fitting == images.images.end() ? images.images.front() : *fitting;
  Captured captured = request.NewPicture(image);
  if (!wanted.empty()) captured.header.file_extension = ExtensionOf(captured.header.mime_type);
  captured.record.annotations = image.annotations;
  TakeTime(images.captured_at, captured.record);
  Capture capture;
  capture.items.push_back(std::move(captured));
  return capture;
}

absl::StatusOr<Capture> GetImages(const Request& request) {
  ASSIGN_OR_RETURN(const auto filter, request.parameters().Strings("filter_source_names"));
  ASSIGN_OR_RETURN(const auto camera, request.Find<machine::Camera>());
  ASSIGN_OR_RETURN(const auto images,
                   camera->GetImages(request.context, filter, FromDataManagement()));
  Capture capture;
  for (const auto& image : images.images) {
    Captured captured = request.NewPicture(image);
    captured.record.annotations = image.annotations;
    captured.record.annotations.push_back({image.source_name, std::nullopt, std::nullopt});
    TakeTime(images.captured_at, captured.record);
    // Two sources may show the same bytes: the time keeps them apart.
    captured.record.requested += std::chrono::nanoseconds(capture.items.size());
    capture.items.push_back(std::move(captured));
  }
  return capture;
}

absl::StatusOr<Capture> NextPointCloud(const Request& request) {
  ASSIGN_OR_RETURN(const auto camera, request.Find<machine::Camera>());
  ASSIGN_OR_RETURN(std::string pcd, camera->GetPointCloud(request.context, FromDataManagement()));
  Captured captured = request.New(DataKind::kBinary);
  captured.record.bytes = std::move(pcd);
  captured.header.mime_type = image::kMimePcd;
  captured.header.file_extension = ".pcd";
  Capture capture;
  capture.items.push_back(std::move(captured));
  return capture;
}

// The reference documents it as a number and shows it as a string.
absl::StatusOr<double> MinConfidence(const Attributes& parameters) {
  if (!parameters.Has("min_confidence_score") ||
      !parameters.json().at("min_confidence_score").is_string())
    return parameters.Double("min_confidence_score", 0, 0, 1);
  const Json number =
      Json::parse(parameters.json().at("min_confidence_score").get<std::string>(), nullptr, false);
  const Json holder{{"min_confidence_score", number.is_number() ? number : Json("")}};
  return Attributes(holder, parameters.path()).Double("min_confidence_score", 0, 0, 1);
}

void AnnotateWith(const machine::CaptureAll& all, double min_confidence,
                  std::vector<machine::Annotation>& annotations) {
  for (const auto& detection : all.detections) {
    if (detection.confidence >= min_confidence)
      annotations.push_back(
          {detection.label, detection.confidence, vision::Normalize(detection, all.size)});
  }
  for (const auto& one : all.classifications) {
    if (one.confidence >= min_confidence)
      annotations.push_back({one.label, one.confidence, std::nullopt});
  }
}

absl::StatusOr<Capture> CaptureAllFromCamera(const Request& request) {
  ASSIGN_OR_RETURN(const std::string camera, request.parameters().RequiredString("camera_name"));
  ASSIGN_OR_RETURN(const double min_confidence, MinConfidence(request.parameters()));
  ASSIGN_OR_RETURN(const auto service, request.Find<machine::Vision>());
  ASSIGN_OR_RETURN(
      machine::CaptureAll all,
      service->CaptureAllFromCamera(request.context, camera,
                                    {.image = true, .classifications = true, .detections = true},
                                    FromDataManagement()));
  if (!all.image.has_value() || all.image->picture == nullptr)
    return Internal("the vision service gave no image");
  if (all.size == image::Size() && !all.detections.empty()) {
    ASSIGN_OR_RETURN(const auto header, all.image->picture->header());
    all.size = header.size;
  }
  Captured captured = request.NewPicture(*all.image);
  AnnotateWith(all, min_confidence, captured.record.annotations);
  Capture capture;
  capture.items.push_back(std::move(captured));
  capture.detections = std::move(all.detections);
  capture.classifications = std::move(all.classifications);
  capture.has_findings = true;
  return capture;
}

Capture Tabular(const Request& request, Json readings) {
  Captured captured = request.New(DataKind::kTabular);
  captured.header.file_extension = ".dat";
  captured.record.readings = std::move(readings);
  Capture capture;
  capture.items.push_back(std::move(captured));
  return capture;
}

absl::StatusOr<Capture> Readings(const Request& request) {
  ASSIGN_OR_RETURN(const auto sensor, request.FindLike<machine::Sensor>());
  ASSIGN_OR_RETURN(Json readings, sensor->GetReadings(request.context, FromDataManagement()));
  return Tabular(request, Json{{"readings", std::move(readings)}});
}

absl::StatusOr<Capture> DoCommand(const Request& request) {
  ASSIGN_OR_RETURN(const auto resource, request.finder.Find(request.method.resource));
  ASSIGN_OR_RETURN(const Attributes input, request.parameters().Object("docommand_input"));
  ASSIGN_OR_RETURN(Json output, resource->DoCommand(request.context, input.json()));
  return Tabular(request, Json{{"docommand_output", std::move(output)}});
}

// What follows has the names of the answers' fields on the wire.
absl::StatusOr<Capture> MotorPosition(const Request& request) {
  ASSIGN_OR_RETURN(const auto motor, request.Find<machine::Motor>());
  ASSIGN_OR_RETURN(const double position,
                   motor->GetPosition(request.context, FromDataManagement()));
  return Tabular(request, Json{{"position", position}});
}

absl::StatusOr<Capture> MotorIsPowered(const Request& request) {
  ASSIGN_OR_RETURN(const auto motor, request.Find<machine::Motor>());
  ASSIGN_OR_RETURN(const auto power, motor->IsPowered(request.context, FromDataManagement()));
  return Tabular(request, Json{{"is_on", power.is_on}, {"power_pct", power.fraction}});
}

absl::StatusOr<Capture> BoardAnalogs(const Request& request) {
  ASSIGN_OR_RETURN(const std::string name, request.parameters().RequiredString(kReaderName));
  ASSIGN_OR_RETURN(const auto board, request.Find<machine::Board>());
  ASSIGN_OR_RETURN(const auto read, board->ReadAnalog(request.context, name, FromDataManagement()));
  return Tabular(request, Json{{"value", read.value},
                               {"min_range", read.minimum},
                               {"max_range", read.maximum},
                               {"step_size", read.step}});
}

absl::StatusOr<Capture> BoardGpios(const Request& request) {
  ASSIGN_OR_RETURN(const std::string pin, request.parameters().RequiredString(kPinName));
  ASSIGN_OR_RETURN(const auto board, request.Find<machine::Board>());
  ASSIGN_OR_RETURN(const bool high, board->GetGpio(request.context, pin, FromDataManagement()));
  return Tabular(request, Json{{"high", high}});
}

// Sound of one format, as it came.
struct Recording {
  machine::AudioInfo info;
  std::string bytes;
};

absl::StatusOr<Captured> ToCaptured(const Request& request, Recording recording) {
  Captured captured = request.New(DataKind::kBinary);
  const auto codec = audio::CodecFromName(recording.info.codec);
  if (codec.ok()) {
    ASSIGN_OR_RETURN(
        captured.record.bytes,
        audio::WavFile(*codec, {recording.info.sample_rate_hz, recording.info.channels},
                       recording.bytes));
    captured.header.mime_type = "audio/wav";
    captured.header.file_extension = ".wav";
    return captured;
  }
  captured.record.bytes = std::move(recording.bytes);
  const bool mp3 = recording.info.codec == "mp3";
  captured.header.mime_type = mp3 ? "audio/mpeg" : "application/octet-stream";
  captured.header.file_extension = mp3 ? ".mp3" : "";
  return captured;
}

// As long as one interval; each read goes on where the one before was.
absl::StatusOr<Capture> GetAudio(const Request& request) {
  machine::AudioRequest wanted;
  ASSIGN_OR_RETURN(wanted.codec, request.parameters().String("codec", "pcm16"));
  wanted.duration_seconds = 1 / request.method.frequency_hz;
  if (request.sound_end_ns != nullptr)
    wanted.previous_timestamp_ns = std::exchange(*request.sound_end_ns, 0);
  ASSIGN_OR_RETURN(const auto audio_in, request.Find<machine::AudioIn>());
  std::vector<Recording> recordings;
  size_t size = 0;
  RETURN_IF_ERROR(audio_in->GetAudio(
      request.context, wanted,
      [&](const machine::AudioChunk& chunk) {
        if (request.sound_end_ns != nullptr) *request.sound_end_ns = chunk.end_ns;
        const bool same = !recordings.empty() && recordings.back().info == chunk.info;
        if (!same) recordings.push_back({chunk.info, ""});
        recordings.back().bytes += chunk.bytes;
        size += chunk.bytes.size();
        return size < kMaxSoundBytes;
      },
      FromDataManagement()));
  Capture capture;
  for (Recording& recording : recordings) {
    if (recording.bytes.empty()) continue;
    ASSIGN_OR_RETURN(Captured captured, ToCaptured(request, std::move(recording)));
    captured.record.requested += std::chrono::nanoseconds(capture.items.size());
    capture.items.push_back(std::move(captured));
  }
  if (capture.items.empty()) return Unavailable("no sound came");
  return capture;
}

struct Reader {
  const machine::Api* api;  // null: every API
  std::string_view method;
  absl::StatusOr<Capture> (*read)(const Request&);
};

const std::array<Reader, 13> kReaders = {{
    {&machine::kCameraApi, "ReadImage", ReadImage},
    {&machine::kCameraApi, "GetImages", GetImages},
    {&machine::kCameraApi, "NextPointCloud", NextPointCloud},
    {&machine::kVisionApi, "CaptureAllFromCamera", CaptureAllFromCamera},
    {&machine::kSensorApi, "Readings", Readings},
    {&machine::kMovementSensorApi, "Readings", Readings},
    {&machine::kPowerSensorApi, "Readings", Readings},
    {&machine::kMotorApi, "Position", MotorPosition},
    {&machine::kMotorApi, "IsPowered", MotorIsPowered},
    {&machine::kBoardApi, "Analogs", BoardAnalogs},
    {&machine::kBoardApi, "Gpios", BoardGpios},
    {&machine::kAudioInApi, "GetAudio", GetAudio},
    {nullptr, "DoCommand", DoCommand},
}};

const Reader* FindReader(const CaptureMethod& method) {
  for (const Reader& reader : kReaders) {
    if (reader.method == method.method &&
        (reader.api == nullptr || *reader.api == method.resource.api))
      return &reader;
  }
  return nullptr;
}

}  // namespace

bool IsFiltered(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) &&
         ToStd(status.message()).find(kFilteredText) != std::string_view::npos;
}

absl::Status CheckMethod(const CaptureMethod& method) {
  const std::string what = method.resource.ToString() + " " + method.method;
  if (FindReader(method) == nullptr) {
    std::string known;
    for (const Reader& reader : kReaders) {
      if (reader.api == nullptr || *reader.api == method.resource.api)
        known += (known.empty() ? "" : ", ") + std::string(reader.method);
    }
    return InvalidArgument(what + ": the method cannot be captured; known: " + known);
  }
  if (!(method.frequency_hz >= 1e-6))
    return InvalidArgument(what + ": capture_frequency_hz " + std::to_string(method.frequency_hz) +
                           " is not above 0: nothing is captured");
  const Attributes parameters(method.parameters, what + ": additional_params");
  if (method.method == "CaptureAllFromCamera") {
    RETURN_IF_ERROR(parameters.RequiredString("camera_name").status());
    RETURN_IF_ERROR(MinConfidence(parameters).status());
  }
  if (method.method == "Analogs") RETURN_IF_ERROR(parameters.RequiredString(kReaderName).status());
  if (method.method == "Gpios") RETURN_IF_ERROR(parameters.RequiredString(kPinName).status());
  RETURN_IF_ERROR(parameters.String("codec").status());
  RETURN_IF_ERROR(parameters.String("mime_type").status());
  RETURN_IF_ERROR(parameters.Strings("filter_source_names").status());
  return parameters.Object("docommand_input").status();
}

absl::StatusOr<Capture> ReadOnce(const Context& context, const machine::ResourceFinder& finder,
                                 const CaptureMethod& method, const ReadOptions& options) {
  const Reader* reader = FindReader(method);
  if (reader == nullptr) return InvalidArgument(method.method + " cannot be captured");
  Context from_capture = context;
  from_capture.from_data_management = true;
  return reader->read(
      {from_capture, finder, method, options.tags, options.requested, options.sound_end_ns});
}

}  // namespace bowerbird::capture
