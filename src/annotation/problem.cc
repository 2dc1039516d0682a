// SPDX-License-Identifier: Apache-2.0
#include "annotation/problem.h"

namespace bowerbird::annotation {

std::string TextOf(const Problem& problem) {
  std::string text = problem.file;
  if (!problem.place.empty()) text += (text.empty() ? "" : ", ") + problem.place;
  return text.empty() ? problem.what : text + ": " + problem.what;
}

std::string NameOf(Problem::Kind kind) {
  switch (kind) {
    case Problem::Kind::kFileSkipped:
      return "file skipped";
    case Problem::Kind::kImageSkipped:
      return "image skipped";
    case Problem::Kind::kAnnotationSkipped:
      return "annotation skipped";
    case Problem::Kind::kAnnotationChanged:
      return "annotation changed";
    case Problem::Kind::kFileNotUsed:
      return "file not used";
  }
  return "skipped";
}

}  // namespace bowerbird::annotation
