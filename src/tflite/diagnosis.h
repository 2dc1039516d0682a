// SPDX-License-Identifier: Apache-2.0
//
// What is wrong with a model file, or worth knowing, and what to do about it. Judged by the file
// alone and, where somebody has run it, by what was seen then; nothing is run here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tflite/diagnosis_task.h"
#include "tflite/graph.h"
#include "tflite/metadata.h"

namespace bowerbird::tflite {

enum class Severity {
  kNote,     // worth knowing, nothing needs to be done
  kWarning,  // it works, but slowly, or only if an assumption holds
  kError     // it cannot run, or its answers are wrong
};
std::string_view SeverityName(Severity severity);  // "note", "warning", "error"

struct Finding {
  std::string id;  // "box-tensor-saturated": stable, for scripts; docs/doctor.md lists all
  Severity severity = Severity::kWarning;
  std::string what;    // what is the matter, in general
  std::string which;   // which tensors, operators or numbers of this file
  std::string remedy;  // what to do; never empty
};

// What a runtime did with the file.
struct RunFacts {
  std::string delegate;                      // "xnnpack qs8"
  std::vector<std::vector<bool>> delegated;  // by subgraph and operator: the delegate takes it
  bool is_prepared = false;                  // another form of the graph was run, not this one
  std::vector<double> largest;               // by output: its largest value for some input
  std::vector<std::string> warnings;
};

struct Evidence {
  const Graph& graph;
  std::optional<FileMetadata> metadata = {};
  std::string metadata_damage = {};  // why there is none although the file has an entry for it
  std::vector<std::string> labels = {};
  std::string labels_damage = {};    // why the packed ones cannot be read
  std::string zip_damage = {};       // why the archive behind the model cannot be read
  std::string runtime_version = {};  // of the linked runtime; "" = not known
  std::vector<std::string> missing_operators = {};  // that it lacks: "CONV_2D version 6"
  std::string refusal = {};                         // why it does not run the model; "" = it does
  std::optional<RunFacts> run = {};
};

// Errors first, then warnings, then notes; otherwise in a fixed order. `graph` may be nonsense.
std::vector<Finding> Diagnose(const Evidence& evidence);

// The runtime version that the converter wrote into the file, "1.14.0"; "" if it did not.
std::string NeededRuntime(const Graph& graph);

}  // namespace bowerbird::tflite
