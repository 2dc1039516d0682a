// SPDX-License-Identifier: Apache-2.0
#include "store/scratch.h"

#include "base/status.h"

namespace bowerbird::store {

ScratchFile::~ScratchFile() {
  file_.reset();
  if (exists_) (void)files_.Remove(path_);
}

absl::Status ScratchFile::Open() {
  ASSIGN_OR_RETURN(file_, files_.OpenForWriting(path_, WriteMode::kCreateNew));
  exists_ = true;
  return absl::OkStatus();
}

absl::Status ScratchFile::Append(std::string_view bytes) {
  if (!status_.ok()) return status_;
  if (file_ == nullptr || !hash_.empty()) return Internal("append to a blob that is finished");
  status_ = file_->Append(bytes);
  sha256_.Update(bytes);
  size_ += bytes.size();
  return status_;
}

absl::Status ScratchFile::Finish(bool sync) {
  if (!status_.ok()) return status_;
  if (file_ == nullptr) return Internal("a blob is committed twice");
  if (sync) status_ = file_->Sync();
  const absl::Status closed = file_->Close();
  file_.reset();
  if (status_.ok()) status_ = closed;
  return status_;
}

const std::string& ScratchFile::Hash() {
  if (hash_.empty()) hash_ = HexOf(sha256_.Finish());
  return hash_;
}

absl::Status EmptyScratch(FileSystem& files, const std::string& folder) {
  RETURN_IF_ERROR(files.MakeDirectories(folder, 0700));
  ASSIGN_OR_RETURN(const auto names, files.List(folder));
  for (const std::string& name : names) RETURN_IF_ERROR(files.Remove(folder + "/" + name));
  return absl::OkStatus();
}

}  // namespace bowerbird::store
