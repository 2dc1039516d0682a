// SPDX-License-Identifier: Apache-2.0
//
// Model `sound_classifier`: what an audio_in hears, by an mlmodel that takes a waveform. The same
// thing as a sensor, whose readings can be captured, and as a generic service, which can be asked.
#include <algorithm>
#include <memory>
#include <utility>

#include "audio/sound_bytes.h"
#include "audio/sound_classifier.h"
#include "base/base64.h"
#include "base/status.h"
#include "machine/builtins.h"
#include "machine/sound_listener.h"

namespace bowerbird::machine {
namespace {

constexpr double kMaxSentSeconds = 600;
constexpr double kMaxListenSeconds = 600;
constexpr double kNanosecondsPerSecond = 1e9;
constexpr int kDefaultTop = 5;

struct SoundOptions {
  std::string name;
  std::string model_name;
  std::string audio_in;  // "": only what is sent
  audio::SoundClassifierOptions classifier;
  double hop_seconds = 0;
  double keep_seconds = 60;
  int top = kDefaultTop;
};

absl::StatusOr<SoundOptions> ReadOptions(const ResourceConfig& config,
                                         const Attributes& attributes) {
  SoundOptions options;
  options.name = config.name.name;
  ASSIGN_OR_RETURN(options.model_name, attributes.RequiredString("mlmodel_name"));
  ASSIGN_OR_RETURN(options.audio_in, attributes.String("audio_in"));
  ASSIGN_OR_RETURN(options.classifier.label_path, attributes.String("label_path"));
  ASSIGN_OR_RETURN(const int64_t rate,
                   attributes.Int("sample_rate_hz", 0, 0, audio::kMaxSampleRate));
  options.classifier.sample_rate_hz = static_cast<int>(rate);
  ASSIGN_OR_RETURN(options.classifier.window_seconds,
                   attributes.Double("window_seconds", 0, 0, 60));
  ASSIGN_OR_RETURN(options.classifier.min_confidence,
                   attributes.Double("minimum_confidence", 0, 0, 1));
  ASSIGN_OR_RETURN(options.hop_seconds, attributes.Double("hop_seconds", 0, 0, 3600));
  ASSIGN_OR_RETURN(options.keep_seconds, attributes.Double("keep_seconds", 60, 1, 3600));
  ASSIGN_OR_RETURN(const int64_t top, attributes.Int("top", kDefaultTop, 1, 100000));
  options.top = static_cast<int>(top);
  return options;
}

Json ToJson(const HeardWindow& window, int64_t origin_ns, int top) {
  Json classifications = Json::array();
  for (size_t i = 0; i < window.classifications.size() && i < static_cast<size_t>(top); ++i) {
    const auto& one = window.classifications[i];
    classifications.push_back(
        {{"label", one.label}, {"class_id", one.class_id}, {"confidence", one.confidence}});
  }
  return {
      {"start_seconds", static_cast<double>(window.start_ns - origin_ns) / kNanosecondsPerSecond},
      {"end_seconds", static_cast<double>(window.end_ns - origin_ns) / kNanosecondsPerSecond},
      {"classifications", std::move(classifications)}};
}

Json ToJson(const std::vector<HeardWindow>& windows, int64_t origin_ns, int top) {
  Json list = Json::array();
  for (const auto& window : windows) list.push_back(ToJson(window, origin_ns, top));
  return {{"windows", std::move(list)}};
}

class SoundService : public Sensor, public GenericService {
 public:
  SoundService(SoundOptions options, std::shared_ptr<MlModel> model,
               std::unique_ptr<audio::SoundClassifier> classifier, const ResourceFinder* finder)
      : options_(std::move(options)),
        model_(std::move(model)),
        classifier_(std::move(classifier)),
        finder_(finder) {
    if (!options_.audio_in.empty())
      listener_ = std::make_unique<SoundListener>(
          *classifier_, SoundListener::Options{options_.name, options_.audio_in, finder_,
                                               options_.hop_seconds, options_.keep_seconds});
  }

  // On a model: a version that does not listen leaves it on the one before.
  bool OutlivesFailure() const override { return true; }

  // The last window.
  absl::StatusOr<Json> GetReadings(const Context&, const Json&) override {
    RETURN_IF_ERROR(NeedsListener());
    ASSIGN_OR_RETURN(const auto heard, listener_->Heard(options_.keep_seconds));
    if (heard.empty()) return Unavailable("nothing was heard yet: the first window is not over");
    const HeardWindow& last = heard.back();
    Json readings = ToJson(last, last.start_ns, options_.top);
    readings["age_seconds"] =
        static_cast<double>(NanosecondsNow() - last.end_ns) / kNanosecondsPerSecond;
    const bool any = !last.classifications.empty();
    readings["label"] = any ? last.classifications.front().label : "";
    readings["confidence"] = any ? last.classifications.front().confidence : 0.0;
    return readings;
  }

