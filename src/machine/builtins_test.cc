// SPDX-License-Identifier: Apache-2.0
//
// The models of the catalog that are neither cameras nor vision services.
#include "machine/builtins.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <stdlib.h>

#include "gmock/gmock.h"
#include "infer/testing/model_on_disk.h"
#include "machine/label_file.h"
#include "machine/machine_fixture.h"

namespace bowerbird::machine {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class Builtins : public MachineTest {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/builtins_test.XXXXXX";
    data_dir_ = mkdtemp(pattern);
    RegisterBuiltins(catalog_);
    machine_ = std::make_unique<Machine>(catalog_, metrics_, data_dir_, FastOptions());
  }
  void TearDown() override {
    machine_.reset();
    std::filesystem::remove_all(data_dir_);
  }

  void ApplyJson(const Json& json) {
    auto config = ParseConfig(json.dump(), {"m.json", "", nullptr});
    ASSERT_TRUE(config.ok()) << config.status();
    ApplyConfig(*std::move(config));
  }
  void ApplyModel(const Json& attributes, const std::string& model = "tflite_cpu") {
    ApplyJson(
        {{"services",
          {{{"name", "m"}, {"type", "mlmodel"}, {"model", model}, {"attributes", attributes}}}}});
  }
  const infer::ModelMetadata& Metadata() const {
    auto found = machine_->FindAs<MlModel>("m");
    EXPECT_TRUE(found.ok()) << found.status();
    return (*found)->model().metadata();
  }

  // y = a + b, its output described with labels that are packed into the file.
  static tflite::testing::ModelSpec LabelledModel() {
    auto spec = tflite::testing::AddModel(3);
    spec.metadata.emplace();
    spec.metadata->inputs.resize(2);
    spec.metadata->outputs.resize(1);
    spec.metadata->outputs[0].name = "probability";
    tflite::AssociatedFile file;
    file.name = "labels.txt";
    file.type = tflite::AssociatedFileType::kTensorAxisLabels;
    spec.metadata->outputs[0].associated_files = {file};
    spec.files = {{"labels.txt", "cat\ntraffic light\ndog\n"}};
    return spec;
  }

  std::string data_dir_;
};

TEST_F(Builtins, FakesAnswerAsTheReferenceDoes) {
  ApplyJson({{"components",
              {{{"name", "s"}, {"type", "sensor"}, {"model", "fake"}},
               {{"name", "g"}, {"type", "generic"}, {"model", "fake"}}}},
             {"services", {{{"name", "g"}, {"type", "generic"}, {"model", "fake"}}}}});
  const auto sensor = machine_->FindAs<Sensor>("s");
  ASSERT_TRUE(sensor.ok()) << sensor.status();
  EXPECT_EQ(*(*sensor)->GetReadings({}, {}), (Json{{"a", 1}, {"b", 2}, {"c", 3}}));
  EXPECT_EQ(MessageOf((*sensor)->DoCommand({}, {}).status()), "DoCommand unimplemented");
  const Json command{{"nested", {{"list", {1, "two"}}}}};
  const auto component = machine_->FindAs<GenericComponent>("g");
  ASSERT_TRUE(component.ok());
  EXPECT_EQ(*(*component)->DoCommand({}, command), command);
  const auto service = machine_->FindAs<GenericService>("g");
  ASSERT_TRUE(service.ok());
  EXPECT_EQ(*(*service)->DoCommand({}, command), command);
}

TEST_F(Builtins, TfliteModelsAreKnownByAllTheirNames) {
  const infer::testing::FileOnDisk file(tflite::testing::AddModel(3));
  for (const char* model : {"tflite_cpu", "rdk:builtin:tflite_cpu",
                            "viam:mlmodel-tflite:tflite_cpu", "bowerbird:tflite:tflite_cpu"}) {
    ApplyModel({{"model_path", file.path()}}, model);
    EXPECT_EQ(StateOf("m"), "ready") << model;
  }
}

TEST_F(Builtins, TfliteModelsRun) {
  const infer::testing::FileOnDisk file(tflite::testing::AddModel(2));
  ApplyModel({{"model_path", file.path()}, {"num_threads", 1}, {"instances", 1}});
  const auto found = machine_->FindAs<MlModel>("m");
  ASSERT_TRUE(found.ok()) << found.status();
  const infer::Model& model = (*found)->model();
  auto lease = model.Acquire({});
  ASSERT_TRUE(lease.ok()) << lease.status();
  const std::vector<float> values{1.5f, -2};
  const infer::Shape shape{1, 2};
  const infer::TensorView view{infer::DType::kFloat32, shape, std::as_bytes(std::span(values))};
  infer::NamedViews inputs;
  for (const auto& input : model.metadata().inputs) inputs[input.name] = view;
  const auto outputs = infer::Run({}, model, inputs, **lease);
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_THAT(outputs->begin()->second.As<float>(), ElementsAre(3.0f, -4.0f));
}

