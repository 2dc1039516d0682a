// SPDX-License-Identifier: Apache-2.0
#include "serve/audio_in_rpc.h"

#include "base/status.h"
#include "component/audioin/v1/audioin.pb.h"
#include "serve/audio_properties.h"

namespace bowerbird::serve {

namespace proto = viam::component::audioin::v1;
namespace common = viam::common::v1;
using machine::AudioIn;
using machine::Json;

AudioInRpc::AudioInRpc(Admission& admission, const machine::ResourceFinder& finder)
    : ResourceRpc("viam.component.audioin.v1.AudioInService", admission, finder,
                  machine::kAudioInApi) {
  ServerStream<proto::GetAudioRequest, proto::GetAudioResponse>(
      "GetAudio",
      [this](Call& call, const proto::GetAudioRequest& request,
             const std::function<bool(const proto::GetAudioResponse&)>& send) -> absl::Status {
        ASSIGN_OR_RETURN(const auto audio_in, Find<AudioIn>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        proto::GetAudioResponse response;
        response.set_request_id(request.request_id().empty() ? call.operation_id()
                                                             : request.request_id());
        int32_t sequence = 0;
        machine::AudioRequest wanted{request.duration_seconds(), request.codec(),
                                     request.previous_timestamp_nanoseconds(),
                                     response.request_id()};
        bool replaced = false;
        RETURN_IF_ERROR(audio_in->GetAudio(
            call.context(), wanted,
            [&](machine::AudioChunk chunk) {
              // A listener without end must not keep alive what the config has taken down.
              const auto current = Find<AudioIn>(request.name());
              replaced = !current.ok() || *current != audio_in;
              if (replaced) return false;
              proto::AudioChunk& audio = *response.mutable_audio();
              audio.set_audio_data(std::move(chunk.bytes));
              audio.mutable_audio_info()->set_codec(Utf8(chunk.info.codec));
              audio.mutable_audio_info()->set_sample_rate_hz(chunk.info.sample_rate_hz);
              audio.mutable_audio_info()->set_num_channels(chunk.info.channels);
              audio.set_start_timestamp_nanoseconds(chunk.start_ns);
              audio.set_end_timestamp_nanoseconds(chunk.end_ns);
              audio.set_sequence(sequence++);
              return send(response);
            },
            extra));
        return replaced ? Unavailable(request.name() + " was changed or taken down: ask again")
                        : absl::OkStatus();
      });
  Unary<common::GetPropertiesRequest, common::GetPropertiesResponse>(
      "GetProperties",
      [this](Call& call, const common::GetPropertiesRequest& request,
             common::GetPropertiesResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto audio_in, Find<AudioIn>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        ASSIGN_OR_RETURN(const auto properties,
                         audio_in->GetAudioProperties(call.context(), extra));
        WriteProperties(properties, response);
        return absl::OkStatus();
      });
  AddDoCommand();
  AddGetStatus();
  AddGetGeometries();
}

}  // namespace bowerbird::serve
