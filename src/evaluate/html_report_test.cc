// SPDX-License-Identifier: Apache-2.0
#include "evaluate/html_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluate/mistakes.h"
#include "evaluate/report.h"

namespace bowerbird::evaluate {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ScoredPictures ThreePictures(const std::string& second = "dog") {
  return {.labels = {"cat", second}, .scores = {0.9F, 0.1F, 0.8F, 0.2F, 0.3F, 0.7F}};
}

TEST(HtmlReport, ShowsFiguresMatrixAndPlots) {
  const std::vector<uint32_t> truth{0, 1, 1};
  const std::vector<std::vector<uint32_t>> labels{{0}, {1}, {1}};
  const auto report = ClassifierReport(ThreePictures(), truth);
  const std::string page = HtmlReport(report, {.title = "pets",
                                               .curves = CurvesOf(ThreePictures(), labels),
                                               .loss = {{1, 2}, {2, 1}},
                                               .mistakes = {{"a cat", "JPEG"}}});
  EXPECT_THAT(page, HasSubstr("<b>66.7 %</b>accuracy"));
  EXPECT_THAT(page, HasSubstr("<h2>Confusion</h2>"));
  EXPECT_THAT(page, HasSubstr("share that is right"));
  EXPECT_THAT(page, HasSubstr("data:image/jpeg;base64,SlBFRw=="));
  EXPECT_THAT(page, HasSubstr(">loss</text>"));
  EXPECT_THAT(page, Not(HasSubstr("Left out")));
}

TEST(HtmlReport, TextsOfAnyKindStayText) {
  const std::string hostile = "<script>alert('1')</script>\"&\x01";
  const std::vector<uint32_t> truth{0, 1, 1};
  auto report = ClassifierReport(ThreePictures(hostile), truth);
  report["problems"] = {hostile};
  const std::vector<std::vector<uint32_t>> labels{{0}, {1}, {1}};
  const std::string page = HtmlReport(report, {.title = hostile,
                                               .curves = CurvesOf(ThreePictures(hostile), labels),
                                               .mistakes = {{hostile, "JPEG"}}});
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("\x01")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
}

TEST(HtmlReport, OfNothingIsAPage) {
  const std::string page = HtmlReport(nlohmann::ordered_json::object(), {.title = "nothing"});
  EXPECT_THAT(page, HasSubstr("<h1>nothing</h1>"));
  EXPECT_THAT(page, HasSubstr("</html>"));
}

TEST(WorstMistakes, OfAClassifierAreItsSurestWrongAnswers) {
  const std::vector<uint32_t> truth{1, 1, 1};
  const auto mistakes = WorstMistakes(ThreePictures(), truth, 5);
  ASSERT_EQ(mistakes.size(), 2);
  EXPECT_EQ(mistakes[0].picture, 0);
  EXPECT_EQ(mistakes[0].what, "cat 0.90, it is dog");
  EXPECT_EQ(mistakes[1].picture, 1);
  EXPECT_EQ(WorstMistakes(ThreePictures(), truth, 1).size(), 1);
}

TEST(WorstMistakes, OfManyLabelsAreJudgedOneByOne) {
  const std::vector<std::vector<uint32_t>> truth{{0, 1}, {}, {1}};
  const auto mistakes = WorstMistakes(ThreePictures(), truth, 5);
  ASSERT_EQ(mistakes.size(), 2);
  EXPECT_EQ(mistakes[0].what, "dog 0.10 (it is)");
  EXPECT_EQ(mistakes[1].what, "cat 0.80 (it is not)");
}

TEST(WorstMistakes, OfADetectorAreThingsMissedAndThingsThatAreNotThere) {
  DetectionSet set{.pictures = 3, .categories = {"cat"}};
  const Rectangle here{0, 0, 10, 10}, there{20, 20, 30, 30};
  set.truth = {{.picture = 0, .box = here}, {.picture = 1, .box = here}};
  // The second one in picture 0 finds what is found already; the last one is too unsure.
  set.found = {{.picture = 0, .box = here, .score = 0.9},
               {.picture = 0, .box = here, .score = 0.8},
               {.picture = 1, .box = there, .score = 0.7},
               {.picture = 2, .box = there, .score = 0.1}};
  const auto mistakes = WorstMistakes(set, 0.4, 5);
  ASSERT_EQ(mistakes.size(), 2);
  EXPECT_EQ(mistakes[0].picture, 1);
  EXPECT_EQ(mistakes[0].what, "1 missed, 1 wrong");
  EXPECT_EQ(mistakes[1].picture, 0);
  EXPECT_EQ(mistakes[1].what, "0 missed, 1 wrong");
}

}  // namespace
}  // namespace bowerbird::evaluate
