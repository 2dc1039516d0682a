// SPDX-License-Identifier: Apache-2.0
#include "serve/auth.h"
#include "base/base64.h"

#include <sys/stat.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "serve/crypto.h"
#include "serve/test_peer.h"

namespace bowerbird::serve {
namespace {

using test::TempFolder;
using testing::HasSubstr;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

class AuthTest : public testing::Test {
 protected:
  std::unique_ptr<Authenticator> Open() {
    auto made = Authenticator::Create(folder_.path(), [this] { return now_; });
    EXPECT_TRUE(made.ok()) << made.status();
    return *std::move(made);
  }
  NewApiKey Create(const std::string& name) {
    auto created = ApiKeyFile(folder_.path()).Create(name);
    EXPECT_TRUE(created.ok()) << created.status();
    return *std::move(created);
  }
  static std::string Token(Authenticator& authenticator, const NewApiKey& key) {
    const auto token = authenticator.Authenticate(key.key.id, "api-key", key.secret);
    EXPECT_TRUE(token.ok()) << token.status();
    return token.ok() ? *token : "";
  }

  TempFolder folder_;
  std::chrono::steady_clock::time_point now_ = std::chrono::steady_clock::now();
};

TEST_F(AuthTest, ExchangesAKeyForATokenThatNamesIt) {
  const NewApiKey key = Create("laptop");
  auto authenticator = Open();
  const auto identity = authenticator->Check("Bearer " + Token(*authenticator, key));
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->key_id, key.key.id);
}

TEST_F(AuthTest, AnswersFailuresWithTheCodesAndTextsOfTheWire) {
  const NewApiKey key = Create("laptop");
  auto authenticator = Open();
  const auto wrong = authenticator->Authenticate(key.key.id, "api-key", "guess").status();
  EXPECT_TRUE(absl::IsUnauthenticated(wrong));
  EXPECT_EQ(Message(wrong), "invalid credentials");
  const auto nobody = authenticator->Authenticate("nobody", "api-key", key.secret).status();
  EXPECT_EQ(Message(nobody), "invalid credentials");
  const auto type = authenticator->Authenticate(key.key.id, "password", key.secret).status();
  EXPECT_TRUE(absl::IsInvalidArgument(type));
  const auto missing = authenticator->Check("").status();
  EXPECT_TRUE(absl::IsUnauthenticated(missing));
  EXPECT_EQ(Message(missing), "authentication required");
  EXPECT_TRUE(absl::IsUnauthenticated(authenticator->Check("Bearer nonsense").status()));
}

TEST_F(AuthTest, RevokingAKeyEndsItsTokensAtOnce) {
  const NewApiKey key = Create("laptop");
  const NewApiKey other = Create("robot");
  auto authenticator = Open();
  const std::string token = Token(*authenticator, key);
  const std::string other_token = Token(*authenticator, other);
  ASSERT_TRUE(authenticator->Check("Bearer " + token).ok());
  ASSERT_TRUE(ApiKeyFile(folder_.path()).Revoke(key.key.id).ok());
  EXPECT_TRUE(absl::IsUnauthenticated(authenticator->Check("Bearer " + token).status()));
  EXPECT_TRUE(authenticator->Check("Bearer " + other_token).ok());
  EXPECT_FALSE(authenticator->Authenticate(key.key.id, "api-key", key.secret).ok());
}

TEST_F(AuthTest, AKeyCreatedWhileTheServerRunsIsValidAtOnce) {
  auto authenticator = Open();
  EXPECT_FALSE(authenticator->has_keys());
  const NewApiKey key = Create("late");
  EXPECT_TRUE(authenticator->has_keys());
  EXPECT_TRUE(authenticator->Authenticate(key.key.id, "api-key", key.secret).ok());
}

TEST_F(AuthTest, TokensOutliveARestart) {
  const NewApiKey key = Create("laptop");
  const std::string token = Token(*Open(), key);
  EXPECT_TRUE(Open()->Check("Bearer " + token).ok());
  struct stat status;
  ASSERT_EQ(stat((folder_.path() + "/token_key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(AuthTest, TokensOfAnotherServerAreNotTaken) {
  const NewApiKey key = Create("laptop");
  const std::string token = Token(*Open(), key);
  std::filesystem::remove(folder_.path() + "/token_key");
  EXPECT_TRUE(absl::IsUnauthenticated(Open()->Check("Bearer " + token).status()));
}

TEST_F(AuthTest, KeysOfTheConfigWorkAndTheirTokensEndWhenTheSecretChanges) {
  auto authenticator = Open();
  ASSERT_TRUE(authenticator->SetHandlers({{"api-key", {{"part", "s3cret"}}}}).ok());
  const auto token = authenticator->Authenticate("part", "api-key", "s3cret");
  ASSERT_TRUE(token.ok());
  ASSERT_TRUE(authenticator->SetHandlers({{"api-key", {{"part", "s3cret"}}}}).ok());
  EXPECT_TRUE(authenticator->Check("Bearer " + *token).ok());
  ASSERT_TRUE(authenticator->SetHandlers({{"api-key", {{"part", "other"}}}}).ok());
  EXPECT_FALSE(authenticator->Check("Bearer " + *token).ok());
}

TEST_F(AuthTest, HandlersOfUnknownTypesAreNamedAndTheRestIsTaken) {
  auto authenticator = Open();
  const absl::Status status =
      authenticator->SetHandlers({{"oauth", {}}, {"api-key", {{"part", "s3cret"}}}});
  EXPECT_THAT(Message(status), HasSubstr("\"oauth\""));
  EXPECT_TRUE(authenticator->Authenticate("part", "api-key", "s3cret").ok());
}

TEST_F(AuthTest, AnEmptySecretInTheConfigIsNoKey) {
  auto authenticator = Open();
  ASSERT_TRUE(authenticator->SetHandlers({{"api-key", {{"part", ""}}}}).ok());
  EXPECT_FALSE(authenticator->Authenticate("part", "api-key", "").ok());
}

TEST_F(AuthTest, AnOpenServerTakesCallsWithAndWithoutTokens) {
  auto authenticator = Open();
  authenticator->SetPolicy({false});
  EXPECT_TRUE(authenticator->Check("").ok());
  EXPECT_TRUE(authenticator->Check("Bearer stale").ok());
  // Clients that always authenticate get along, but what they get is worth nothing elsewhere.
  const auto token = authenticator->Authenticate("whoever", "api-key", "whatever");
  ASSERT_TRUE(token.ok());
  authenticator->SetPolicy({true});
  EXPECT_FALSE(authenticator->Check("Bearer " + *token).ok());
}

TEST_F(AuthTest, AnOpenServerWithKeysStillChecksThem) {
  const NewApiKey key = Create("laptop");
  auto authenticator = Open();
  authenticator->SetPolicy({false});
  EXPECT_FALSE(authenticator->Authenticate(key.key.id, "api-key", "wrong").ok());
  const auto identity = authenticator->Check("Bearer " + Token(*authenticator, key));
  ASSERT_TRUE(identity.ok());
  EXPECT_EQ(identity->key_id, key.key.id);
}

TEST_F(AuthTest, ManyFailedAttemptsAreRefusedUntilTheSecondIsOver) {
  const NewApiKey key = Create("laptop");
  auto authenticator = Open();
  for (int i = 0; i < Authenticator::kMaxFailuresPerSecond; ++i) {
    EXPECT_TRUE(absl::IsUnauthenticated(
        authenticator->Authenticate(key.key.id, "api-key", "guess").status()));
  }
  EXPECT_TRUE(absl::IsResourceExhausted(
      authenticator->Authenticate(key.key.id, "api-key", key.secret).status()));
  now_ += std::chrono::milliseconds(1001);
  EXPECT_TRUE(authenticator->Authenticate(key.key.id, "api-key", key.secret).ok());
}

TEST_F(AuthTest, ScrapersMayUseTheKeyItself) {
  const NewApiKey key = Create("prometheus");
  auto authenticator = Open();
  EXPECT_TRUE(
      authenticator->CheckHttp("Basic " + Base64Encode(key.key.id + ":" + key.secret)).ok());
  EXPECT_FALSE(authenticator->CheckHttp("Basic " + Base64Encode(key.key.id + ":x")).ok());
  EXPECT_FALSE(authenticator->CheckHttp("Basic !").ok());
  EXPECT_FALSE(authenticator->CheckHttp("").ok());
}

TEST_F(AuthTest, ADamagedKeyFileMakesNoKeyValidAndIsNotOverwritten) {
  const NewApiKey key = Create("laptop");
  auto authenticator = Open();
  folder_.Write("api_keys.json", "{\"version\": 1, \"keys\": [{}]}");
  EXPECT_FALSE(authenticator->Authenticate(key.key.id, "api-key", key.secret).ok());
  const absl::Status created = ApiKeyFile(folder_.path()).Create("more").status();
  EXPECT_TRUE(absl::IsFailedPrecondition(created));
  EXPECT_THAT(Message(created), HasSubstr("api_keys.json"));
}

TEST(ApiKeyFile, ListsWhatItCreatedAndForgetsWhatItRevoked) {
  TempFolder folder;
  const ApiKeyFile file(folder.path() + "/not/there/yet");
  EXPECT_TRUE(file.List()->empty());
  ApiKeyFile writer(folder.path() + "/not/there/yet");
  const auto first = writer.Create("one");
  const auto second = writer.Create("two");
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->secret.size(), 43u);
  EXPECT_NE(first->secret, second->secret);
  ASSERT_EQ(file.List()->size(), 2u);
  EXPECT_EQ(file.List()->at(0).name, "one");
  const std::string text = *ReadPrivateFile(file.path());
  EXPECT_EQ(text.find(first->secret), std::string::npos) << "the secret must not be stored";
  struct stat status;
  ASSERT_EQ(stat(file.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_TRUE(writer.Revoke(first->key.id).ok());
  EXPECT_TRUE(absl::IsNotFound(writer.Revoke(first->key.id)));
  EXPECT_EQ(file.List()->size(), 1u);
}

TEST(ApiKeyFile, KeepsEveryKeyOfWritersAtTheSameTime) {
  TempFolder folder;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 5; ++k) EXPECT_TRUE(ApiKeyFile(folder.path()).Create("key").ok());
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ApiKeyFile(folder.path()).List()->size(), 40u);
}

TEST(ApiKeyFile, RefusesNamesThatCouldNotBeListed) {
  TempFolder folder;
  ApiKeyFile file(folder.path());
  for (const std::string& name :
       {std::string(), std::string("a\nb"), std::string(101, 'a'), std::string("\x7f")})
    EXPECT_TRUE(absl::IsInvalidArgument(file.Create(name).status())) << name;
}

TEST(Token, VerifiesWhatItSignedAndNothingElse) {
  const TokenSigner signer(RandomBytes(32));
  const TokenClaims claims{"key-id", "0123", "api-key", 1'700'000'000};
  const std::string token = signer.Sign(claims);
  const auto verified = signer.Verify(token);
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(*verified, claims);
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(signer.Verify(changed).ok()) << i;
  }
  EXPECT_FALSE(TokenSigner(RandomBytes(32)).Verify(token).ok());
  EXPECT_FALSE(signer.Verify(token + "=").ok());
  EXPECT_FALSE(signer.Verify("").ok());
}

TEST(Token, DoesNotTakeAnotherAlgorithm) {
  const std::string key = RandomBytes(32);
  const TokenSigner signer(key);
  const std::string token = signer.Sign({"key-id", "0123", "api-key", 1});
  const size_t dot = token.find('.');
  const std::string payload = token.substr(dot, token.rfind('.') - dot);
  for (const char* header : {R"({"alg":"none"})", R"({"alg":"HS256","typ":"JWT"})"}) {
    const std::string text = Base64UrlEncode(header) + payload;
    EXPECT_FALSE(signer.Verify(text + ".").ok());
    EXPECT_FALSE(signer.Verify(text + "." + Base64UrlEncode(HmacSha256(key, text))).ok());
  }
}

TEST(AuthPolicy, LoopbackIsOpenUnlessHandlersAreConfigured) {
  EXPECT_FALSE(DecideAuthPolicy({})->credentials_required);
  AuthInputs with_handlers;
  with_handlers.handlers_configured = true;
  EXPECT_TRUE(DecideAuthPolicy(with_handlers)->credentials_required);
}

TEST(AuthPolicy, OtherAddressesNeedKeysAndTlsOrInsecure) {
  AuthInputs inputs;
  inputs.loopback = false;
  inputs.tls = true;
  EXPECT_THAT(Message(DecideAuthPolicy(inputs).status()), HasSubstr("bowerbird key create"));
  inputs.has_keys = true;
  EXPECT_TRUE(DecideAuthPolicy(inputs)->credentials_required);
  inputs.tls = false;
  EXPECT_THAT(Message(DecideAuthPolicy(inputs).status()), HasSubstr("--tls-cert"));
  inputs.insecure = true;
  EXPECT_TRUE(DecideAuthPolicy(inputs)->credentials_required);
}

TEST(Crypto, DecodesWhatItEncodedAndRefusesOtherSpellings) {
  for (size_t size = 0; size < 20; ++size) {
    const std::string bytes = RandomBytes(size);
    EXPECT_EQ(HexDecode(HexEncode(bytes)), bytes);
  }
  EXPECT_FALSE(HexDecode("0").has_value());
  EXPECT_FALSE(HexDecode("0G").has_value());
}

TEST(Crypto, MakesVersion4Uuids) {
  const std::string uuid = RandomUuid();
  ASSERT_EQ(uuid.size(), 36u);
  EXPECT_EQ(uuid[14], '4');
  EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos);
  EXPECT_NE(uuid, RandomUuid());
}

}  // namespace
}  // namespace bowerbird::serve
