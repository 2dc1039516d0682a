// SPDX-License-Identifier: Apache-2.0
#include "machine/camera_scenes.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "image/draw.h"

namespace bowerbird::machine {
namespace {

using image::Color;
using image::Image;

constexpr image::Size kSize{640, 480};
constexpr double kPi = 3.14159265358979323846;

// An ellipse's centre, half axes, and how far it is turned clockwise.
struct Ellipse {
  double x = 0, y = 0, a = 0, b = 0, degrees = 0;
};

void Put(Image& image, int x, int y, Color color) {
  uint8_t* pixel = image.row(y) + 3 * x;
  pixel[0] = color.r;
  pixel[1] = color.g;
  pixel[2] = color.b;
}

void Fill(Image& image, const Ellipse& ellipse, Color color) {
  const double cosine = std::cos(ellipse.degrees * kPi / 180);
  const double sine = std::sin(ellipse.degrees * kPi / 180);
  const double reach = std::max(ellipse.a, ellipse.b);
  const int x_end = std::min(image.width(), static_cast<int>(ellipse.x + reach) + 2);
  const int y_end = std::min(image.height(), static_cast<int>(ellipse.y + reach) + 2);
  for (int y = std::max(0, static_cast<int>(ellipse.y - reach)); y < y_end; ++y) {
    for (int x = std::max(0, static_cast<int>(ellipse.x - reach)); x < x_end; ++x) {
      const double dx = x - ellipse.x, dy = y - ellipse.y;
      const double u = (dx * cosine + dy * sine) / ellipse.a;
      const double v = (dy * cosine - dx * sine) / ellipse.b;
      if (u * u + v * v <= 1) Put(image, x, y, color);
    }
  }
}

// A whole number from 0 to below `end`.
double Draw(std::mt19937& random, unsigned end) { return static_cast<double>(random() % end); }

// From `top` to `bottom`, as light falls in a room.
Image Background(Color top, Color bottom) {
  Image image(kSize.width, kSize.height, image::PixelFormat::kRgb8);
  for (int y = 0; y < image.height(); ++y) {
    const double share = static_cast<double>(y) / (image.height() - 1);
    const auto mix = [&](uint8_t from, uint8_t to) {
      return static_cast<uint8_t>(from + share * (to - from));
    };
    const Color color{mix(top.r, bottom.r), mix(top.g, bottom.g), mix(top.b, bottom.b)};
    for (int x = 0; x < image.width(); ++x) Put(image, x, y, color);
  }
  return image;
}

Image Pizza() {
  Image image = Background({120, 84, 60}, {92, 60, 40});
  Fill(image, {326, 250, 226, 206}, {60, 38, 26});     // shadow
  Fill(image, {320, 240, 220, 200}, {196, 140, 74});   // crust
  Fill(image, {320, 240, 196, 177}, {184, 52, 30});    // sauce
  Fill(image, {320, 240, 188, 169}, {240, 204, 104});  // cheese
  std::mt19937 random(7);
  for (int i = 0; i < 220; ++i) {  // baked spots
    const double angle = 2 * kPi * Draw(random, 3600) / 3600;
    const double reach = std::sqrt(Draw(random, 1000) / 1000);
    const double size = 3 + Draw(random, 9);
    const Color color = random() % 3 == 0 ? Color{206, 132, 52} : Color{250, 222, 140};
    Fill(image,
         {320 + 178 * reach * std::cos(angle), 240 + 160 * reach * std::sin(angle), size, size},
         color);
  }
  for (int i = 0; i < 11; ++i) {  // salami, in two rings
    const double reach = i < 8 ? 0.72 : 0.3;
    const double angle = 2 * kPi * (i < 8 ? i / 8.0 : i / 3.0);
    const double x = 320 + 180 * reach * std::cos(angle), y = 240 + 162 * reach * std::sin(angle);
    Fill(image, {x + 2, y + 2, 29, 27}, {150, 80, 36});
    Fill(image, {x, y, 28, 26}, {176, 40, 34});
    Fill(image, {x - 6, y - 6, 9, 8}, {204, 76, 62});
  }
  for (int i = 0; i < 16; ++i) {  // basil
    const double angle = 2 * kPi * (i * 0.381966);
    const double reach = 40 + 8 * i;
    Fill(image,
         {320 + reach * std::cos(angle), 240 + 0.9 * reach * std::sin(angle), 16, 7, 53.0 * i},
         {44, 110, 44});
  }
  return image;
}

Image Dog() {
  Image image = Background({150, 200, 240}, {96, 158, 72});
  const Color coat{168, 112, 60}, dark{112, 70, 36}, light{222, 184, 134}, black{22, 18, 16};
  Fill(image, {330, 436, 210, 22}, {66, 118, 50});  // shadow
  Fill(image, {556, 232, 80, 13, -50}, coat);       // tail
  for (const double x : {268.0, 322.0, 452.0, 506.0}) Fill(image, {x, 372, 22, 66}, dark);
  Fill(image, {390, 282, 158, 74}, coat);  // trunk
  for (const double x : {250.0, 304.0, 470.0, 524.0}) Fill(image, {x, 368, 22, 70}, coat);
  Fill(image, {262, 242, 60, 74, 28}, coat);    // neck
  Fill(image, {212, 166, 82, 74}, coat);        // head
  Fill(image, {162, 196, 54, 38, -12}, light);  // muzzle
  Fill(image, {118, 186, 18, 14}, black);       // nose
  Fill(image, {272, 160, 28, 66, -14}, dark);   // ear
  Fill(image, {190, 144, 15, 15}, {250, 250, 246});
  Fill(image, {186, 146, 9, 9}, black);       // eye
  Fill(image, {160, 222, 38, 5, -10}, dark);  // mouth
  return image;
}

void Person(Image& image, double x, double feet, double height, Color clothes, Color skin) {
  const Color trousers{44, 48, 66};
  const double unit = height / 8;
  Fill(image, {x, feet, 1.6 * unit, 0.35 * unit}, {98, 98, 98});  // shadow
  Fill(image, {x - 0.55 * unit, feet - 1.9 * unit, 0.48 * unit, 2 * unit, 3}, trousers);
  Fill(image, {x + 0.55 * unit, feet - 1.9 * unit, 0.48 * unit, 2 * unit, -3}, trousers);
  Fill(image, {x - 1.1 * unit, feet - 4.7 * unit, 0.36 * unit, 1.6 * unit, 8}, clothes);
  Fill(image, {x + 1.1 * unit, feet - 4.7 * unit, 0.36 * unit, 1.6 * unit, -8}, clothes);
  Fill(image, {x, feet - 4.9 * unit, 1.05 * unit, 1.75 * unit}, clothes);
  Fill(image, {x, feet - 7.15 * unit, 0.68 * unit, 0.85 * unit}, skin);
  Fill(image, {x, feet - 7.55 * unit, 0.7 * unit, 0.5 * unit}, {50, 36, 28});  // hair
}

Image Crowd() {
  Image image = Background({186, 206, 226}, {136, 134, 130});
  std::mt19937 random(11);
  const Color skins[] = {{236, 196, 160}, {198, 144, 104}, {142, 96, 64}, {92, 62, 44}};
  for (int row = 0; row < 4; ++row) {  // from the back to the front
    const double feet = 236 + 74 * row, height = 120 + 44 * row;
    const int people = 11 - 2 * row;
    for (int i = 0; i < people; ++i) {
      const double place = (i + 0.5 + 0.15 * (row % 2)) * kSize.width / people;
      const double sway = Draw(random, 21) - 10;
      const Color clothes = image::ColorOfClass(static_cast<int>(random() % 20));
      Person(image, place + sway, feet + Draw(random, 13), height * (0.94 + Draw(random, 13) / 100),
             clothes, skins[random() % 4]);
    }
  }
  return image;
}

}  // namespace

const std::vector<std::string_view>& SceneNames() {
  static const auto& names = *new std::vector<std::string_view>{"pizza", "dog", "crowd"};
  return names;
}

Image DrawScene(std::string_view name) {
  if (name == "pizza") return Pizza();
  if (name == "dog") return Dog();
  return Crowd();
}

}  // namespace bowerbird::machine
