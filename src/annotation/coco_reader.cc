// SPDX-License-Identifier: Apache-2.0
//
// COCO: one JSON file that lists pictures, boxes and categories apart, in any order. Each file is
// read once; what belongs to one picture is brought together by sorting (record_sorter.h), so
// memory does not grow with the file. Results of detectors (an array of boxes with scores) take
// pictures and categories from a COCO file beside them.
#include <array>
#include <cstring>
#include <map>
#include <unordered_map>
#include <utility>

#include "annotation/formats.h"
#include "annotation/json_elements.h"
#include "annotation/numbers.h"
#include "annotation/raw_image.h"
#include "annotation/record_sorter.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

constexpr size_t kMaxCategories = 100'000;
constexpr size_t kMaxCompanions = 20;
constexpr size_t kMaxEmpty = size_t{4} << 20;  // of a file without pictures: categories only

// Ids as they sort: numbers by value. '\1' and '\2' after them put a picture before its boxes.
std::string KeyOf(const std::string& id, char kind) {
  std::string key;
  const bool number =
      !id.empty() && id.size() <= 20 && id.find_first_not_of("0123456789") == std::string::npos;
  if (number) key.assign(20 - id.size(), '0');
  key += id;
  key += '\0';
  key += kind;
  return key;
}
constexpr char kPicture = '\1';
constexpr char kBox = '\2';

// A box while it is sorted.
struct PackedBox {
  std::array<double, 4> box{};  // x, y, width, height
  double score = -1;            // < 0: none
  uint64_t index = 0;
  uint32_t category = 0;
};

// One file: parsed into a sorter, then read out picture by picture.
class CocoFile {
 public:
  CocoFile(Input& input, std::string file, std::deque<Event>& events)
      : input_(input),
        file_(std::move(file)),
        events_(events),
        sorter_(input.folder().files(), {input.options().scratch, input.options().sort_memory}) {}

  absl::Status Parse() {
    RETURN_IF_ERROR(Scan(file_, true));
    if (results_) {
      if (input_.only().empty()) {
        return InvalidArgument(
            "the file is an array: results of a detector. Name the file itself to import it");
      }
      RETURN_IF_ERROR(ScanCompanion());
    }
    if (!any_picture_ && !IsEmptyDataset()) {
      return InvalidArgument("there is no picture in \"images\": the file is not of COCO's format");
    }
    RETURN_IF_ERROR(sorter_.Sort());
    return Step();
  }

  // False at the end.
  absl::StatusOr<bool> NextPicture() {
    if (!more_) return false;
    const std::string id = Id();
    RawImage raw{.file = file_};
    const bool known = key_.back() == kPicture;
    if (known) {
      ASSIGN_OR_RETURN(const Json picture, ParseJson(value_));
      Take(picture, raw);
      RETURN_IF_ERROR(Step());
    }
    uint64_t boxes = 0, repeated = 0;
    while (more_ && Id() == id) {
      if (key_.back() == kPicture) {
        ++repeated;
      } else if (++boxes <= kMaxBoxesOfPicture + 1) {
        AddBox(raw);
      }
      RETURN_IF_ERROR(Step());
    }
    if (repeated > 0) {
      Say(Problem::Kind::kImageSkipped, "",
          "picture id " + Printable(id) + " is there " + std::to_string(repeated + 1) +
              " times: only the first was taken, give each its own id");
    }
    if (known) {
      Deliver(input_.pictures(), std::move(raw), events_);
    } else {
      Say(Problem::Kind::kAnnotationSkipped, "",
          std::to_string(boxes) + " boxes are of picture id " + Printable(id) +
              ", which is not in \"images\": add it or take them out");
    }
    return true;
  }

 private:
  // What an export of no items is: a list of pictures with nothing in it.
  bool IsEmptyDataset() const {
    const auto opened = input_.folder().Open(file_);
    if (!opened.ok() || (*opened)->Size().value_or(kMaxEmpty) >= kMaxEmpty) return false;
    std::string text(kMaxEmpty, '\0');
    text.resize((*opened)->ReadAt(0, text).value_or(0));
    const auto value = ParseJson(text);
    const Json* const pictures = value.ok() ? Member(*value, "images") : nullptr;
    return pictures != nullptr && pictures->is_array() && pictures->empty();
  }

  void Say(Problem::Kind kind, std::string place, std::string what) {
    events_.emplace_back(Problem{kind, file_, std::move(place), std::move(what)});
  }

  std::string Id() const {
    std::string id(key_.substr(0, key_.size() - 2));
    if (id.size() == 20) id.erase(0, std::min(id.find_first_not_of('0'), id.size() - 1));
    return id;
  }

  absl::Status Step() {
    std::string_view key, value;
    ASSIGN_OR_RETURN(more_, sorter_.Next(key, value));
    key_ = key;
    value_ = value;
    return absl::OkStatus();
  }

