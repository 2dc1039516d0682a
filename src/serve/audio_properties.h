// SPDX-License-Identifier: Apache-2.0
//
// What microphones and loudspeakers answer alike.
#pragma once

#include "base/utf8.h"
#include "common/v1/common.pb.h"
#include "machine/audio.h"

namespace bowerbird::serve {

inline void WriteProperties(const machine::AudioProperties& properties,
                            viam::common::v1::GetPropertiesResponse& response) {
  for (const std::string& codec : properties.codecs) response.add_supported_codecs(Utf8(codec));
  response.set_sample_rate_hz(properties.sample_rate_hz);
  response.set_num_channels(properties.channels);
}

inline machine::AudioInfo ReadAudioInfo(const viam::common::v1::AudioInfo& message) {
  return {message.codec(), message.sample_rate_hz(), message.num_channels()};
}

}  // namespace bowerbird::serve
