// Calls of Amazon's services without one: signatures, endpoints, errors, settings, credentials, JSON.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aws/credentials.h"
#include "aws/json.h"
#include "aws/kinesis.h"
#include "core/secrets.h"
#include "tests/support/http_server.h"

namespace tidemill::aws {
namespace {

using Variables = std::map<std::string, std::string>;

aws::Environment environmentOf(Variables variables) {
    return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
        const auto at = variables.find(name);
        if (at == variables.end()) return std::nullopt;
        return at->second;
    };
}

// Signatures were made with botocore 1.44.8 in a virtual environment: an AWSRequest of method POST
// to "/" with the headers Content-Type and X-Amz-Target, signed by
// botocore.auth.SigV4Auth(Credentials(...), "kinesis", region), while
// botocore.auth.get_current_datetime gave the time that stands here.
struct Recorded {
    const char* name;
    std::int64_t seconds;
    aws::Credentials credentials;
    aws::PostToSign post;
    const char* authorization;
};

constexpr std::string_view kJson = "application/x-amz-json-1.1";
constexpr auto kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

class KinesisSignature : public testing::TestWithParam<Recorded> {};

TEST_P(KinesisSignature, IsThatOfBotocore) {
    const auto& recorded = GetParam();
    const auto headers =
        aws::signPost(recorded.post, recorded.credentials,
                      aws::Clock::time_point(std::chrono::seconds(recorded.seconds)));
    const auto has = [&](const std::string& line) {
        return std::find(headers.begin(), headers.end(), line) != headers.end();
    };
    EXPECT_TRUE(has(std::string("Authorization: ") + recorded.authorization))
        << testing::PrintToString(headers);
    const auto& token = recorded.credentials.sessionToken;
    EXPECT_EQ(has("X-Amz-Security-Token: " + token), !token.empty());
    EXPECT_TRUE(has("Host: " + std::string(recorded.post.host)));
}

INSTANTIATE_TEST_SUITE_P(
    Recorded, KinesisSignature,
    testing::Values(
        Recorded{"Keys",
                 1'793'491'200,
                 {"AKIDEXAMPLE", kSecret},
                 {"kinesis.eu-central-1.amazonaws.com", kJson, "Kinesis_20131202.ListShards",
                  R"({"StreamName":"orders"})", "eu-central-1", "kinesis"},
                 "AWS4-HMAC-SHA256 "
                 "Credential=AKIDEXAMPLE/20261101/eu-central-1/kinesis/aws4_request, "
                 "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
                 "Signature=315b442e47cf9539d511b6bfaeeee8158863f8501d0cfbc9dea77eae24427ac6"},
        Recorded{"SessionToken",
                 1'772'323'199,
                 {"AKIDEXAMPLE", kSecret, "token/with+signs=="},
                 {"kinesis.us-east-1.amazonaws.com", kJson, "Kinesis_20131202.GetRecords",
                  R"({"ShardIterator":"AAA\u00e9","Limit":10000})", "us-east-1", "kinesis"},
                 "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/kinesis/aws4_request, "
                 "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, "
                 "Signature=8cfba2ffff6ceadb1443ac9f7a05ffc1c4d7744572e20a5f11763ae7a2c8774f"},
        Recorded{
            "NoBodyAndAPort",
            1'709'208'000,
            {"a", "b"},
            {"localhost:4567", kJson, "Kinesis_20131202.PutRecords", "", "cn-north-1", "kinesis"},
            "AWS4-HMAC-SHA256 Credential=a/20240229/cn-north-1/kinesis/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
            "Signature=9ad9558c186be9ea51224dacce38a7069b86ed8308ee9415968976ebe91e4afe"}),
    [](const auto& test) { return test.param.name; });

TEST(KinesisEndpoint, IsTheRegionsUnlessOneIsGiven) {
    EXPECT_EQ(aws::endpointOf("", "eu-central-1")->url,
              "https://kinesis.eu-central-1.amazonaws.com/");
    EXPECT_EQ(aws::endpointOf("", "cn-north-1")->host, "kinesis.cn-north-1.amazonaws.com.cn");
    EXPECT_EQ(aws::endpointOf("http://localhost:4567/", "x")->host, "localhost:4567");
    EXPECT_EQ(aws::endpointOf("https://a.b:443", "x")->host, "a.b");
    for (const char* wrong : {"localhost:4567", "ftp://a", "http://", "http://a/b", "http://a b",
                              "http://u@a", "http://a\r\nX: y"})
        EXPECT_FALSE(aws::endpointOf(wrong, "x")) << wrong;
}

TEST(KinesisAnswerKinds, AreToldApartByTheirNames) {
    using enum aws::CallEnd;
    const auto endOf = [](int code, const std::string& body) {
        aws::HttpAnswer answer;
        answer.code = code;
        answer.body = body;
        return aws::callAnswerOf(std::move(answer)).end;
    };
    const auto named = [&](const char* name, int code = 400) {
        return endOf(code, std::string(R"({"__type":")") + name + R"(","message":null})");
    };
    EXPECT_EQ(endOf(200, "{}"), kDone);
    EXPECT_EQ(named("ProvisionedThroughputExceededException"), kThrottled);
    EXPECT_EQ(named("com.amazonaws.kinesis.v20131202#LimitExceededException"), kThrottled);
    EXPECT_EQ(named("ExpiredIteratorException"), kExpiredIterator);
    EXPECT_EQ(named("ExpiredTokenException"), kExpiredToken);
    EXPECT_EQ(named("UnrecognizedClientException"), kRefused);
    EXPECT_EQ(named("ResourceNotFoundException"), kNotFound);
    EXPECT_EQ(named("InvalidArgumentException"), kInvalid);
    EXPECT_EQ(named("AccessDeniedException"), kForbidden);
    EXPECT_EQ(named("WhateverException"), kForbidden);
    EXPECT_EQ(named("WhateverException", 500), kTransient);
    EXPECT_EQ(endOf(503, "<html>"), kTransient);
    EXPECT_EQ(endOf(404, "<html>"), kTransient) << "of a proxy between";
    EXPECT_EQ(endOf(403, ""), kForbidden);
    aws::HttpAnswer none;
    none.trouble = "Connection refused";
    EXPECT_EQ(aws::callAnswerOf(none).end, kTransient);
    none.needsPerson = true;
    EXPECT_EQ(aws::callAnswerOf(none).end, kForbidden);
}

TEST(AwsSettings, FilesAreReadAsAwsToolsWriteThem) {
    const auto credentials = aws::parseProfiles(
        "# comment\n[default]\naws_access_key_id = a\nAWS_SECRET_ACCESS_KEY=b=c # not a part\n"
        "\n[ shop ]\r\naws_access_key_id=s\r\n",
        false);
    ASSERT_TRUE(credentials) << credentials.error().message;
    EXPECT_EQ(credentials->at("default").at("aws_secret_access_key"), "b=c");
    EXPECT_EQ(credentials->at("shop").at("aws_access_key_id"), "s");
    const auto config = aws::parseProfiles(
        "[profile shop]\nregion = eu-west-1\ns3 =\n  max_queue_size = 7\n[sso-session x]\n"
        "sso_region = y\n[default]\nregion=us-east-2\n",
        true);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->size(), 2u);
    EXPECT_EQ(config->at("shop").at("region"), "eu-west-1");
    for (const char* wrong : {"[x\n", "a = b\n", "[x]\nword\n"}) {
        const auto parsed = aws::parseProfiles(wrong, false);
        ASSERT_FALSE(parsed) << wrong;
        EXPECT_EQ(parsed.error().message.find("line "), 0u) << parsed.error().message;
    }
}

class AwsCredentials : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "tidemill-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    void write(const char* name, const std::string& text) {
        std::ofstream(directory_ / name) << text;
    }
    Variables variables(Variables more = {}) const {
        more["HOME"] = directory_.string();
        more["AWS_SHARED_CREDENTIALS_FILE"] = (directory_ / "credentials").string();
        more["AWS_CONFIG_FILE"] = (directory_ / "config").string();
        more.emplace("AWS_EC2_METADATA_DISABLED", "true");
        return more;
    }
    static std::string keys(const std::string& id, const std::string& expires) {
        return R"({"AccessKeyId":")" + id +
               R"(","SecretAccessKey":"hidden-key","Token":"hidden-token","Expiration":")" +
               expires + R"(","Code":"Success","LastUpdated":null})";
    }

    std::filesystem::path directory_;
};

