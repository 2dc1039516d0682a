// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"
#include "common/v1/common.pb.h"
#include "component/audioin/v1/audioin.pb.h"
#include "component/audioout/v1/audioout.pb.h"
#include "machine/audio.h"
#include "machine/module/proto_fields.h"
#include "machine/module/resource_client.h"

namespace bowerbird::machine {
namespace {

namespace common = viam::common::v1;
namespace in = viam::component::audioin::v1;
namespace out = viam::component::audioout::v1;

AudioInfo ReadInfo(const common::AudioInfo& message) {
  return {message.codec(), message.sample_rate_hz(), message.num_channels()};
}

void WriteInfo(const AudioInfo& info, common::AudioInfo& message) {
  message.set_codec(info.codec);
  message.set_sample_rate_hz(info.sample_rate_hz);
  message.set_num_channels(info.channels);
}

class AudioClient : public ResourceClient {
 public:
  using ResourceClient::ResourceClient;

 protected:
  absl::StatusOr<AudioProperties> AskProperties(const Context& context, const Json& extra) const {
    common::GetPropertiesRequest request;
    RETURN_IF_ERROR(WriteExtra(context, extra, *request.mutable_extra()));
    common::GetPropertiesResponse response;
    RETURN_IF_ERROR(Call(context, "GetProperties", request, response));
    return AudioProperties{{response.supported_codecs().begin(), response.supported_codecs().end()},
                           response.sample_rate_hz(),
                           response.num_channels()};
  }
};

class AudioInClient : public AudioClient, public AudioIn {
 public:
  using AudioClient::AudioClient;

  absl::Status GetAudio(const Context& context, const AudioRequest& asked,
                        const std::function<bool(AudioChunk)>& on_chunk,
                        const Json& extra) override {
    in::GetAudioRequest request;
    request.set_name(remote_name());
    request.set_duration_seconds(static_cast<float>(asked.duration_seconds));
    request.set_codec(asked.codec);
    request.set_request_id(asked.request_id);
    request.set_previous_timestamp_nanoseconds(asked.previous_timestamp_ns);
    RETURN_IF_ERROR(WriteExtra(context, extra, *request.mutable_extra()));
    in::GetAudioResponse response;
    return StreamNamed(context, "GetAudio", request, response, [&] {
      in::AudioChunk& audio = *response.mutable_audio();
      return on_chunk({std::move(*audio.mutable_audio_data()), ReadInfo(audio.audio_info()),
                       audio.start_timestamp_nanoseconds(), audio.end_timestamp_nanoseconds()});
    });
  }

  absl::StatusOr<AudioProperties> GetAudioProperties(const Context& context,
                                                     const Json& extra) override {
    return AskProperties(context, extra);
  }
};

class AudioOutClient : public AudioClient, public AudioOut {
 public:
  using AudioClient::AudioClient;

  absl::Status Play(const Context& context, const AudioInfo& info, const std::string& bytes,
                    const Json& extra) override {
    out::PlayRequest request;
    request.set_audio_data(bytes);
    WriteInfo(info, *request.mutable_audio_info());
    RETURN_IF_ERROR(WriteExtra(context, extra, *request.mutable_extra()));
    out::PlayResponse response;
    return Call(context, "Play", request, response);
  }

  absl::Status PlayStream(const Context& context, const AudioInfo& info,
                          const std::function<std::optional<std::string>()>& next,
                          const Json& extra) override {
    out::PlayStreamRequest request;
    out::PlayStreamInit& init = *request.mutable_init();
    init.set_name(remote_name());
    WriteInfo(info, *init.mutable_audio_info());
    RETURN_IF_ERROR(WriteExtra(context, extra, *init.mutable_extra()));
    out::PlayStreamResponse response;
    bool first = true;
    return SendNamed(context, "PlayStream", request, response, [&] {
      if (std::exchange(first, false)) return true;
      auto piece = next();
      if (!piece.has_value()) return false;
      request.mutable_audio_chunk()->set_audio_data(*std::move(piece));
      return true;
    });
  }

  absl::StatusOr<AudioProperties> GetAudioProperties(const Context& context,
                                                     const Json& extra) override {
    return AskProperties(context, extra);
  }
};

}  // namespace

std::shared_ptr<Resource> MakeAudioInClient(ResourceAddress address) {
  return std::make_shared<AudioInClient>(std::move(address));
}

std::shared_ptr<Resource> MakeAudioOutClient(ResourceAddress address) {
  return std::make_shared<AudioOutClient>(std::move(address));
}

}  // namespace bowerbird::machine
