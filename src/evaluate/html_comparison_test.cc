// SPDX-License-Identifier: Apache-2.0
#include "evaluate/html_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bowerbird::evaluate {
namespace {

using nlohmann::ordered_json;
using ::testing::HasSubstr;
using ::testing::Not;

ordered_json OneBetterAndSlower(const std::string& label = "cat") {
  return {
      {"model", {{"accuracy", 0.5}, {"call_ms_p50", 2}, {"per_class", {{label, {{"f1", 0.5}}}}}}},
      {"other", {{"accuracy", 0.75}, {"call_ms_p50", 3}, {"per_class", {{label, {{"f1", 0.25}}}}}}},
      {"difference",
       {{"accuracy", 0.25}, {"call_ms_p50", 1}, {"per_class", {{label, {{"f1", -0.25}}}}}}},
      {"agreement", 0.875}};
}

TEST(HtmlComparison, TellsBetterFromWorse) {
  const std::string page = HtmlComparison(OneBetterAndSlower(), {.title = "a"}, {.title = "b"});
  EXPECT_THAT(page, HasSubstr("<b>87.5 %</b>agreement"));
  EXPECT_THAT(page, HasSubstr("<td>accuracy</td><td>0.5</td><td>0.75</td>"
                              "<td class=\"better\">+0.25</td>"));
  EXPECT_THAT(page, HasSubstr("<td>call_ms_p50</td><td>2</td><td>3</td>"
                              "<td class=\"worse\">+1</td>"));
  EXPECT_THAT(page, HasSubstr("<td>cat</td><td>0.5</td><td>0.25</td>"
                              "<td class=\"worse\">-0.25</td>"));
}

TEST(HtmlComparison, PicturesOfBothAreShown) {
  const std::string page =
      HtmlComparison(OneBetterAndSlower(), {.title = "a", .mistakes = {{"its own", "JPEG"}}},
                     {.title = "b", .mistakes = {{"the other one", "JPEG"}}});
  EXPECT_THAT(page, HasSubstr("its own"));
  EXPECT_THAT(page, HasSubstr("the other one"));
}

TEST(HtmlComparison, TextsOfAnyKindStayText) {
  const std::string hostile = "<script>alert('1')</script>\"&\x01";
  const std::string page = HtmlComparison(OneBetterAndSlower(hostile), {.title = hostile},
                                          {.title = hostile, .mistakes = {{hostile, "JPEG"}}});
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("\x01")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
}

// Detectors that find nothing have no figure where others have one.
TEST(HtmlComparison, WhatOneLacksIsEmpty) {
  const ordered_json comparison = {{"model", {{"ap", 0.5}}},
                                   {"other", {{"ap", nullptr}}},
                                   {"difference", {{"ap", nullptr}}},
                                   {"agreement", nullptr}};
  const std::string page = HtmlComparison(comparison, {.title = "a"}, {.title = "b"});
  EXPECT_THAT(page, HasSubstr("<td>ap</td><td>0.5</td>"));
  EXPECT_THAT(page, HasSubstr("</html>"));
}

}  // namespace
}  // namespace bowerbird::evaluate
