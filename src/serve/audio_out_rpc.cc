// SPDX-License-Identifier: Apache-2.0
#include "serve/audio_out_rpc.h"

#include "base/status.h"
#include "component/audioout/v1/audioout.pb.h"
#include "serve/audio_properties.h"

namespace bowerbird::serve {

namespace proto = viam::component::audioout::v1;
namespace common = viam::common::v1;
using machine::AudioOut;
using machine::Json;

AudioOutRpc::AudioOutRpc(Admission& admission, const machine::ResourceFinder& finder)
    : ResourceRpc("viam.component.audioout.v1.AudioOutService", admission, finder,
                  machine::kAudioOutApi) {
  Unary<proto::PlayRequest, proto::PlayResponse>(
      "Play",
      [this](Call& call, const proto::PlayRequest& request, proto::PlayResponse&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto audio_out, Find<AudioOut>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        return audio_out->Play(call.context(), ReadAudioInfo(request.audio_info()),
                               request.audio_data(), extra);
      });
  ClientStream<proto::PlayStreamRequest, proto::PlayStreamResponse>(
      "PlayStream",
      [this](Call& call, const std::function<bool(proto::PlayStreamRequest&)>& receive,
             proto::PlayStreamResponse&) -> absl::Status {
        proto::PlayStreamRequest request;
        if (!receive(request) || !request.has_init())
          return InvalidArgument("the first message of PlayStream must be its init, with the name");
        const proto::PlayStreamInit init = request.init();
        ASSIGN_OR_RETURN(const auto audio_out, Find<AudioOut>(init.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(init.extra(), call.context()));
        bool again = false;
        RETURN_IF_ERROR(audio_out->PlayStream(
            call.context(), ReadAudioInfo(init.audio_info()),
            [&]() -> std::optional<std::string> {
              if (!receive(request)) return std::nullopt;
              again = request.has_init();
              if (again) return std::nullopt;
              return std::move(*request.mutable_audio_chunk()->mutable_audio_data());
            },
            extra));
        return again ? InvalidArgument("PlayStream takes one init, and pieces of sound after it")
                     : absl::OkStatus();
      });
  Unary<common::GetPropertiesRequest, common::GetPropertiesResponse>(
      "GetProperties",
      [this](Call& call, const common::GetPropertiesRequest& request,
             common::GetPropertiesResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto audio_out, Find<AudioOut>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        ASSIGN_OR_RETURN(const auto properties,
                         audio_out->GetAudioProperties(call.context(), extra));
        WriteProperties(properties, response);
        return absl::OkStatus();
      });
  AddDoCommand();
  AddGetStatus();
  AddGetGeometries();
}

}  // namespace bowerbird::serve
