// Sources of type "flume" in job files.
#include "tests/tools/job_file_texts.h"

namespace tidemill::tools {
namespace {

const std::string kHead = "[job]\nname = \"shop\"\n[[source]]\ntype = \"flume\"\n";
const std::string kPrint = "[[output]]\nto = \"print\"\n";

std::string errorWith(const std::string& keys, const std::string& more = "") {
    return errorOf(kHead + keys + kPrint + more);
}

TEST(FlumeSourceSpec, HasItsKeys) {
    const auto job = parseJobFile(
        kHead +
            "name = \"events\"\nlisten = \"0.0.0.0:4141\"\nallow_remote = true\n"
            "protocol = \"thrift\"\nheaders = [\"host\", \"id\"]\nmax_request_bytes = \"1MiB\"\n"
            "max_request_events = 5000\nmax_header_bytes = \"4KiB\"\nmax_connections = 7\n"
            "max_connections_per_address = 3\nrequest_time = \"10s\"\nanswer_time = \"2s\"\n"
            "dedup = \"header:id\"\ndedup_for = \"2h\"\nmax_rate = \"1000 records/s\"\n" +
            kPrint,
        "job.toml");
    ASSERT_TRUE(job) << job.error().message;
    const auto& source = job->sources.at(0);
    EXPECT_EQ(source.type, SourceSpec::Type::kFlume);
    EXPECT_EQ(source.headers, (std::vector<std::string>{"host", "id"}));
    const auto& flume = source.flume;
    EXPECT_EQ(flume.host, "0.0.0.0");
    EXPECT_EQ(flume.port, 4141);
    EXPECT_EQ(flume.protocol, FlumeProtocol::kThrift);
    EXPECT_EQ(flume.requestBytesMax, 1u << 20);
    EXPECT_EQ(flume.requestEventsMax, 5'000u);
    EXPECT_EQ(flume.headerBytesMax, 4u << 10);
    EXPECT_EQ(flume.connectionsMax, 7u);
    EXPECT_EQ(flume.connectionsPerAddressMax, 3u);
    EXPECT_EQ(flume.requestTimeMax, std::chrono::seconds(10));
    EXPECT_EQ(flume.answerTimeMax, std::chrono::seconds(2));
    EXPECT_EQ(flume.dedupHeader, "id");
    EXPECT_EQ(flume.dedupFor, std::chrono::hours(2));
    ASSERT_TRUE(source.maxRate);
}

TEST(FlumeSourceSpec, BodiesAreTextAndHeadersAreColumns) {
    good(kHead + "listen = \"4141\"\n[[step]]\ndo = \"split\"\n[[step]]\ndo = \"count\"\n" +
         kPrint);
    good(kHead +
         "listen = \"4141\"\nheaders = \"host\"\n[[step]]\ndo = \"aggregate\"\n"
         "key = \"host\"\ncompute = {n = \"count()\"}\n[[output]]\nto = \"json_lines\"\n"
         "path = \"stdout\"\n");
    good(kHead +
         "listen = \"4141\"\nheaders = \"level\"\n[[step]]\n"
         "where = \"level = 'error' and body like '%disk%'\"\n"
         "[[output]]\nto = \"json_lines\"\npath = \"stdout\"\n");
    EXPECT_EQ(errorWith("listen = \"4141\"\nheaders = \"body\"\n").substr(0, 13), "job.toml:3:1:");
}

TEST(FlumeSourceSpec, SaysWhatIsWrong) {
    EXPECT_EQ(errorWith(""), "job.toml:3:1: [[source]] lacks the key \"listen\"");
    EXPECT_EQ(errorWith("listen = \"example.org:80\"\n"),
              "job.toml:5:10: listen is \"example.org:80\", but the source needs a port, or an "
              "address of this machine and a port, such as \"127.0.0.1:4141\"");
    EXPECT_EQ(
        errorWith("listen = \"0.0.0.0:4141\"\n"),
        "job.toml:5:10: \"0.0.0.0:4141\" can be reached by other machines, and "
        "anybody there may send, without encryption; add allow_remote = true if that is meant");
    EXPECT_EQ(errorWith("listen = \"4141\"\ndedup = \"id\"\n"),
              "job.toml:6:9: dedup is \"id\"; expected \"header:NAME\", the header of an event "
              "that holds its id");
    EXPECT_EQ(errorWith("listen = \"4141\"\ndedup_for = \"2h\"\n"),
              "job.toml:6:13: dedup_for says how long ids are remembered; dedup says where they "
              "are, such as dedup = \"header:id\"");
    EXPECT_EQ(errorWith("listen = \"4141\"\nanswer_time = \"1min\"\n"),
              "job.toml:3:1: answer_time is 60000 ms; expected 100 to 20000 ms");
    EXPECT_EQ(errorWith("listen = \"4141\"\nprotocol = \"rpc\"\n").find("job.toml:6:12: "), 0u);
    EXPECT_EQ(errorWith("listen = \"4141\"\n", "[limits]\nreceive_budget = \"1MiB\"\n"),
              "job.toml:3:1: a request of max_request_bytes and max_request_events takes up to "
              "33554432 bytes of memory, but receive_budget is 1048576");
    EXPECT_EQ(errorWith("listen = \"4141\"\npath = \"/a\"\n").find("job.toml:6:1: unknown key"),
              0u);
    EXPECT_EQ(errorWith("listen = \"4141\"\n[[source]]\ntype = \"listen\"\nport = 4141\n"),
              "job.toml:8:8: host \"127.0.0.1\" takes in port 4141, on which the source of line 3 "
              "listens already");
}

}  // namespace
}  // namespace tidemill::tools
