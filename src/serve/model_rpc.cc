// SPDX-License-Identifier: Apache-2.0
#include "serve/model_rpc.h"

#include <algorithm>

#include "base/status.h"
#include "nlohmann/json.hpp"
#include "wire/hub/training.h"

namespace bowerbird::serve {
namespace {

constexpr size_t kPiece = size_t{64} << 10;
constexpr int kItemsOfMessage = 500;

absl::Status ClientGone() { return absl::CancelledError("the client takes no more of the answer"); }

absl::StatusOr<registry::ModelFile> FileOf(const registry::ModelVersion& model,
                                           const std::string& name) {
  for (const registry::ModelFile& file : model.files) {
    if (file.name == name) return file;
  }
  return NotFound("version " + model.version + " of " + model.name + " has no file " + name);
}

// In pieces of the file, until `take` fails.
absl::Status ReadPieces(Call& call, store::BlobReader& file,
                        const std::function<absl::Status(const std::string&)>& take) {
  std::string piece;
  for (uint64_t offset = 0; offset < file.size(); offset += piece.size()) {
    RETURN_IF_ERROR(call.context().Check());
    piece.resize(kPiece);
    ASSIGN_OR_RETURN(const size_t count, file.ReadAt(offset, piece));
    if (count == 0) return absl::DataLossError("the model's file ends before its size");
    piece.resize(count);
    RETURN_IF_ERROR(take(piece));
  }
  return absl::OkStatus();
}

// Lines of the list of items, as messages of a good size.
class LineageSender {
 public:
  using Send = std::function<bool(const v1::GetLineageResponse&)>;
  explicit LineageSender(const Send& send) : send_(send) {}

  v1::Model& model() { return *message_.mutable_model(); }
  absl::Status Take(const std::string& piece) {
    for (const char c : piece) {
      if (c != '\n') {
        line_ += c;
        continue;
      }
      RETURN_IF_ERROR(TakeLine());
      line_.clear();
    }
    return absl::OkStatus();
  }
  absl::Status Flush() {
    const bool sent = send_(message_);
    message_.Clear();
    return sent ? absl::OkStatus() : ClientGone();
  }

 private:
  absl::Status TakeLine() {
    const auto json = nlohmann::json::parse(line_, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) return absl::DataLossError("the model's list of items is damaged");
    v1::LineageItem& item = *message_.add_items();
    const auto text = [&](const char* key) {
      const auto found = json.find(key);
      return found != json.end() && found->is_string() ? found->get<std::string>() : "";
    };
    item.set_binary_data_id(text("id"));
    item.set_sha256(text("sha256"));
    item.set_split(text("split"));
    return message_.items_size() < kItemsOfMessage ? absl::OkStatus() : Flush();
  }

  const Send& send_;
  v1::GetLineageResponse message_;
  std::string line_;
};

}  // namespace

ModelRpc::ModelRpc(Admission& admission, const Training& training)
    : RpcService("bowerbird.v1.ModelService", admission), training_(training) {
  Unary<v1::ListModelsRequest, v1::ListModelsResponse>(
      "ListModels", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, training_.access.Enter(call, request.organization_id(),
                                                                   Permission::kRead));
        ASSIGN_OR_RETURN(const auto models,
                         training_.models.List(caller.organization_id, request.name()));
        for (const auto& model : models) wire::WriteModel(model, *response.add_models());
        return absl::OkStatus();
      });
  Unary<v1::GetModelRequest, v1::GetModelResponse>(
      "GetModel", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, training_.access.Enter(call, request.organization_id(),
                                                                   Permission::kRead));
        ASSIGN_OR_RETURN(const auto model, training_.models.Get(caller.organization_id,
                                                                request.name(), request.version()));
        wire::WriteModel(model, *response.mutable_model());
        return absl::OkStatus();
      });
  Unary<v1::DeleteModelRequest, v1::DeleteModelResponse>(
      "DeleteModel", [this](Call& call, const auto& request, auto&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, training_.access.Enter(call, request.organization_id(),
                                                                   Permission::kWrite));
        if (request.version().empty())
          return InvalidArgument("say which version of the model is to be deleted");
        return training_.models.Delete(caller.organization_id, request.name(), request.version());
      });
  AddNeighbours();
  AddStreams();
}

void ModelRpc::AddNeighbours() {
  Unary<v1::FindNeighboursRequest, v1::FindNeighboursResponse>(
      "FindNeighbours", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, training_.access.Enter(call, request.organization_id(),
                                                                   Permission::kRead));
        ASSIGN_OR_RETURN(const auto model, training_.models.Get(caller.organization_id,
                                                                request.name(), request.version()));
        jobs::NeighbourQuery query{.image = request.image(), .item_id = request.binary_data_id()};
        if (request.count() > 0) query.count = request.count();
        ASSIGN_OR_RETURN(const auto found, training_.jobs.FindNeighbours(caller, model, query));
        wire::WriteModel(model, *response.mutable_model());
        for (const auto& one : found) wire::WriteNeighbour(one, *response.add_neighbours());
        return absl::OkStatus();
      });
}

void ModelRpc::AddStreams() {
  ServerStream<v1::ReadModelFileRequest, v1::ReadModelFileResponse>(
      "ReadModelFile", [this](Call& call, const auto& request, const auto& send) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, training_.access.Enter(call, request.organization_id(),
                                                                   Permission::kRead));
        ASSIGN_OR_RETURN(const auto model, training_.models.Get(caller.organization_id,
                                                                request.name(), request.version()));
        ASSIGN_OR_RETURN(const auto file, FileOf(model, request.file()));
        ASSIGN_OR_RETURN(const auto reader, training_.models.OpenFile(file));
        return ReadPieces(call, *reader, [&](const std::string& piece) -> absl::Status {
          v1::ReadModelFileResponse response;
          response.set_data(piece);
          return send(response) ? absl::OkStatus() : ClientGone();
        });
      });
  ServerStream<v1::GetLineageRequest, v1::GetLineageResponse>(
      "GetLineage", [this](Call& call, const auto& request, const auto& send) -> absl::Status {
        ASSIGN_OR_RETURN(const auto caller, training_.access.Enter(call, request.organization_id(),
                                                                   Permission::kRead));
        ASSIGN_OR_RETURN(const auto model, training_.models.Get(caller.organization_id,
                                                                request.name(), request.version()));
        LineageSender sender(send);
        wire::WriteModel(model, sender.model());
        if (const auto file = FileOf(model, registry::kItemsFile); file.ok()) {
          ASSIGN_OR_RETURN(const auto reader, training_.models.OpenFile(*file));
          RETURN_IF_ERROR(ReadPieces(call, *reader,
                                     [&](const std::string& piece) { return sender.Take(piece); }));
        }
        return sender.Flush();
      });
}

}  // namespace bowerbird::serve
