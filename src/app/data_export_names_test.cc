// SPDX-License-Identifier: Apache-2.0
#include "app/data_export_names.h"

#include <gtest/gtest.h>

namespace bowerbird::app {
namespace {

TEST(ExportNames, AreThoseOfTheFilesWhereThatIsSafe) {
  ExportNames names;
  for (const std::string name : {"a.png", "a b/c.d.png", "-rf.png", "$(x).png", "ä€😀.png", "A.PNG",
                                 "%2e%2e%2f.png", "quote\"'.png", ".hidden.png"}) {
    EXPECT_EQ(names.NameOf({"o/l/id", name, ".jpg"}), name);
  }
  EXPECT_EQ(names.NameOf({"o/l/id", "bare", ".jpg"}), "bare.jpg");
}

TEST(ExportNames, AreTheIdWhereTheFilesNameIsNoSafePath) {
  for (const std::string& name :
       {std::string(), std::string("/shots/a.png"), std::string("../a.png"), std::string("a/../b"),
        std::string("a/./b"), std::string("."), std::string("\\back\\.png"),
        std::string("C:\\pictures\\a.png"), std::string("C:/a.png"), std::string("a\nb.png"),
        std::string("a\0b.png", 7), std::string("a//b.png"), std::string("a/"),
        std::string(201, 'x'), std::string(600, 'x') + "/" + std::string(600, 'y')}) {
    ExportNames names;
    EXPECT_EQ(names.NameOf({"o/l/id", name, ".png"}), "id.png") << name;
  }
  ExportNames names;
  EXPECT_EQ(names.NameOf({"o/l/1", "", "/../../x"}), "1");
  EXPECT_EQ(names.NameOf({"o/l/2", "", "./../x"}), "2");
}

TEST(ExportNames, OfOneNameAreTellApartById) {
  ExportNames names;
  EXPECT_EQ(names.NameOf({"o/l/1", "d/a.png", ".png"}), "d/a.png");
  EXPECT_EQ(names.NameOf({"o/l/2", "d/a.png", ".png"}), "d/a-2.png");
  EXPECT_EQ(names.NameOf({"o/l/3", "d/a-2.png", ".png"}), "d/a-2-3.png");
  EXPECT_EQ(names.NameOf({"o/l/2", "d/a.png", ".png"}), "d/a-2-2.png");
}

}  // namespace
}  // namespace bowerbird::app
