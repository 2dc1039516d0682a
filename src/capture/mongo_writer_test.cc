// SPDX-License-Identifier: Apache-2.0
#include "capture/mongo_writer.h"

#include "base/status.h"
#include "capture/capture_fixture.h"
#include "gmock/gmock.h"

namespace bowerbird::capture {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What a server got, and how it answers. Outlives the collections that go to it.
struct Server {
  Mutex mutex;
  CondVar changed;
  std::vector<double> values ABSL_GUARDED_BY(mutex);
  absl::Status answer ABSL_GUARDED_BY(mutex);
  bool is_slow ABSL_GUARDED_BY(mutex) = false;
  size_t most_at_once ABSL_GUARDED_BY(mutex) = 0;

  std::vector<double> Values() {
    MutexLock lock(mutex);
    return values;
  }
  void SetSlow(bool slow) {
    MutexLock lock(mutex);
    is_slow = slow;
    changed.NotifyAll();
  }
  void SetAnswer(absl::Status status) {
    MutexLock lock(mutex);
    answer = std::move(status);
  }
};

// Readings with the value -1 cannot be documents.
class FakeCollection : public MongoCollection {
 public:
  explicit FakeCollection(Server& server) : server_(server) {}
  absl::Status Insert(std::span<const MongoReading> readings) override {
    MutexLock lock(server_.mutex);
    while (server_.is_slow) server_.changed.Wait(server_.mutex);
    server_.most_at_once = std::max(server_.most_at_once, readings.size());
    for (const auto& one : readings)
      if (ValueOf(one) < 0) return InvalidArgument("no document");
    if (!server_.answer.ok()) return server_.answer;
    for (const auto& one : readings) server_.values.push_back(ValueOf(one));
    return absl::OkStatus();
  }

 private:
  static double ValueOf(const Captured& reading) {
    return reading.record.readings.at("readings").at("value").get<double>();
  }
  Server& server_;
};

class MongoWriterTest : public CaptureTest {
 protected:
  void Start() {
    writer_ = std::make_unique<MongoWriter>(std::make_unique<FakeCollection>(server_), metrics_);
  }
  Server server_;
  std::unique_ptr<MongoWriter> writer_;
};

TEST_F(MongoWriterTest, ReadingsGoInTheirOrderAndPicturesDoNot) {
  Start();
  writer_->Put(Tabular(1));
  writer_->Put(Binary("picture"));
  writer_->Put(Tabular(2));
  ASSERT_TRUE(Soon([&] { return writer_->status().written == 2; }));
  EXPECT_THAT(server_.Values(), ElementsAre(1, 2));
}

TEST_F(MongoWriterTest, AServerThatHangsDelaysNobodyAndWhatHasNoRoomIsCounted) {
  server_.SetSlow(true);
  Start();
  constexpr size_t kMore = 100;
  // Up to a batch is with the server, which does not answer.
  for (size_t i = 0; i < MongoWriter::kCapacity + MongoWriter::kBatch + kMore; ++i)
    writer_->Put(Tabular(static_cast<double>(i)));
  EXPECT_GE(writer_->status().left_out, kMore);
  EXPECT_LE(writer_->status().waiting, MongoWriter::kCapacity);
  server_.SetSlow(false);
  ASSERT_TRUE(Soon([&] { return writer_->status().waiting == 0; }));
  ASSERT_TRUE(Soon([&] {
    const auto status = writer_->status();
    return status.written + status.left_out == MongoWriter::kCapacity + MongoWriter::kBatch + kMore;
  }));
  const auto values = server_.Values();
  EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
  MutexLock lock(server_.mutex);
  EXPECT_LE(server_.most_at_once, MongoWriter::kBatch);
}

TEST_F(MongoWriterTest, WhatTheServerDoesNotTakeIsCountedWithItsReasonAndTheNextGoes) {
  server_.SetAnswer(Unavailable("nobody there"));
  Start();
  writer_->Put(Tabular(1));
  ASSERT_TRUE(Soon([&] { return writer_->status().failed == 1; }));
  EXPECT_THAT(writer_->status().last_error, HasSubstr("nobody there"));
  server_.SetAnswer(absl::OkStatus());
  writer_->Put(Tabular(2));
  ASSERT_TRUE(Soon([&] { return writer_->status().written == 1; }));
  EXPECT_THAT(server_.Values(), ElementsAre(2));
}

TEST_F(MongoWriterTest, OneThatCannotBeADocumentCostsNoOther) {
  server_.SetSlow(true);
  Start();
  for (const double value : {1, 2, -1, 3, 4, 5}) writer_->Put(Tabular(value));
  server_.SetSlow(false);
  ASSERT_TRUE(Soon([&] { return writer_->status().written == 5; }));
  EXPECT_EQ(writer_->status().failed, 1u);
  EXPECT_THAT(server_.Values(), ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(MongoWriterTest, TheEndDoesNotWaitForWhatIsQueued) {
  server_.SetSlow(true);
  Start();
  for (size_t i = 0; i < 2 * MongoWriter::kBatch; ++i) writer_->Put(Tabular(1));
  ASSERT_TRUE(Soon([&] { return writer_->status().waiting < 2 * MongoWriter::kBatch; }));
  std::thread end([&] { writer_.reset(); });
  server_.SetSlow(false);
  end.join();
  EXPECT_LE(server_.Values().size(), 2 * MongoWriter::kBatch);
}

}  // namespace
}  // namespace bowerbird::capture