  absl::Status Scan(const std::string& file, bool with_boxes) {
    ASSIGN_OR_RETURN(auto opened, input_.folder().Open(file));
    JsonElements elements(std::move(opened));
    while (true) {
      ASSIGN_OR_RETURN(const auto element, elements.Next());
      if (!element.has_value()) return absl::OkStatus();
      if (!element->in_array) continue;
      if (element->key.empty()) results_ = true;
      const bool box = element->key.empty() || element->key == "annotations";
      if (box ? !with_boxes : element->key != "images" && element->key != "categories") continue;
      const auto value = ParseJson(element->text, "segmentation");
      const absl::Status kept = !value.ok()                ? value.status()
                                : box                      ? KeepBox(*value, element->index)
                                : element->key == "images" ? KeepPicture(*value, element->text)
                                                           : KeepCategory(*value);
      if (kept.code() == absl::StatusCode::kInvalidArgument) {
        Say(box ? Problem::Kind::kAnnotationSkipped : Problem::Kind::kImageSkipped,
            element->Pointer(), MessageOf(kept));
      } else {
        RETURN_IF_ERROR(kept);
      }
    }
  }

  absl::Status ScanCompanion() {
    const std::string directory(DirectoryOf(file_));
    ASSIGN_OR_RETURN(const auto names, input_.folder().List(directory));
    size_t tried = 0;
    for (const std::string& name : names) {
      const std::string path = JoinPath(directory, name);
      if (path == file_ || Lower(ExtensionOf(name)) != ".json") continue;
      if (++tried > kMaxCompanions) break;
      const std::string before = std::exchange(file_, path);
      const absl::Status scanned = Scan(path, false);
      file_ = before;
      if (scanned.ok() && any_picture_) return absl::OkStatus();
    }
    return InvalidArgument(
        "results name pictures and categories by number: put the COCO file that they are of into "
        "the same folder");
  }

  absl::Status KeepPicture(const Json& picture, std::string_view text) {
    const auto id = IdOf(Member(picture, "id"));
    if (!id.has_value()) return InvalidArgument("the picture has no \"id\": give it one");
    if (!StringOf(Member(picture, "file_name")).has_value()) {
      return InvalidArgument("the picture has no \"file_name\": give it one");
    }
    any_picture_ = true;
    return sorter_.Add(KeyOf(*id, kPicture), text);
  }

  absl::Status KeepCategory(const Json& category) {
    const auto id = IdOf(Member(category, "id"));
    const auto name = StringOf(Member(category, "name"));
    if (!id.has_value() || !name.has_value()) {
      return InvalidArgument("the category has no \"id\" or no \"name\": give it both");
    }
    ASSIGN_OR_RETURN(const uint32_t number, NumberOfCategory(*id));
    names_.emplace(number, *name);
    return absl::OkStatus();
  }

  absl::StatusOr<uint32_t> NumberOfCategory(const std::string& id) {
    const auto [found, added] = categories_.emplace(id, static_cast<uint32_t>(categories_.size()));
    if (categories_.size() > kMaxCategories) {
      return ResourceExhausted("there are more than 100000 categories");
    }
    if (added) ids_.push_back(id);
    return found->second;
  }

  absl::Status KeepBox(const Json& annotation, uint64_t index) {
    const auto picture = IdOf(Member(annotation, "image_id"));
    if (!picture.has_value()) return InvalidArgument("the box has no \"image_id\": give it one");
    const auto category = IdOf(Member(annotation, "category_id"));
    if (!category.has_value())
      return InvalidArgument("the box has no \"category_id\": give it one");
    if (NumberOf(Member(annotation, "iscrowd")).value_or(0) != 0) {
      return InvalidArgument("the box is of a crowd (\"iscrowd\"), not of one object: left out");
    }
    const Json* corners = Member(annotation, "bbox");
    if (corners == nullptr || !corners->is_array() || corners->size() != 4) {
      return InvalidArgument("\"bbox\" is not [x, y, width, height]: give it four numbers");
    }
    PackedBox packed;
    for (size_t i = 0; i < 4; ++i) {
      const auto number = NumberOf(&(*corners)[i]);
      if (!number.has_value()) {
        return InvalidArgument("\"bbox\" has something that is no finite number: correct it");
      }
      packed.box[i] = *number;
    }
    packed.score = NumberOf(Member(annotation, "score")).value_or(-1);
    packed.index = index;
    ASSIGN_OR_RETURN(packed.category, NumberOfCategory(*category));
    std::string value(sizeof(packed), '\0');
    std::memcpy(value.data(), &packed, sizeof(packed));
    return sorter_.Add(KeyOf(*picture, kBox), value);
  }

