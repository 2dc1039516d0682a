// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"
#include "component/board/v1/board.pb.h"
#include "machine/board.h"
#include "machine/module/proto_fields.h"
#include "machine/module/resource_client.h"
#include "wire/machine/time.h"

namespace bowerbird::machine {
namespace {

namespace proto = viam::component::board::v1;

class BoardClient : public ResourceClient, public Board {
 public:
  using ResourceClient::ResourceClient;

  absl::Status SetGpio(const Context& context, const std::string& pin, bool high,
                       const Json& extra) override {
    proto::SetGPIORequest request;
    request.set_pin(pin);
    request.set_high(high);
    return Ask<proto::SetGPIOResponse>(context, "SetGPIO", request, extra).status();
  }
  absl::StatusOr<bool> GetGpio(const Context& context, const std::string& pin,
                               const Json& extra) override {
    proto::GetGPIORequest request;
    request.set_pin(pin);
    ASSIGN_OR_RETURN(const auto response,
                     Ask<proto::GetGPIOResponse>(context, "GetGPIO", request, extra));
    return response.high();
  }
  absl::StatusOr<double> GetPwm(const Context& context, const std::string& pin,
                                const Json& extra) override {
    proto::PWMRequest request;
    request.set_pin(pin);
    ASSIGN_OR_RETURN(const auto response, Ask<proto::PWMResponse>(context, "PWM", request, extra));
    return response.duty_cycle_pct();
  }
  absl::Status SetPwm(const Context& context, const std::string& pin, double duty,
                      const Json& extra) override {
    proto::SetPWMRequest request;
    request.set_pin(pin);
    request.set_duty_cycle_pct(duty);
    return Ask<proto::SetPWMResponse>(context, "SetPWM", request, extra).status();
  }
  absl::StatusOr<uint64_t> GetPwmFrequency(const Context& context, const std::string& pin,
                                           const Json& extra) override {
    proto::PWMFrequencyRequest request;
    request.set_pin(pin);
    ASSIGN_OR_RETURN(const auto response,
                     Ask<proto::PWMFrequencyResponse>(context, "PWMFrequency", request, extra));
    return response.frequency_hz();
  }
  absl::Status SetPwmFrequency(const Context& context, const std::string& pin, uint64_t hertz,
                               const Json& extra) override {
    proto::SetPWMFrequencyRequest request;
    request.set_pin(pin);
    request.set_frequency_hz(hertz);
    return Ask<proto::SetPWMFrequencyResponse>(context, "SetPWMFrequency", request, extra).status();
  }
  absl::StatusOr<AnalogValue> ReadAnalog(const Context& context, const std::string& name,
                                         const Json& extra) override {
    proto::ReadAnalogReaderRequest request;
    request.set_board_name(remote_name());
    request.set_analog_reader_name(name);
    RETURN_IF_ERROR(WriteExtra(context, extra, *request.mutable_extra()));
    proto::ReadAnalogReaderResponse response;
    RETURN_IF_ERROR(CallNamed(context, "ReadAnalogReader", request, response));
    return AnalogValue{response.value(), response.min_range(), response.max_range(),
                       response.step_size()};
  }
  absl::Status WriteAnalog(const Context& context, const std::string& pin, int32_t value,
                           const Json& extra) override {
    proto::WriteAnalogRequest request;
    request.set_pin(pin);
    request.set_value(value);
    return Ask<proto::WriteAnalogResponse>(context, "WriteAnalog", request, extra).status();
  }
  absl::StatusOr<int64_t> GetInterruptCount(const Context& context, const std::string& name,
                                            const Json& extra) override {
    proto::GetDigitalInterruptValueRequest request;
    request.set_board_name(remote_name());
    request.set_digital_interrupt_name(name);
    RETURN_IF_ERROR(WriteExtra(context, extra, *request.mutable_extra()));
    proto::GetDigitalInterruptValueResponse response;
    RETURN_IF_ERROR(CallNamed(context, "GetDigitalInterruptValue", request, response));
    return response.value();
  }
  absl::Status StreamTicks(const Context& context, const std::vector<std::string>& names,
                           const std::function<bool(const Tick&)>& on_tick,
                           const Json& extra) override {
    proto::StreamTicksRequest request;
    request.set_name(remote_name());
    for (const std::string& name : names) request.add_pin_names(name);
    RETURN_IF_ERROR(WriteExtra(context, extra, *request.mutable_extra()));
    proto::StreamTicksResponse response;
    return StreamNamed(context, "StreamTicks", request, response, [&] {
      return on_tick({response.pin_name(), response.time(), response.high()});
    });
  }
  absl::Status SetPowerMode(const Context& context, BoardPower mode,
                            std::optional<std::chrono::nanoseconds> duration,
                            const Json& extra) override {
    proto::SetPowerModeRequest request;
    request.set_power_mode(static_cast<proto::PowerMode>(mode));
    if (duration.has_value()) *request.mutable_duration() = wire::ToDuration(*duration);
    return Ask<proto::SetPowerModeResponse>(context, "SetPowerMode", request, extra).status();
  }

 private:
  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(const Context& context, const std::string& method, Request& request,
                               const Json& extra) const {
    RETURN_IF_ERROR(WriteExtra(context, extra, *request.mutable_extra()));
    Response response;
    RETURN_IF_ERROR(Call(context, method, request, response));
    return response;
  }
};

}  // namespace

std::shared_ptr<Resource> MakeBoardClient(ResourceAddress address) {
  return std::make_shared<BoardClient>(std::move(address));
}

}  // namespace bowerbird::machine