TEST_F(Builtins, TfliteFaultsSayWhatToDo) {
  ApplyModel(Json::object());
  EXPECT_EQ(StateOf("m"), "m.json: services[0].attributes.model_path: is missing: give a string");
  ApplyModel({{"model_path", "/none/x.tflite"}});
  EXPECT_EQ(StateOf("m"), "file not found at /none/x.tflite");
  const infer::testing::FileOnDisk file(tflite::testing::AddModel(3));
  ApplyModel({{"model_path", file.path()}, {"label_path", "/none/labels.txt"}});
  EXPECT_EQ(StateOf("m"), "file not found at /none/labels.txt");
  ApplyModel({{"model_path", file.path()}, {"num_threads", "two"}});
  EXPECT_EQ(
      StateOf("m"),
      "m.json: services[0].attributes.num_threads: \"two\" is not a whole number from -1 to 64");
  const infer::testing::FileOnDisk garbage(std::string("no model"));
  ApplyModel({{"model_path", garbage.path()}});
  EXPECT_EQ(StatusOf("m").state, ResourceState::kUnhealthy);
  EXPECT_THAT(StateOf("m"), HasSubstr(garbage.path()));
}

TEST_F(Builtins, AModelFileThatComesLaterIsLoaded) {
  const std::string path = data_dir_ + "/later.tflite";
  ApplyModel({{"model_path", path}});
  EXPECT_EQ(StateOf("m"), "file not found at " + path);
  std::ofstream(path, std::ios::binary) << tflite::testing::ModelFile(tflite::testing::AddModel(3));
  EXPECT_TRUE(Soon([&] { return machine_->FindAs<MlModel>("m").ok(); })) << StateOf("m");
}

TEST_F(Builtins, PackedLabelsBecomeAFileForOtherProcesses) {
  const infer::testing::FileOnDisk file(LabelledModel());
  ApplyModel({{"model_path", file.path()}});
  const std::string path = Metadata().outputs.at(0).labels_path;
  EXPECT_THAT(path, StartsWith(data_dir_ + "/labels/"));
  EXPECT_THAT(path, EndsWith(".txt"));
  EXPECT_EQ(Contents(path), "cat\ntraffic light\ndog\n");
}

TEST_F(Builtins, ALabelPathIsToldAsItIs) {
  const infer::testing::FileOnDisk file(LabelledModel());
  const infer::testing::FileOnDisk labels(std::string("a\nb\nc\n"), ".txt");
  ApplyModel({{"model_path", file.path()}, {"label_path", labels.path()}});
  EXPECT_EQ(Metadata().outputs.at(0).labels_path,
            std::filesystem::absolute(labels.path()).string());
  EXPECT_THAT(Metadata().labels, ElementsAre("a", "b", "c"));
}

class LabelFile : public Builtins {};

TEST_F(LabelFile, IsWrittenOnceAndNamedByItsContent) {
  const auto first = WriteLabelFile(data_dir_, {"cat", "dog"});
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(*first, data_dir_ +
                        "/labels/f641fdcd8af73b2f6334ab63c13d2eb857cd16f2aa4ea0ba20ba0eb9627918b5"
                        ".txt");
  const auto written = std::filesystem::last_write_time(*first);
  EXPECT_EQ(*WriteLabelFile(data_dir_, {"cat", "dog"}), *first);
  EXPECT_EQ(std::filesystem::last_write_time(*first), written);
  EXPECT_NE(*WriteLabelFile(data_dir_, {"dog", "cat"}), *first);
  // A torn one is replaced.
  std::ofstream(*first) << "ca";
  EXPECT_EQ(*WriteLabelFile(data_dir_, {"cat", "dog"}), *first);
  EXPECT_EQ(Contents(*first), "cat\ndog\n");
}

TEST_F(LabelFile, IsNotWrittenWhereReadersWouldMisreadIt) {
  for (const std::vector<std::string>& labels : {std::vector<std::string>{},
                                                 {"traffic light"},
                                                 {"a,b"},
                                                 {"cat", ""},
                                                 {"cat", " "},
                                                 {"cat", "do\ng"},
                                                 {"cat", "dog\r"}})
    EXPECT_EQ(*WriteLabelFile(data_dir_, labels), "");
  EXPECT_NE(*WriteLabelFile(data_dir_, {"raccoon"}), "");
}

TEST_F(LabelFile, FailsWithTheFolderThatCannotBeMade) {
  const auto failed = WriteLabelFile("/proc/none", {"cat", "dog"});
  EXPECT_FALSE(failed.ok());
  EXPECT_THAT(MessageOf(failed.status()), HasSubstr("/proc/none/labels"));
}

}  // namespace
}  // namespace bowerbird::machine