  void Take(const Json& picture, RawImage& raw) {
    raw.picture = StringOf(Member(picture, "file_name")).value_or("");
    raw.place = "picture id " + Printable(Id());
    raw.width = NumberOf(Member(picture, "width")).value_or(0);
    raw.height = NumberOf(Member(picture, "height")).value_or(0);
    raw.split = SplitOf(StringOf(Member(picture, "split")).value_or(""));
    if (!raw.split.has_value()) raw.split = SplitOfFile();
    if (const Json* tags = Member(picture, "tags"); tags != nullptr && tags->is_array()) {
      for (const Json& tag : *tags) raw.tags.push_back(StringOf(&tag).value_or(""));
    }
    const Json* classes = Member(picture, "classifications");
    if (classes == nullptr || !classes->is_array()) return;
    for (const Json& one : *classes) {
      raw.classifications.push_back({.id = "",
                                     .label = StringOf(Member(one, "label")).value_or(""),
                                     .confidence = NumberOf(Member(one, "confidence"))});
    }
  }

  // "instances_val2017.json"
  std::optional<Split> SplitOfFile() const {
    const std::string_view stem = StemOf(BaseOf(file_));
    std::string_view word = stem.substr(stem.find_last_of("_-") + 1);
    while (!word.empty() && word.back() >= '0' && word.back() <= '9') word.remove_suffix(1);
    return SplitOf(word);
  }

  void AddBox(RawImage& raw) {
    PackedBox packed;
    std::memcpy(&packed, value_.data(), sizeof(packed));
    const std::string place = (results_ ? "/" : "/annotations/") + std::to_string(packed.index);
    const auto name = names_.find(packed.category);
    if (name == names_.end()) {
      return Say(
          Problem::Kind::kAnnotationSkipped, place,
          "category id " + Printable(ids_[packed.category]) + " is not in \"categories\": add it");
    }
    RawBox box{.label = name->second, .place = place};
    box.x_min = packed.box[0];
    box.y_min = packed.box[1];
    box.x_max = packed.box[0] + packed.box[2];
    box.y_max = packed.box[1] + packed.box[3];
    if (packed.score >= 0) box.confidence = packed.score;
    raw.boxes.push_back(std::move(box));
  }

  Input& input_;
  std::string file_;
  std::deque<Event>& events_;
  RecordSorter sorter_;
  bool any_picture_ = false, results_ = false, more_ = false;
  std::string key_, value_;
  std::unordered_map<std::string, uint32_t> categories_;  // id: number
  std::vector<std::string> ids_;                          // by number
  std::map<uint32_t, std::string> names_;                 // by number
};

class CocoReader : public QueueReader {
 public:
  explicit CocoReader(std::unique_ptr<Input> input) : input_(std::move(input)) {}

 protected:
  absl::StatusOr<bool> Advance() override {
    if (file_ != nullptr) {
      ASSIGN_OR_RETURN(const bool more, file_->NextPicture());
      if (!more) file_ = nullptr;
      return true;
    }
    ASSIGN_OR_RETURN(const auto path, input_->Next());
    for (Problem& problem : input_->TakeProblems()) events_.emplace_back(std::move(problem));
    if (!path.has_value()) return false;
    file_ = std::make_unique<CocoFile>(*input_, *path, events_);
    const absl::Status parsed = file_->Parse();
    if (parsed.ok()) return true;
    file_ = nullptr;
    Report(Problem::Kind::kFileSkipped, *path, "", MessageOf(parsed));
    return true;
  }

 private:
  std::unique_ptr<Input> input_;
  std::unique_ptr<CocoFile> file_;
};

}  // namespace

std::string DetectCoco(const Probe& probe) {
  for (const std::string& file : probe.WithExtension(".json", 20)) {
    const std::string head = probe.Head(file, 64 << 10);
    const bool lists = head.find("\"images\"") != std::string::npos ||
                       head.find("\"categories\"") != std::string::npos;
    const bool ids = head.find("\"file_name\"") != std::string::npos ||
                     head.find("\"category_id\"") != std::string::npos ||
                     head.find("\"supercategory\"") != std::string::npos ||
                     head.find("\"annotations\"") != std::string::npos;
    if (head.find_first_not_of(" \r\n\t\xEF\xBB\xBF") != std::string::npos &&
        head[head.find_first_not_of(" \r\n\t\xEF\xBB\xBF")] == '{' && lists && ids) {
      return file + " is JSON with \"images\" and \"categories\"";
    }
  }
  return "";
}

OpenedReader OpenCoco(FileSystem& files, const ReaderOptions& options) {
  ASSIGN_OR_RETURN(auto input, Input::Open(files, options, {".json"}));
  return std::make_unique<CocoReader>(std::move(input));
}

}  // namespace bowerbird::annotation
