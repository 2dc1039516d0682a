// SPDX-License-Identifier: Apache-2.0
#include "classifier.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "infer/mapped_file.h"
#include "tflite/attached_files.h"
#include "tflite/metadata.h"
#include "tflite/testing/model_file.h"

namespace bowerbird::text {
namespace {

using testing::HasSubstr;

constexpr char kPraise[] = "A wonderful film: the best acting, a beautiful and moving story.";
constexpr char kScorn[] =
    "The worst film ever. Terrible acting, an awful and boring waste of time.";

class ClassifierTest : public testing::Test {
 protected:
  ClassifierTest() {
    char name[] = "/tmp/bowerbird-text-XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~ClassifierTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << bytes;
    return folder_ + "/" + name;
  }
  static std::string Read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  }
  std::string ErrorOf(const ClassifierOptions& options) const {
    return MessageOf(Classifier::Load(options).status());
  }

  std::string folder_;
};

// Reviews of films, of the public test data: BOWERBIRD_TEST_DATA.
class ReviewsTest : public ClassifierTest {
 protected:
  void SetUp() override {
    const char* data = std::getenv("BOWERBIRD_TEST_DATA");
    if (data == nullptr) GTEST_SKIP() << "BOWERBIRD_TEST_DATA is not set";
    models_ = std::string(data) + "/models/text/";
  }

  // The model with vocabulary and labels in the file, as its metadata says.
  std::string Packed(const tflite::Tokenizer& tokenizer) const {
    const auto file = infer::MappedFile::Open(models_ + "text_classification.tflite");
    auto graph = tflite::ReadGraph((*file)->bytes());
    EXPECT_TRUE(graph.ok()) << graph.status();
    tflite::FileMetadata metadata;
    metadata.inputs.resize(1);
    metadata.inputs[0].tokenizers = {tokenizer};
    metadata.outputs.resize(1);
    metadata.outputs[0].associated_files = {
        {"labels.txt", "", tflite::AssociatedFileType::kTensorAxisLabels, ""}};
    EXPECT_TRUE(tflite::SetFileMetadata(*graph, metadata).ok());
    const std::vector<tflite::AttachedFile> files = {{"vocab.txt", Read(models_ + "vocab.txt")},
                                                     {"labels.txt", Read(models_ + "labels.txt")}};
    const auto bytes = tflite::WriteModelFile(*graph, files);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    return Write("packed.tflite", *bytes);
  }

  static tflite::Tokenizer ByExpression() {
    tflite::Tokenizer tokenizer;
    tokenizer.kind = tflite::Tokenizer::Kind::kRegex;
    tokenizer.delimiter = R"([^\w\']+)";
    tokenizer.vocabulary = {{"vocab.txt", "", tflite::AssociatedFileType::kVocabulary, ""}};
    return tokenizer;
  }

  std::string models_;
};

TEST_F(ReviewsTest, TellsPraiseFromScorn) {
  const auto classifier = Classifier::Load(
      {models_ + "text_classification.tflite", models_ + "vocab.txt", models_ + "labels.txt"});
  ASSERT_TRUE(classifier.ok()) << classifier.status();
  const auto praise = (*classifier)->Classify(kPraise);
  ASSERT_TRUE(praise.ok()) << praise.status();
  ASSERT_EQ(2u, praise->size());
  EXPECT_EQ("Positive", praise->front().label);
  EXPECT_GT(praise->front().confidence, 0.7);
  EXPECT_NEAR(1, praise->front().confidence + praise->back().confidence, 1e-3);
  const auto scorn = (*classifier)->Classify(kScorn);
  EXPECT_EQ("Negative", scorn->front().label);
  EXPECT_GT(scorn->front().confidence, 0.7);
}

TEST_F(ReviewsTest, FindsVocabularyDelimiterAndLabelsInTheFile) {
  const auto packed = Classifier::Load({Packed(ByExpression())});
  ASSERT_TRUE(packed.ok()) << packed.status();
  const auto beside = Classifier::Load(
      {models_ + "text_classification.tflite", models_ + "vocab.txt", models_ + "labels.txt"});
  for (const char* text : {kPraise, kScorn, ""}) {
    const auto one = (*packed)->Classify(text);
    const auto other = (*beside)->Classify(text);
    ASSERT_TRUE(one.ok() && other.ok());
    EXPECT_EQ(one->front().label, other->front().label) << text;
    EXPECT_DOUBLE_EQ(one->front().confidence, other->front().confidence) << text;
  }
}

TEST_F(ReviewsTest, RefusesTokenizersThatItDoesNotKnow) {
  tflite::Tokenizer bert = ByExpression();
  bert.kind = tflite::Tokenizer::Kind::kBert;
  EXPECT_THAT(ErrorOf({Packed(bert)}), HasSubstr("only those by regular expression"));
}

TEST_F(ReviewsTest, AsksForAVocabularyWhereThereIsNone) {
  EXPECT_THAT(ErrorOf({models_ + "text_classification.tflite"}),
              HasSubstr("give one as vocab_path"));
  EXPECT_THAT(ErrorOf({models_ + "text_classification.tflite", folder_ + "/none"}),
              HasSubstr("file not found at " + folder_ + "/none"));
}

TEST_F(ClassifierTest, RefusesModelsThatAreNotForText) {
  ClassifierOptions options;
  options.vocab_path = Write("vocab.txt", "a\nb\n");
  options.model_path = Write("add.tflite", tflite::testing::ModelFile(tflite::testing::AddModel()));
  EXPECT_THAT(ErrorOf(options), HasSubstr("a text classifier has one input"));
  options.model_path = Write("not.tflite", "no model");
  EXPECT_FALSE(Classifier::Load(options).ok());
  options.model_path = folder_ + "/none.tflite";
  EXPECT_FALSE(Classifier::Load(options).ok());
}

}  // namespace
}  // namespace bowerbird::text
