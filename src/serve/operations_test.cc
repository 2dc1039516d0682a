// SPDX-License-Identifier: Apache-2.0
#include "serve/operations.h"

#include "gtest/gtest.h"
#include "serve/sessions.h"
#include "serve/test_peer.h"

namespace bowerbird::serve {
namespace {

OperationInfo Named(const std::string& method) {
  OperationInfo info;
  info.method = method;
  return info;
}

TEST(Operations, AreListedWhileTheyRunOldestFirst) {
  OperationRegistry registry;
  auto first = registry.Begin(Named("/a/A"), nullptr);
  auto second = registry.Begin(Named("/b/B"), nullptr);
  auto list = registry.List();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].method, "/a/A");
  EXPECT_EQ(registry.List(first->info().id).at(0).method, "/b/B");
  first.reset();
  EXPECT_EQ(registry.List().size(), 1u);
  second->End();
  EXPECT_TRUE(registry.List().empty());
}

TEST(Operations, CancelCallsBackOnceAndTellsWhetherItRan) {
  OperationRegistry registry;
  int calls = 0;
  auto operation = registry.Begin(Named("/a/A"), [&calls] { ++calls; });
  const std::string id = operation->info().id;
  EXPECT_FALSE(operation->cancelled());
  EXPECT_TRUE(registry.Cancel(id));
  EXPECT_TRUE(registry.Cancel(id));
  EXPECT_TRUE(operation->cancelled());
  EXPECT_EQ(calls, 1);
  operation.reset();
  EXPECT_FALSE(registry.Cancel(id));
}

TEST(Operations, EndWaitsForACancelThatRuns) {
  OperationRegistry registry;
  std::atomic<bool> entered{false}, leave{false}, left{false};
  auto operation = registry.Begin(Named("/a/A"), [&] {
    entered = true;
    while (!leave) std::this_thread::yield();
    left = true;
  });
  std::thread canceller([&, id = operation->info().id] { registry.Cancel(id); });
  while (!entered) std::this_thread::yield();
  std::thread releaser([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    leave = true;
  });
  operation->End();
  EXPECT_TRUE(left);
  canceller.join();
  releaser.join();
}

TEST(Operations, ACancelMayEndItsOwnOperation) {
  OperationRegistry registry;
  std::unique_ptr<OperationRegistry::Operation> operation;
  operation = registry.Begin(Named("/a/A"), [&] { operation->End(); });
  EXPECT_TRUE(registry.Cancel(operation->info().id));
  EXPECT_TRUE(registry.List().empty());
}

TEST(Operations, WaitingEndsWithTheOperationOrTheContext) {
  OperationRegistry registry;
  auto operation = registry.Begin(Named("/a/A"), nullptr);
  const std::string id = operation->info().id;
  EXPECT_TRUE(registry.WaitUntilEnded(Context(), "no such").ok());
  const Context brief = Context().WithTimeout(std::chrono::milliseconds(30));
  EXPECT_TRUE(absl::IsDeadlineExceeded(registry.WaitUntilEnded(brief, id)));
  Context cancelled;
  cancelled.cancelled = [] { return true; };
  EXPECT_TRUE(absl::IsCancelled(registry.WaitUntilEnded(cancelled, id)));
  std::thread ender([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    operation->End();
  });
  EXPECT_TRUE(registry.WaitUntilEnded(Context(), id).ok());
  ender.join();
}

class SessionsTest : public testing::Test {
 protected:
  Sessions::TimePoint now_ = std::chrono::steady_clock::now();
  Sessions sessions_{std::chrono::seconds(2), [this] { return now_; }};
};

TEST_F(SessionsTest, LiveAsLongAsHeartbeatsCome) {
  const auto started = sessions_.Start("me", "peer", "");
  ASSERT_TRUE(started.ok());
  EXPECT_EQ(started->window, std::chrono::seconds(2));
  for (int i = 0; i < 3; ++i) {
    now_ += std::chrono::milliseconds(1500);
    EXPECT_TRUE(sessions_.Heartbeat(started->id, "me").ok());
  }
  EXPECT_EQ(sessions_.List().size(), 1u);
  now_ += std::chrono::seconds(2);
  const absl::Status expired = sessions_.Check(started->id, "me");
  EXPECT_TRUE(absl::IsInvalidArgument(expired));
  EXPECT_EQ(std::string(expired.message()), "SESSION_EXPIRED");
  EXPECT_FALSE(sessions_.Heartbeat(started->id, "me").ok());
  EXPECT_TRUE(sessions_.List().empty());
}

TEST_F(SessionsTest, BelongToTheirOwner) {
  const auto started = sessions_.Start("me", "peer", "");
  EXPECT_FALSE(sessions_.Check(started->id, "you").ok());
  EXPECT_FALSE(sessions_.Heartbeat(started->id, "you").ok());
  const auto other = sessions_.Start("you", "peer", started->id);
  EXPECT_NE(other->id, started->id);
}

TEST_F(SessionsTest, AreResumedWhileTheyLive) {
  const auto started = sessions_.Start("me", "peer", "");
  now_ += std::chrono::seconds(1);
  EXPECT_EQ(sessions_.Start("me", "peer", started->id)->id, started->id);
  now_ += std::chrono::seconds(3);
  EXPECT_NE(sessions_.Start("me", "peer", started->id)->id, started->id);
}

TEST_F(SessionsTest, AreBoundedInNumberAndWindow) {
  for (size_t i = 0; i < Sessions::kMaxSessions; ++i)
    ASSERT_TRUE(sessions_.Start("me", "peer", "").ok());
  EXPECT_TRUE(absl::IsResourceExhausted(sessions_.Start("me", "peer", "").status()));
  now_ += std::chrono::seconds(2);
  sessions_.SetWindow(std::chrono::hours(1));
  EXPECT_EQ(sessions_.Start("me", "peer", "")->window, Sessions::kMaxWindow);
  sessions_.SetWindow(std::chrono::nanoseconds(0));
  EXPECT_EQ(sessions_.Start("me", "peer", "")->window, Sessions::kMinWindow);
}

}  // namespace
}  // namespace bowerbird::serve
