// SPDX-License-Identifier: Apache-2.0
#include "machine/module/remote_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"

namespace bowerbird::machine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

absl::StatusOr<RemoteSettings> Read(const std::string& address,
                                    nlohmann::json json = nlohmann::json::object()) {
  RemoteConfig remote;
  remote.name = "far";
  remote.address = address;
  remote.json = std::move(json);
  remote.path = "remotes[0]";
  return ReadRemote(remote);
}

TEST(ReadRemote, TlsIsTheRule) {
  EXPECT_TRUE(Read("yard:8080")->tls);
  EXPECT_TRUE(Read("https://yard:8080")->tls);
  EXPECT_FALSE(Read("yard:8080", {{"insecure", true}})->tls);
  EXPECT_FALSE(Read("http://yard:8080")->tls);
  EXPECT_FALSE(Read("unix:/run/bowerbird.sock")->tls);
  EXPECT_THAT(MessageOf(Read("http://yard", {{"insecure", false}}).status()),
              HasSubstr("insecure"));
}

TEST(ReadRemote, AnAddressWithoutPortHasTheUsualOne) {
  EXPECT_EQ(Read("yard")->target, "yard:443");
  EXPECT_EQ(Read("https://yard/")->target, "yard:443");
  EXPECT_EQ(Read("http://yard")->target, "yard:80");
  EXPECT_EQ(Read("[::1]")->target, "[::1]:443");
  EXPECT_EQ(Read("[::1]:9")->target, "[::1]:9");
  EXPECT_EQ(Read("unix:/run/bowerbird.sock")->target, "unix:/run/bowerbird.sock");
}

TEST(ReadRemote, TakesKeysAndIntervals) {
  const auto read = Read(
      "yard:1",
      {{"auth", {{"entity", "id"}, {"credentials", {{"type", "api-key"}, {"payload", "key"}}}}},
       {"connection_check_interval", "3s"},
       {"reconnect_interval", "250ms"}});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->entity, "id");
  EXPECT_EQ(read->kind, "api-key");
  EXPECT_EQ(read->secret, "key");
  EXPECT_EQ(read->check_interval, std::chrono::seconds(3));
  EXPECT_EQ(read->reconnect_interval, std::chrono::milliseconds(250));
  EXPECT_EQ(Read("yard:1", {{"secret", "s"}})->kind, "robot-location-secret");
}

TEST(ReadRemote, FaultsNameTheKeyAndNotTheSecret) {
  const auto half = Read("yard:1", {{"auth", {{"credentials", {{"payload", "hush"}}}}}});
  EXPECT_THAT(MessageOf(half.status()), HasSubstr("remotes[0].auth.credentials"));
  EXPECT_THAT(MessageOf(half.status()), Not(HasSubstr("hush")));
  const auto odd = Read("yard:1", {{"auth", {{"credentials", {{"payload", {"hush"}}}}}}});
  EXPECT_THAT(MessageOf(odd.status()), HasSubstr("payload"));
  EXPECT_THAT(MessageOf(odd.status()), Not(HasSubstr("hush")));
  EXPECT_THAT(MessageOf(Read("yard:1", {{"reconnect_interval", "1ms"}}).status()),
              HasSubstr("reconnect_interval"));
  EXPECT_FALSE(Read("yard:1", {{"insecure", "yes"}}).ok());
}

TEST(RemoteConnection, SaysWhyItCannotBe) {
  auto settings = *Read("127.0.0.1:1", {{"tls_ca", "/no/such/file"}});
  EXPECT_THAT(MessageOf(RemoteConnection::Open(Context(), settings).status()),
              HasSubstr("/no/such/file has no certificate in it"));
  settings = *Read("127.0.0.1:1", {{"insecure", true}});
  const auto connection = RemoteConnection::Open(Context(), settings);
  ASSERT_TRUE(connection.ok()) << "no key, nothing to ask";
  EXPECT_TRUE(absl::IsUnavailable((*connection)->Look(Context()).status()));
  EXPECT_FALSE((*connection)->Stands());
}

}  // namespace
}  // namespace bowerbird::machine
