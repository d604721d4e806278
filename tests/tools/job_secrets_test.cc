// "${env:NAME}" and "${file:PATH}" in job files.
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "tests/tools/job_file_texts.h"

namespace tidemill::tools {
namespace {

const std::string kHead =
    "[job]\nname = \"shop\"\n[[source]]\ntype = \"kafka\"\nbrokers = \"a:1\"\n";
const std::string kPrint = "[[output]]\nto = \"print\"\n";

class JobSecrets : public ::testing::Test {
protected:
    void SetUp() override {
        ::setenv("TIDEMILL_TEST_SECRET", "tide-and-time", 1);
        ::unsetenv("TIDEMILL_TEST_MISSING");
        path_ = ::testing::TempDir() + "tidemill_secret." + std::to_string(::getpid());
    }
    void TearDown() override { std::filesystem::remove(path_); }

    void writeFile(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }
    static std::string password(const std::string& written) {
        const auto job = good(kHead + "topics = \"x\"\nkafka = {\"sasl.password\" = '" + written +
                              "'}\n" + kPrint);
        return job.sources.empty() ? "no job" : job.sources[0].kafka.properties.at("sasl.password");
    }

    std::string path_;
};

TEST_F(JobSecrets, ComeFromTheEnvironment) {
    EXPECT_EQ(password("${env:TIDEMILL_TEST_SECRET}"), "tide-and-time");
    EXPECT_EQ(password("<${env:TIDEMILL_TEST_SECRET}|${env:TIDEMILL_TEST_SECRET}>"),
              "<tide-and-time|tide-and-time>");
}

TEST_F(JobSecrets, ComeFromFilesWithoutTheLastLineEnd) {
    writeFile("from-a-file\r\n");
    EXPECT_EQ(password("${file:" + path_ + "}"), "from-a-file");
    writeFile("two-lines\n\n");
    EXPECT_EQ(password("${file:" + path_ + "}"), "two-lines\n");
}

TEST_F(JobSecrets, AreTakenInListsToo) {
    const auto job = good(kHead + "topics = [\"y\", \"${env:TIDEMILL_TEST_SECRET}\"]\n" + kPrint);
    EXPECT_EQ(job.sources.at(0).kafka.topics, (std::vector<std::string>{"y", "tide-and-time"}));
}

TEST_F(JobSecrets, AreNotLookedForInWhatTheyHold) {
    ::setenv("TIDEMILL_TEST_SECRET", "${env:HOME}", 1);
    EXPECT_EQ(password("${env:TIDEMILL_TEST_SECRET}"), "${env:HOME}");
}

TEST_F(JobSecrets, OtherDollarsStayAsTheyAre) {
    EXPECT_EQ(password("$$ ${} $1 ${x} $${env:TIDEMILL_TEST_SECRET}"),
              "$$ ${} $1 ${x} ${env:TIDEMILL_TEST_SECRET}");
}

TEST_F(JobSecrets, ThatAreMissingNameTheKey) {
    const auto kafka = [](const std::string& text) {
        return errorOf(kHead + "topics = \"x\"\nkafka = {\"sasl.password\" = \"" + text + "\"}\n" +
                       kPrint);
    };
    EXPECT_EQ(kafka("${env:TIDEMILL_TEST_MISSING}"),
              "job.toml:7:28: sasl.password names the environment variable "
              "\"TIDEMILL_TEST_MISSING\", which is not set");
    const auto file = kafka("${file:/nowhere/secret}");
    EXPECT_TRUE(
        file.starts_with("job.toml:7:28: sasl.password names the file "
                         "\"/nowhere/secret\", which cannot be read: "))
        << file;
    EXPECT_EQ(kafka("${env:OPEN"),
              "job.toml:7:28: sasl.password has \"${env:\" without a \"}\" behind it; \"$${\" is a "
              "plain \"${\"");
}

TEST_F(JobSecrets, StandInNoError) {
    const auto error = errorOf(kHead + "topics = \"x\"\nstart = \"${env:TIDEMILL_TEST_SECRET}\"\n" +
                               "on_lost_data = \"${env:TIDEMILL_TEST_SECRET}\"\n"
                               "discover_every = \"${env:TIDEMILL_TEST_SECRET}\"\n" +
                               kPrint);
    EXPECT_EQ(error.find("tide-and-time"), error.npos) << error;
    EXPECT_NE(error.find("start is \"${env:TIDEMILL_TEST_SECRET}\""), error.npos) << error;
    EXPECT_NE(error.find("on_lost_data \"${env:TIDEMILL_TEST_SECRET}\" is not known"), error.npos)
        << error;
    EXPECT_NE(error.find("discover_every is \"${env:TIDEMILL_TEST_SECRET}\""), error.npos) << error;
}

TEST_F(JobSecrets, StandInNoErrorThatIsCutShort) {
    const std::string secret(100, 'k');
    ::setenv("TIDEMILL_TEST_SECRET", secret.c_str(), 1);
    const auto error = errorOf(kHead +
                               "topics = \"x\"\ndiscover_every = "
                               "\"${env:TIDEMILL_TEST_SECRET}\"\n" +
                               kPrint);
    EXPECT_EQ(error.find("kkkk"), error.npos) << error;
    EXPECT_NE(error.find("${env:TIDEMILL_TEST_SECRET}"), error.npos) << error;
}

}  // namespace
}  // namespace tidemill::tools