  absl::StatusOr<Json> DoCommand(const Context& context, const Json& json) override {
    const Attributes command(json, "command");
    ASSIGN_OR_RETURN(const std::string what,
                     command.Choice("command", "labels", {"labels", "listen", "classify"}));
    ASSIGN_OR_RETURN(const int64_t top, command.Int("top", options_.top, 1, 100000));
    if (what == "classify") return Classify(context, command, static_cast<int>(top));
    RETURN_IF_ERROR(NeedsListener());
    if (what == "listen") return Listen(context, command, static_cast<int>(top));
    ASSIGN_OR_RETURN(const double seconds,
                     command.Double("seconds", options_.keep_seconds, 0, options_.keep_seconds));
    ASSIGN_OR_RETURN(const auto heard, listener_->Heard(seconds));
    // Negative times: how long ago.
    return ToJson(heard, NanosecondsNow(), static_cast<int>(top));
  }

 private:
  absl::Status NeedsListener() const {
    if (listener_ != nullptr) return absl::OkStatus();
    return FailedPrecondition(options_.name + " has no audio_in in its attributes to listen to");
  }

  // A file that was sent, base64.
  absl::StatusOr<Json> Classify(const Context& context, const Attributes& command, int top) const {
    ASSIGN_OR_RETURN(const std::string text, command.RequiredString("audio"));
    const auto bytes = Base64Decode(text);
    if (!bytes.has_value()) return command.Error("audio", "is not base64 of a sound file");
    ASSIGN_OR_RETURN(const auto sound, audio::ReadSoundBytes(context, *bytes, kMaxSentSeconds));
    AudioChunk chunk;
    chunk.info = {std::string(audio::NameOf(audio::Codec::kPcm32Float)),
                  sound.format.sample_rate_hz, sound.format.channels};
    chunk.bytes = audio::Encode(audio::Codec::kPcm32Float, sound.samples);
    StreamClassifier stream(*classifier_, options_.hop_seconds);
    ASSIGN_OR_RETURN(auto windows, stream.Push(context, chunk));
    ASSIGN_OR_RETURN(const auto last, stream.Finish(context));
    windows.insert(windows.end(), last.begin(), last.end());
    return ToJson(windows, 0, top);
  }

  // From now on, for so long.
  absl::StatusOr<Json> Listen(const Context& context, const Attributes& command, int top) const {
    ASSIGN_OR_RETURN(const double seconds, command.Double("seconds", classifier_->window_seconds(),
                                                          0.01, kMaxListenSeconds));
    ASSIGN_OR_RETURN(const auto audio_in, finder_->FindAs<AudioIn>(options_.audio_in));
    StreamClassifier stream(*classifier_, options_.hop_seconds);
    std::vector<HeardWindow> windows;
    absl::Status failed;
    int64_t origin_ns = 0;
    AudioRequest request;
    request.duration_seconds = seconds;
    request.codec = audio::NameOf(audio::Codec::kPcm16);
    RETURN_IF_ERROR(audio_in->GetAudio(
        context, request,
        [&](const AudioChunk& chunk) {
          if (origin_ns == 0) origin_ns = chunk.start_ns;
          auto found = stream.Push(context, chunk);
          failed = found.status();
          if (found.ok()) windows.insert(windows.end(), found->begin(), found->end());
          return failed.ok();
        },
        Json::object()));
    RETURN_IF_ERROR(failed);
    ASSIGN_OR_RETURN(const auto last, stream.Finish(context));
    windows.insert(windows.end(), last.begin(), last.end());
    return ToJson(windows, origin_ns, top);
  }

  const SoundOptions options_;
  const std::shared_ptr<MlModel> model_;  // what the classifier runs on
  const std::unique_ptr<audio::SoundClassifier> classifier_;
  const ResourceFinder* const finder_;
  std::unique_ptr<SoundListener> listener_;  // goes first
};

absl::StatusOr<std::vector<std::string>> Validate(const ResourceConfig& config,
                                                  const Attributes& attributes) {
  ASSIGN_OR_RETURN(const SoundOptions options, ReadOptions(config, attributes));
  return std::vector<std::string>{FullName(kMlModelApi, options.model_name)};
}

absl::StatusOr<std::shared_ptr<Resource>> Build(const BuildRequest& request) {
  ASSIGN_OR_RETURN(SoundOptions options, ReadOptions(request.config, request.attributes));
  ASSIGN_OR_RETURN(auto model, request.Dependency<MlModel>(options.model_name));
  ASSIGN_OR_RETURN(auto classifier, audio::SoundClassifier::Create(request.context, model->model(),
                                                                   options.classifier));
  return std::make_shared<SoundService>(std::move(options), std::move(model), std::move(classifier),
                                        request.environment.finder);
}

}  // namespace

void AddSoundClassifiers(Catalog& catalog) {
  for (const Api& api : {kSensorApi, kGenericServiceApi}) {
    ModelEntry entry;
    entry.api = api;
    entry.model = {"rdk", "builtin", "sound_classifier"};
    entry.validate = Validate;
    entry.build = Build;
    catalog.Add(std::move(entry));
  }
}

}  // namespace bowerbird::machine