TEST_F(AwsCredentials, ComeFromTheEnvironmentThenFromProfiles) {
    write("credentials",
          "[default]\naws_access_key_id=d\naws_secret_access_key=ds\n"
          "[shop]\naws_access_key_id=s\naws_secret_access_key=ss\naws_session_token=st\n");
    write("config", "[profile shop]\nregion=eu-west-3\n[profile other]\nrole_arn=arn:x\n");
    const auto find = [&](Variables more, const std::string& profile = "") {
        return aws::findCredentials(environmentOf(variables(std::move(more))), profile);
    };
    EXPECT_EQ(find({})->credentials.keyId, "d");
    EXPECT_EQ(find({{"AWS_PROFILE", "shop"}})->credentials.sessionToken, "st");
    const Variables both{{"AWS_ACCESS_KEY_ID", "e"}, {"AWS_SECRET_ACCESS_KEY", "es"}};
    EXPECT_EQ(find(both)->credentials.keyId, "e");
    EXPECT_EQ(find(both, "shop")->credentials.keyId, "s") << "a profile that was asked for";
    EXPECT_NE(find({{"AWS_ACCESS_KEY_ID", "e"}}).error().message.find("go together"),
              std::string::npos);
    EXPECT_NE(find({}, "none").error().message.find("\"none\" is in no file"), std::string::npos);
    EXPECT_NE(find({}, "other").error().message.find("role_arn"), std::string::npos);
    EXPECT_EQ(aws::findRegion(environmentOf(variables()), "", "shop").value(), "eu-west-3");
    EXPECT_EQ(aws::findRegion(environmentOf(variables({{"AWS_REGION", "r"}})), "", "shop").value(),
              "r");
    EXPECT_FALSE(aws::findRegion(environmentOf(variables()), "", ""));
    EXPECT_FALSE(aws::findRegion(environmentOf(variables()), "A b", ""));
    write("credentials", "[default]\naws_access_key_id=d\n");
    EXPECT_NE(find({}).error().message.find("not whole"), std::string::npos);
    write("credentials", "");
    EXPECT_EQ(find({}).error().kind, core::ErrorKind::kNotFound);
}

