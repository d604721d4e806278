// Sources of type "http" in job files.
#include <fstream>

#include "tests/tools/job_file_texts.h"

namespace tidemill::tools {
namespace {

const std::string kHead = "[job]\nname = \"shop\"\n[[source]]\ntype = \"http\"\n";
const std::string kPrint = "[[output]]\nto = \"print\"\n";

std::string errorWith(const std::string& keys, const std::string& more = "") {
    return errorOf(kHead + keys + kPrint + more);
}

TEST(HttpSourceSpec, HasItsKeys) {
    const std::string token = testing::TempDir() + "http_spec_token";
    std::ofstream(token) << "0123456789abcdef0123456789abcdef\n";
    const auto job = parseJobFile(
        kHead + "name = \"orders\"\nlisten = \"0.0.0.0:8080\"\ntoken_file = \"" + token +
            "\"\nmax_request_bytes = \"1MiB\"\nmax_connections = 7\n"
            "max_connections_per_address = 3\nrequest_time = \"5s\"\nidle_time = \"2min\"\n" +
            kPrint,
        "job.toml");
    ASSERT_TRUE(job) << job.error().message;
    const auto& source = job->sources.at(0);
    EXPECT_EQ(source.type, SourceSpec::Type::kHttp);
    EXPECT_EQ(source.host, "0.0.0.0");
    EXPECT_EQ(source.port, 8080);
    EXPECT_EQ(source.http.path, "/orders");
    EXPECT_EQ(source.http.tokenFile, token);
    EXPECT_EQ(source.http.requestBytesMax, 1u << 20);
    EXPECT_EQ(source.http.connectionsMax, 7u);
    EXPECT_EQ(source.http.connectionsPerAddressMax, 3u);
    EXPECT_EQ(source.http.requestTimeMax, std::chrono::seconds(5));
    EXPECT_EQ(source.http.idleTimeMax, std::chrono::minutes(2));
}

TEST(HttpSourceSpec, APortIsOneOfThisMachine) {
    const auto job = parseJobFile(kHead + "listen = \"8080\"\n" + kPrint, "job.toml");
    ASSERT_TRUE(job) << job.error().message;
    EXPECT_EQ(job->sources.at(0).host, "127.0.0.1");
    EXPECT_EQ(job->sources.at(0).http.path, "/");
    good(kHead + "listen = \"0.0.0.0:8080\"\ninsecure = true\n" + kPrint);
    good(kHead + "listen = \"[::1]:8080\"\n[[step]]\ndo = \"split\"\n" + kPrint);
}

TEST(HttpSourceSpec, SaysWhatIsWrong) {
    EXPECT_EQ(errorWith(""), "job.toml:3:1: [[source]] lacks the key \"listen\"");
    EXPECT_EQ(errorWith("listen = \"example.org:80\"\n"),
              "job.toml:5:10: listen is \"example.org:80\", but the source needs a port, or an "
              "address of this machine and a port, such as \"127.0.0.1:8080\"");
    EXPECT_EQ(errorWith("listen = \"0.0.0.0:8080\"\n"),
              "job.toml:5:10: \"0.0.0.0:8080\" can be reached by other machines; give token_file, "
              "a file with a token that requests must bring, or add insecure = true if anybody "
              "there may write to the job");
    EXPECT_EQ(errorWith("listen = \"8080\"\npath = \"orders\"\n"),
              "job.toml:6:8: path is \"orders\"; expected \"/\" and letters, digits or -_.~/ "
              "behind it, at most 200 bytes");
    EXPECT_EQ(errorWith("listen = \"8080\"\ntoken_file = \"/no/such/file\"\n")
                  .find("job.toml:6:14: token_file cannot be read: "),
              0u);
    EXPECT_EQ(errorWith("listen = \"8080\"\nmax_request_bytes = \"64MiB\"\n")
                  .find("job.toml:6:21: max_request_bytes"),
              0u);
    EXPECT_EQ(errorWith("listen = \"8080\"\n", "[limits]\nreceive_budget = \"1MiB\"\n"),
              "job.toml:3:1: a request of max_request_bytes, 8388608, takes 16777216 bytes of "
              "memory, but receive_budget is 1048576");
    EXPECT_EQ(errorWith("listen = \"8080\"\ninterval = \"1s\"\n")
                  .find("job.toml:6:1: unknown key \"interval\""),
              0u);
}

TEST(HttpSourceSpec, TwoSourcesShareNeitherPortNorPath) {
    EXPECT_EQ(errorWith("listen = \"8080\"\n[[source]]\ntype = \"http\"\nlisten = \"8081\"\n"),
              "job.toml:6:1: the HTTP source of line 3 has the path \"/\" too; give each a name, "
              "or a path, of its own");
    EXPECT_EQ(errorWith("listen = \"8080\"\n[[source]]\ntype = \"listen\"\nport = 8080\n"),
              "job.toml:8:8: host \"127.0.0.1\" takes in port 8080, on which the source of line 3 "
              "listens already");
}

}  // namespace
}  // namespace tidemill::tools
