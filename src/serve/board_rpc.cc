// SPDX-License-Identifier: Apache-2.0
#include "serve/board_rpc.h"

#include "base/status.h"
#include "base/utf8.h"
#include "component/board/v1/board.pb.h"
#include "machine/board.h"
#include "wire/machine/time.h"

namespace bowerbird::serve {

namespace proto = viam::component::board::v1;
using machine::Board;
using machine::Json;

BoardRpc::BoardRpc(Admission& admission, const machine::ResourceFinder& finder)
    : ResourceRpc("viam.component.board.v1.BoardService", admission, finder, machine::kBoardApi) {
  AddPins();
  AddPwm();
  AddAnalogs();
  AddInterrupts();
  AddDoCommand();
  AddGetStatus();
  AddGetGeometries();
}

void BoardRpc::AddPins() {
  Unary<proto::SetGPIORequest, proto::SetGPIOResponse>(
      "SetGPIO",
      [this](Call& call, const proto::SetGPIORequest& request,
             proto::SetGPIOResponse&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto board, Find<Board>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        return board->SetGpio(call.context(), request.pin(), request.high(), extra);
      });
  Unary<proto::GetGPIORequest, proto::GetGPIOResponse>(
      "GetGPIO",
      [this](Call& call, const proto::GetGPIORequest& request,
             proto::GetGPIOResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto board, Find<Board>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        ASSIGN_OR_RETURN(const bool high, board->GetGpio(call.context(), request.pin(), extra));
        response.set_high(high);
        return absl::OkStatus();
      });
  Unary<proto::SetPowerModeRequest, proto::SetPowerModeResponse>(
      "SetPowerMode",
      [this](Call& call, const proto::SetPowerModeRequest& request,
             proto::SetPowerModeResponse&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto board, Find<Board>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        std::optional<std::chrono::nanoseconds> duration;
        if (request.has_duration()) {
          ASSIGN_OR_RETURN(duration, wire::FromDuration(request.duration()));
        }
        // The numbers of both enumerations are the same by intent.
        return board->SetPowerMode(call.context(),
                                   static_cast<machine::BoardPower>(request.power_mode()), duration,
                                   extra);
      });
}

void BoardRpc::AddPwm() {
  Unary<proto::PWMRequest, proto::PWMResponse>(
      "PWM",
      [this](Call& call, const proto::PWMRequest& request,
             proto::PWMResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto board, Find<Board>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        ASSIGN_OR_RETURN(const double duty, board->GetPwm(call.context(), request.pin(), extra));
        response.set_duty_cycle_pct(duty);
        return absl::OkStatus();
      });
  Unary<proto::SetPWMRequest, proto::SetPWMResponse>(
      "SetPWM",
      [this](Call& call, const proto::SetPWMRequest& request,
             proto::SetPWMResponse&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto board, Find<Board>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        return board->SetPwm(call.context(), request.pin(), request.duty_cycle_pct(), extra);
      });
  Unary<proto::PWMFrequencyRequest, proto::PWMFrequencyResponse>(
      "PWMFrequency",
      [this](Call& call, const proto::PWMFrequencyRequest& request,
             proto::PWMFrequencyResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto board, Find<Board>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        ASSIGN_OR_RETURN(const uint64_t hertz,
                         board->GetPwmFrequency(call.context(), request.pin(), extra));
        response.set_frequency_hz(hertz);
        return absl::OkStatus();
      });
  Unary<proto::SetPWMFrequencyRequest, proto::SetPWMFrequencyResponse>(
      "SetPWMFrequency",
      [this](Call& call, const proto::SetPWMFrequencyRequest& request,
             proto::SetPWMFrequencyResponse&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto board, Find<Board>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        return board->SetPwmFrequency(call.context(), request.pin(), request.frequency_hz(), extra);
      });
}

void BoardRpc::AddAnalogs() {
  Unary<proto::ReadAnalogReaderRequest, proto::ReadAnalogReaderResponse>(
      "ReadAnalogReader",
      [this](Call& call, const proto::ReadAnalogReaderRequest& request,
             proto::ReadAnalogReaderResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto board, Find<Board>(request.board_name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        ASSIGN_OR_RETURN(const auto read,
                         board->ReadAnalog(call.context(), request.analog_reader_name(), extra));
        response.set_value(read.value);
        response.set_min_range(read.minimum);
        response.set_max_range(read.maximum);
        response.set_step_size(read.step);
        return absl::OkStatus();
      });
  Unary<proto::WriteAnalogRequest, proto::WriteAnalogResponse>(
      "WriteAnalog",
      [this](Call& call, const proto::WriteAnalogRequest& request,
             proto::WriteAnalogResponse&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto board, Find<Board>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        return board->WriteAnalog(call.context(), request.pin(), request.value(), extra);
      });
}

void BoardRpc::AddInterrupts() {
  Unary<proto::GetDigitalInterruptValueRequest, proto::GetDigitalInterruptValueResponse>(
      "GetDigitalInterruptValue",
      [this](Call& call, const proto::GetDigitalInterruptValueRequest& request,
             proto::GetDigitalInterruptValueResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto board, Find<Board>(request.board_name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        ASSIGN_OR_RETURN(
            const int64_t count,
            board->GetInterruptCount(call.context(), request.digital_interrupt_name(), extra));
        response.set_value(count);
        return absl::OkStatus();
      });
  ServerStream<proto::StreamTicksRequest, proto::StreamTicksResponse>(
      "StreamTicks",
      [this](Call& call, const proto::StreamTicksRequest& request,
             const std::function<bool(const proto::StreamTicksResponse&)>& send) -> absl::Status {
        ASSIGN_OR_RETURN(const auto board, Find<Board>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        const std::vector<std::string> names(request.pin_names().begin(),
                                             request.pin_names().end());
        return board->StreamTicks(
            call.context(), names,
            [&send](const machine::Tick& tick) {
              proto::StreamTicksResponse response;
              response.set_pin_name(Utf8(tick.pin));
              response.set_time(tick.nanoseconds);
              response.set_high(tick.high);
              return send(response);
            },
            extra);
      });
}

}  // namespace bowerbird::serve
