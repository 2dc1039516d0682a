// SPDX-License-Identifier: Apache-2.0
#include "script_model.h"

#include <ATen/Parallel.h>
#include <torch/script.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <thread>
#include <utility>

#include "base/status.h"

namespace bowerbird::torch_module {
namespace {

namespace proto = viam::service::mlmodel::v1;

struct WireType {
  const char* name;
  at::ScalarType type;
};
constexpr WireType kTypes[] = {
    {"int8", at::kChar},  {"uint8", at::kByte},    {"int16", at::kShort},   {"int32", at::kInt},
    {"int64", at::kLong}, {"float32", at::kFloat}, {"float64", at::kDouble}};

const WireType* TypeNamed(const std::string& name) {
  const auto* found = std::find_if(std::begin(kTypes), std::end(kTypes),
                                   [&](const WireType& one) { return name == one.name; });
  return found == std::end(kTypes) ? nullptr : found;
}

// How results travel that the wire has no type for: half floats as float32, truth values as uint8.
at::ScalarType OnWire(at::ScalarType type) {
  if (type == at::kHalf || type == at::kBFloat16) return at::kFloat;
  return type == at::kBool ? at::kByte : type;
}

const char* NameOf(at::ScalarType type) {
  for (const WireType& one : kTypes)
    if (one.type == type) return one.name;
  return nullptr;
}

std::string Bracketed(at::IntArrayRef shape) {
  std::string text = "[";
  for (const int64_t extent : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

// Borrowed memory of a message; `count` elements.
struct Elements {
  const char* type = "none";
  const void* data = nullptr;
  int64_t count = 0;
};

template <typename Field>
Elements OfField(const char* type, const Field& field) {
  return {type, field.data(), static_cast<int64_t>(field.size())};
}

Elements ElementsOf(const proto::FlatTensor& tensor) {
  if (tensor.has_int8_tensor()) return OfField("int8", tensor.int8_tensor().data());
  if (tensor.has_uint8_tensor()) return OfField("uint8", tensor.uint8_tensor().data());
  if (tensor.has_int32_tensor()) return OfField("int32", tensor.int32_tensor().data());
  if (tensor.has_int64_tensor()) return OfField("int64", tensor.int64_tensor().data());
  if (tensor.has_float_tensor()) return OfField("float32", tensor.float_tensor().data());
  if (tensor.has_double_tensor()) return OfField("float64", tensor.double_tensor().data());
  if (tensor.has_int16_tensor()) return {"int16", nullptr, 0};
  return {};
}

// One element a word, or two: the shape tells (docs/formats/flat-tensors.md).
absl::StatusOr<at::Tensor> ReadShorts(const proto::FlatTensor& message, int64_t count) {
  const auto& words = message.int16_tensor().data();
  at::Tensor tensor = at::empty({count}, at::kShort);
  auto* to = tensor.data_ptr<int16_t>();
  const bool one_each = words.size() == count;
  if (!one_each && words.size() != (count + 1) / 2)
    return InvalidArgument("it has " + std::to_string(words.size()) + " words of int16");
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t word = words[static_cast<int>(one_each ? i : i / 2)];
    to[i] = static_cast<int16_t>(one_each || i % 2 == 0 ? word & 0xffff : word >> 16);
  }
  return tensor;
}

absl::StatusOr<at::Tensor> ReadTensor(const proto::FlatTensor& message, const InputForm& form) {
  std::vector<int64_t> shape;
  int64_t count = 1;
  for (const uint64_t extent : message.shape()) {
    if (extent > INT32_MAX || (extent > 0 && count > INT32_MAX / static_cast<int64_t>(extent)))
      return InvalidArgument("its shape is larger than a message can be");
    shape.push_back(static_cast<int64_t>(extent));
    count *= shape.back();
  }
  const Elements elements = ElementsOf(message);
  if (elements.type != form.data_type)
    return InvalidArgument(std::string("it is ") + elements.type + ", and the model takes " +
                           form.data_type);
  const bool fits =
      form.shape.empty() ||
      std::equal(shape.begin(), shape.end(), form.shape.begin(), form.shape.end(),
                 [](int64_t given, int64_t want) { return want == -1 || want == given; });
  if (!fits)
    return InvalidArgument("it has the shape " + Bracketed(shape) + ", and the model takes " +
                           Bracketed(form.shape) + " (-1: any)");
  if (form.data_type == "int16") {
    ASSIGN_OR_RETURN(const at::Tensor shorts, ReadShorts(message, count));
    return shorts.reshape(shape);
  }
  if (elements.count != count)
    return InvalidArgument("it has " + std::to_string(elements.count) +
                           " elements, and its shape " + Bracketed(shape) + " has " +
                           std::to_string(count));
  // A copy: models may write into what they are given.
  return torch::from_blob(const_cast<void*>(elements.data), shape, TypeNamed(form.data_type)->type)
      .clone();
}

template <typename T, typename Field>
void Append(const at::Tensor& tensor, Field& field) {
  const T* data = tensor.data_ptr<T>();
  field.Add(data, data + tensor.numel());
}

absl::Status WriteTensor(const at::Tensor& result, proto::FlatTensor& message) {
  const at::Tensor tensor = result.detach().to(at::kCPU, OnWire(result.scalar_type())).contiguous();
  for (const int64_t extent : tensor.sizes()) message.add_shape(static_cast<uint64_t>(extent));
  const auto bytes = static_cast<size_t>(tensor.numel());
  switch (tensor.scalar_type()) {
    case at::kByte:
      message.mutable_uint8_tensor()->set_data(tensor.data_ptr(), bytes);
      break;
    case at::kChar:
      message.mutable_int8_tensor()->set_data(tensor.data_ptr(), bytes);
      break;
    case at::kShort:
      for (int64_t i = 0; i < tensor.numel(); ++i)
        message.mutable_int16_tensor()->add_data(
            static_cast<uint32_t>(static_cast<int32_t>(tensor.data_ptr<int16_t>()[i])));
      message.mutable_int16_tensor();
      break;
    case at::kInt:
      Append<int32_t>(tensor, *message.mutable_int32_tensor()->mutable_data());
      break;
    case at::kLong:
      Append<int64_t>(tensor, *message.mutable_int64_tensor()->mutable_data());
      break;
    case at::kFloat:
      Append<float>(tensor, *message.mutable_float_tensor()->mutable_data());
      break;
    case at::kDouble:
      Append<double>(tensor, *message.mutable_double_tensor()->mutable_data());
      break;
    default:
      return Unimplemented(std::string("the wire has no tensors of ") +
                           at::toString(tensor.scalar_type()));
  }
  return absl::OkStatus();
}

class Script final : public ScriptModel {
 public:
  Script(torch::jit::Module module, const ScriptOptions& options)
      : module_(std::move(module)), options_(options) {}

  // Names of arguments and results out of the signature of forward.
  absl::Status Describe() {
    const auto& schema = module_.get_method("forward").function().getSchema();
    metadata_.set_name(std::filesystem::path(options_.model_path).stem().string());
    for (const auto& argument : schema.arguments()) {
      if (argument.name() == "self") continue;
      if (argument.type()->kind() != c10::TypeKind::TensorType)
        return InvalidArgument("its forward takes \"" + argument.name() + "\", which is " +
                               argument.type()->str() + ": models here take tensors only");
      const auto form = options_.inputs.find(argument.name());
      names_.push_back(argument.name());
      forms_.push_back(form == options_.inputs.end() ? InputForm() : form->second);
      auto& info = *metadata_.add_input_info();
      info.set_name(argument.name());
      info.set_data_type(forms_.back().data_type);
      for (const int64_t extent : forms_.back().shape) info.add_shape(static_cast<int32_t>(extent));
    }
    for (const auto& [name, form] : options_.inputs)
      if (std::find(names_.begin(), names_.end(), name) == names_.end())
        return InvalidArgument("its forward has no argument \"" + name + "\"");
    return DescribeOutputs(schema);
  }

  const proto::Metadata& metadata() const override { return metadata_; }

  absl::Status Infer(const proto::FlatTensors& inputs, proto::FlatTensors& outputs) override {
    std::vector<torch::jit::IValue> arguments;
    const auto& given = inputs.tensors();
    for (size_t i = 0; i < names_.size(); ++i) {
      // One input on both sides: any name is accepted.
      const bool only = names_.size() == 1 && given.size() == 1;
      const auto found = only ? given.begin() : given.find(names_[i]);
      if (found == given.end()) return InvalidArgument("tensor \"" + names_[i] + "\" is missing");
      auto tensor = ReadTensor(found->second, forms_[i]);
      if (!tensor.ok()) return Annotate(tensor.status(), "tensor \"" + found->first + "\"");
      arguments.emplace_back(*std::move(tensor));
    }
    if (given.size() > names_.size())
      return InvalidArgument("there are more tensors than the model has inputs");
    ASSIGN_OR_RETURN(const std::vector<at::Tensor> results, Run(std::move(arguments)));
    for (size_t i = 0; i < results.size(); ++i) {
      auto& message =
          (*outputs.mutable_tensors())[metadata_.output_info(static_cast<int>(i)).name()];
      RETURN_IF_ERROR(WriteTensor(results[i], message));
    }
    return absl::OkStatus();
  }

 private:
  void AddOutput(const std::string& name) {
    auto& info = *metadata_.add_output_info();
    info.set_name(name);
    info.set_data_type("float32");
    if (!options_.label_path.empty())
      (*info.mutable_extra()->mutable_fields())["labels"].set_string_value(options_.label_path);
  }

  absl::Status DescribeOutputs(const c10::FunctionSchema& schema) {
    const auto type = schema.returns().at(0).type();
    if (const auto tuple = type->cast<c10::TupleType>()) {
      for (size_t i = 0; i < tuple->elements().size(); ++i) {
        if (tuple->elements()[i]->kind() != c10::TypeKind::TensorType)
          return InvalidArgument("result " + std::to_string(i) + " of its forward is no tensor");
        AddOutput("output_" + std::to_string(i));
      }
    } else if (type->kind() == c10::TypeKind::TensorType) {
      AddOutput("output");
    } else {
      return InvalidArgument("its forward gives " + type->str() +
                             ": models here give a tensor, or a tuple of tensors");
    }
    return Try();
  }

  // Runs once on zeros where all shapes are known, for the types and shapes of the outputs.
  absl::Status Try() {
    std::vector<torch::jit::IValue> zeros;
    for (const InputForm& form : forms_) {
      if (form.shape.empty()) return absl::OkStatus();
      std::vector<int64_t> shape = form.shape;
      std::replace(shape.begin(), shape.end(), int64_t{-1}, int64_t{1});
      zeros.emplace_back(at::zeros(shape, TypeNamed(form.data_type)->type));
    }
    const auto results = Run(std::move(zeros));
    if (!results.ok()) return Annotate(results.status(), "on tensors of zeros");
    for (size_t i = 0; i < results->size(); ++i) {
      const at::Tensor& result = (*results)[i];
      const char* type = NameOf(OnWire(result.scalar_type()));
      if (type == nullptr)
        return InvalidArgument(std::string("the wire has no tensors of ") +
                               at::toString(result.scalar_type()));
      auto& info = *metadata_.mutable_output_info(static_cast<int>(i));
      info.set_data_type(type);
      // Which of them follow an input of any extent is not known: no shape, then.
      const bool all_fixed = std::all_of(forms_.begin(), forms_.end(), [](const InputForm& form) {
        return std::count(form.shape.begin(), form.shape.end(), -1) == 0;
      });
      for (const int64_t extent : result.sizes())
        info.add_shape(all_fixed ? static_cast<int32_t>(extent) : -1);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<at::Tensor>> Run(std::vector<torch::jit::IValue> arguments) {
    const std::lock_guard lock(mutex_);
    // libtorch throws; nothing of it leaves this function.
    try {
      const c10::InferenceMode no_gradients;
      const torch::jit::IValue result = module_.forward(std::move(arguments));
      std::vector<at::Tensor> tensors;
      if (result.isTensor()) {
        tensors.push_back(result.toTensor());
      } else {
        for (const auto& element : result.toTupleRef().elements())
          tensors.push_back(element.toTensor());
      }
      return tensors;
    } catch (const std::exception& error) {
      const std::string text = error.what();
      return InvalidArgument("the model cannot run on these tensors: " +
                             text.substr(0, text.find("\nException raised from")));
    }
  }

  std::mutex mutex_;
  torch::jit::Module module_;  // of mutex_ after Describe
  const ScriptOptions options_;
  std::vector<std::string> names_;  // of the inputs
  std::vector<InputForm> forms_;
  proto::Metadata metadata_;
};

absl::StatusOr<std::string> ExistingFile(const std::string& path) {
  std::error_code error;
  const std::string absolute = std::filesystem::absolute(path, error).string();
  if (std::filesystem::is_regular_file(absolute, error)) return absolute;
  return NotFound("file not found at " + absolute);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ScriptModel>> ScriptModel::Load(const ScriptOptions& given) {
  ScriptOptions options = given;
  ASSIGN_OR_RETURN(options.model_path, ExistingFile(options.model_path));
  if (!options.label_path.empty()) {
    ASSIGN_OR_RETURN(options.label_path, ExistingFile(options.label_path));
  }
  for (const auto& [name, form] : options.inputs)
    if (TypeNamed(form.data_type) == nullptr)
      return InvalidArgument("input \"" + name + "\": data_type \"" + form.data_type +
                             "\" is none of int8, uint8, int16, int32, int64, float32, float64");
  try {
    const auto cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    at::set_num_threads(options.num_threads > 0 ? options.num_threads : cores);
    auto module = torch::jit::load(options.model_path, at::kCPU);
    module.eval();
    auto script = std::make_unique<Script>(std::move(module), options);
    RETURN_IF_ERROR(Annotate(script->Describe(), options.model_path));
    return script;
  } catch (const std::exception& error) {
    const std::string text = error.what();
    return InvalidArgument(options.model_path + " cannot be loaded as a TorchScript model: " +
                           text.substr(0, text.find('\n')));
  }
}

}  // namespace bowerbird::torch_module
