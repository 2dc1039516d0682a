// SPDX-License-Identifier: Apache-2.0
#include "annotation/xml_parser.h"

#include <expat.h>

#include "annotation/numbers.h"
#include "annotation/values.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxTextBytes = size_t{64} << 10;
// expat keeps an unfinished tag whole: a tag of gigabytes would be memory of gigabytes.
constexpr int64_t kMaxTagBytes = int64_t{1} << 20;
constexpr size_t kFeedBytes = size_t{64} << 10;

}  // namespace

struct XmlParser::State {
  XML_Parser parser = nullptr;
  XmlHandler* handler = nullptr;
  std::string path;
  std::vector<size_t> path_lengths;  // of `path` before each open element
  std::vector<std::string> texts;    // of each open element
  XmlHandler::Attributes attributes;
  absl::Status error;
  int64_t fed = 0;

  void Fail(absl::Status status) {
    if (!error.ok()) return;
    error = std::move(status);
    XML_StopParser(parser, XML_FALSE);
  }

  static State& Of(void* data) { return *static_cast<State*>(data); }

  static void OnStart(void* data, const XML_Char* name, const XML_Char** attributes) {
    State& state = Of(data);
    if (!state.error.ok()) return;
    if (state.path_lengths.size() >= kMaxDepth) {
      return state.Fail(ResourceExhausted("elements are nested more than 64 deep"));
    }
    state.path_lengths.push_back(state.path.size());
    if (!state.path.empty()) state.path += '/';
    state.path += name;
    state.texts.emplace_back();
    state.attributes.clear();
    for (; *attributes != nullptr; attributes += 2) {
      state.attributes.emplace_back(attributes[0], attributes[1]);
    }
    const absl::Status handled = state.handler->Start(state.path, state.attributes);
    if (!handled.ok()) state.Fail(handled);
  }

  static void OnEnd(void* data, const XML_Char* /*name*/) {
    State& state = Of(data);
    if (!state.error.ok()) return;
    const absl::Status handled = state.handler->End(state.path, Trimmed(state.texts.back()));
    if (!handled.ok()) state.Fail(handled);
    state.path.resize(state.path_lengths.back());
    state.path_lengths.pop_back();
    state.texts.pop_back();
  }

  static void OnText(void* data, const XML_Char* text, int length) {
    State& state = Of(data);
    if (!state.error.ok() || state.texts.empty()) return;
    std::string& kept = state.texts.back();
    const std::string_view piece(text, static_cast<size_t>(length));
    if (kept.size() + piece.size() > kMaxTextBytes) {
      return state.Fail(ResourceExhausted("an element has more than 64 KiB of text"));
    }
    // Text between child elements is white space: it must not add up over a million of them.
    if (kept.empty() && Trimmed(piece).empty()) return;
    kept += piece;
  }

  static void OnEntity(void* data, const XML_Char* /*name*/, int /*parameter*/,
                       const XML_Char* /*value*/, int /*length*/, const XML_Char* /*base*/,
                       const XML_Char* /*system*/, const XML_Char* /*public_id*/,
                       const XML_Char* /*notation*/) {
    Of(data).Fail(InvalidArgument(
        "the document declares entities, which no format needs and attacks are made of: take the "
        "declarations out"));
  }
};

XmlParser::XmlParser(XmlHandler& handler) : state_(std::make_unique<State>()) {
  state_->handler = &handler;
  state_->parser = XML_ParserCreate(nullptr);
  XML_SetUserData(state_->parser, state_.get());
  XML_SetElementHandler(state_->parser, State::OnStart, State::OnEnd);
  XML_SetCharacterDataHandler(state_->parser, State::OnText);
  XML_SetEntityDeclHandler(state_->parser, State::OnEntity);
}

XmlParser::~XmlParser() { XML_ParserFree(state_->parser); }

uint64_t XmlParser::line() const { return XML_GetCurrentLineNumber(state_->parser); }

absl::Status XmlParser::Feed(std::string_view bytes, bool last) {
  do {
    const std::string_view piece = bytes.substr(0, kFeedBytes);
    bytes.remove_prefix(piece.size());
    const XML_Status status = XML_Parse(state_->parser, piece.data(),
                                        static_cast<int>(piece.size()), last && bytes.empty());
    state_->fed += static_cast<int64_t>(piece.size());
    const std::string where = "line " + std::to_string(line());
    if (!state_->error.ok()) return Annotate(state_->error, where);
    if (status != XML_STATUS_OK) {
      return InvalidArgument(where + ": " + XML_ErrorString(XML_GetErrorCode(state_->parser)) +
                             ": the file is no whole XML document");
    }
    if (state_->fed - XML_GetCurrentByteIndex(state_->parser) > kMaxTagBytes) {
      return ResourceExhausted(where + ": a tag is larger than 1 MiB");
    }
  } while (!bytes.empty());
  return absl::OkStatus();
}

std::string_view AttributeOf(const XmlHandler::Attributes& attributes, std::string_view name) {
  for (const auto& [key, value] : attributes) {
    if (key == name) return value;
  }
  return {};
}

std::string XmlText(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '&':
        escaped += "&amp;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

}  // namespace bowerbird::annotation
