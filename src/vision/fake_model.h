// SPDX-License-Identifier: Apache-2.0
//
// For tests: a model whose outputs are computed by a function of its input.
#pragma once

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "infer/model.h"

namespace bowerbird::vision {

inline infer::Tensor FloatTensor(infer::Shape shape, const std::vector<float>& values) {
  infer::Tensor tensor{infer::DType::kFloat32, std::move(shape), {}};
  tensor.bytes.resize(values.size() * sizeof(float));
  if (!values.empty()) std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

template <typename T>
infer::Tensor IntegerTensor(infer::DType type, infer::Shape shape, const std::vector<T>& values) {
  infer::Tensor tensor{type, std::move(shape), {}};
  tensor.bytes.resize(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

inline infer::TensorInfo Info(std::string name, infer::DType type, infer::Shape shape) {
  infer::TensorInfo info;
  info.name = name;
  info.graph_name = std::move(name);
  info.type = type;
  info.shape = std::move(shape);
  return info;
}

class FakeModel : public infer::Model {
 public:
  using Outputs = std::vector<infer::Tensor>;
  using Function = std::function<Outputs(const infer::TensorView& input)>;

  FakeModel(infer::ModelMetadata metadata, Function function)
      : metadata_(std::move(metadata)), function_(std::move(function)) {}

  // The same outputs whatever the input; their metadata is made from `names` and the tensors.
  FakeModel(infer::TensorInfo input, const std::vector<std::string>& names,
            std::shared_ptr<const Outputs> outputs)
      : function_([outputs](const infer::TensorView&) { return *outputs; }) {
    metadata_.inputs.push_back(std::move(input));
    for (size_t i = 0; i < names.size(); ++i) {
      metadata_.outputs.push_back(Info(names[i], (*outputs)[i].type, (*outputs)[i].shape));
    }
  }

  const infer::ModelMetadata& metadata() const override { return metadata_; }
  infer::ModelMetadata& mutable_metadata() { return metadata_; }

  absl::StatusOr<std::unique_ptr<infer::Lease>> Acquire(const Context&) const override {
    return std::make_unique<FakeLease>(*this);
  }

 private:
  class FakeLease : public infer::Lease {
   public:
    explicit FakeLease(const FakeModel& model) : model_(model) {
      const infer::TensorInfo& info = model.metadata_.inputs[0];
      input_.type = info.type;
      Allocate(info.shape);
    }
    absl::Status ResizeInputs(const std::vector<infer::Shape>& shapes) override {
      Allocate(shapes[0]);
      return absl::OkStatus();
    }
    std::span<std::byte> Input(int) override { return input_.bytes; }
    infer::TensorView InputView(int) const override { return input_.view(); }
    absl::Status Invoke(const Context&) override {
      outputs_ = model_.function_(input_.view());
      return absl::OkStatus();
    }
    infer::TensorView Output(int index) const override {
      return outputs_[static_cast<size_t>(index)].view();
    }

   private:
    void Allocate(const infer::Shape& shape) {
      input_.shape = shape;
      const auto count = infer::ElementCount(shape);
      input_.bytes.assign(
          count.has_value() ? static_cast<size_t>(*count) * infer::DTypeSize(input_.type) : 0,
          std::byte{0});
    }
    const FakeModel& model_;
    infer::Tensor input_;
    Outputs outputs_;
  };

  infer::ModelMetadata metadata_;
  Function function_;
};

}  // namespace bowerbird::vision