TEST_F(AwsCredentials, OfAContainerAreAskedForWithItsToken) {
    test::HttpServer server([](const test::HttpAsked& asked) {
        if (asked.headers.count("authorization") == 0 ||
            asked.headers.at("authorization") != "let me in")
            return test::HttpReply{403, "{}"};
        return test::HttpReply{200, keys("container", "2030-01-01T00:00:00Z")};
    });
    const auto url = server.url() + "/keys";
    const auto found = aws::findCredentials(
        environmentOf(variables({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", url},
                                 {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "let me in"}})),
        "");
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->credentials.keyId, "container");
    EXPECT_EQ(aws::Clock::to_time_t(*found->credentials.expires), 1'893'456'000);
    EXPECT_EQ(core::withoutSecrets("x hidden-key y").find("hidden-key"), std::string::npos);
    // The file goes before, and is read each time.
    write("token", "wrong\n");
    const auto refused = aws::findCredentials(
        environmentOf(variables(
            {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", url},
             {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", (directory_ / "token").string()}})),
        "");
    EXPECT_EQ(refused.error().kind, core::ErrorKind::kIo);
    for (const char* elsewhere : {"http://example.org/", "http://localhost.example.org/",
                                  "http://127.0.0.1.example.org/", "file:///etc/passwd"})
        EXPECT_EQ(
            aws::findCredentials(
                environmentOf(variables({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", elsewhere}})), "")
                .error()
                .kind,
            core::ErrorKind::kInvalid)
            << elsewhere;
}

TEST_F(AwsCredentials, OfAnInstanceAreAskedForWithAToken) {
    test::HttpServer server([](const test::HttpAsked& asked) {
        if (asked.method == "PUT" && asked.path == "/latest/api/token")
            return test::HttpReply{200, "the-token"};
        const auto at = asked.headers.find("x-aws-ec2-metadata-token");
        if (at == asked.headers.end() || at->second != "the-token") return test::HttpReply{401, ""};
        const std::string roles = "/latest/meta-data/iam/security-credentials/";
        if (asked.path == roles) return test::HttpReply{200, "role\n"};
        if (asked.path == roles + "role")
            return test::HttpReply{200, keys("instance", "2030-01-01T00:00:00Z")};
        return test::HttpReply{404, ""};
    });
    const auto found = aws::findCredentials(
        environmentOf(variables({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url()},
                                 {"AWS_EC2_METADATA_DISABLED", "false"}})),
        "");
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->credentials.keyId, "instance");
    EXPECT_EQ(found->credentials.sessionToken, "hidden-token");
}

TEST_F(AwsCredentials, AreRenewedBeforeTheyExpire) {
    std::atomic<int> asked = 0;
    std::atomic<bool> fails = false;
    test::HttpServer server([&](const test::HttpAsked&) {
        if (fails) return test::HttpReply{500, ""};
        return test::HttpReply{200, keys("id" + std::to_string(++asked), "2030-01-01T00:00:00Z")};
    });
    aws::CredentialsKeeper keeper(
        environmentOf(variables({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", server.url() + "/"}})), "");
    const auto end = aws::Clock::from_time_t(1'893'456'000);
    const auto idAt = [&](aws::Clock::time_point now) {
        const auto got = keeper.get(now);
        return got ? (*got)->credentials.keyId : got.error().message;
    };
    EXPECT_EQ(idAt(end - std::chrono::hours(1)), "id1");
    EXPECT_EQ(idAt(end - std::chrono::minutes(6)), "id1");
    EXPECT_EQ(idAt(end - std::chrono::minutes(4)), "id2");
    // Asked again, but not for each request; those that still hold are used meanwhile.
    EXPECT_EQ(idAt(end - std::chrono::minutes(4)), "id2");
    fails = true;
    EXPECT_EQ(idAt(end - std::chrono::minutes(2)), "id2");
    EXPECT_NE(idAt(end).find("status 500"), std::string::npos);
    EXPECT_EQ(asked, 2);
}

TEST(AwsJson, NullIsNotThereAndOtherTypesAreSaid) {
    aws::JsonAnswer answer;
    auto object = answer.parse(R"({"a":null,"b":"x","c":1.5,"d":[{"e":"f"},{"e":null}]})");
    ASSERT_TRUE(object);
    EXPECT_EQ(object->text("a", 9), std::nullopt);
    EXPECT_EQ(object->text("nothing", 9), std::nullopt);
    EXPECT_EQ(object->millis("c"), 1'500);
    std::string seen;
    object->each("d", 2, [&](aws::JsonObject each) { seen += each.text("e", 1).value_or("-"); });
    EXPECT_EQ(seen, "f-");
    EXPECT_TRUE(answer.checked());
    EXPECT_EQ(object->text("c", 9), std::nullopt);
    EXPECT_NE(answer.checked().error().message.find("\"c\" is no text"), std::string::npos);
    for (const char* wrong : {"", "[]", "null", "{", "{\"a\":1,}", "{} x", "\"{}\""})
        EXPECT_FALSE(answer.parse(wrong)) << wrong;
    EXPECT_FALSE(answer.parse("{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}"));
}

TEST(AwsJson, Base64IsWhatRfc4648Says) {
    for (std::size_t size = 0; size < 20; ++size) {
        std::string bytes;
        for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * 37 + 251);
        EXPECT_EQ(aws::decodeBase64(aws::encodeBase64(bytes)), bytes);
    }
    EXPECT_EQ(aws::encodeBase64("foob"), "Zm9vYg==");
    for (const char* wrong :
         {"Zg", "Zg=", "Z===", "Zg==Zg==", "Zh==", "Zm9=", "Zg=a", "Z g=", "===="})
        EXPECT_EQ(aws::decodeBase64(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace tidemill::aws
