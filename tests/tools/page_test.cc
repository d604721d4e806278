// The job's page over HTTP, as curl and Prometheus ask for it.
#include <regex>
#include <set>
#include <utility>

#include "tests/tools/page_fixture.h"

namespace tidemill::test {
namespace {

TEST_F(Page, ShowsStatusBatchesAndPlan) {
    const auto daemon = startWithPage();
    EXPECT_THAT(rig_.daemonErrors(),
                HasSubstr("page: http://127.0.0.1:" + std::to_string(port_) + "/"));
    const auto page = get("/");
    EXPECT_EQ(page.code, 200);
    EXPECT_THAT(page.head, HasSubstr("Content-Type: text/html; charset=utf-8"));
    EXPECT_THAT(page.head, HasSubstr("Content-Security-Policy: default-src 'none'"));
    EXPECT_THAT(page.body, StartsWith("<!doctype html>"));
    EXPECT_THAT(page.body, HasSubstr("var uPlot=function()"));
    // Everything is in it: it asks nobody else.
    EXPECT_THAT(page.body, testing::Not(HasSubstr("src=")));
    EXPECT_THAT(page.body, testing::Not(HasSubstr("*{uplot")));

    const auto status = Json::parse(get("/api/v1/status").body);
    EXPECT_EQ(status["job"], "program");
    EXPECT_EQ(status["process"], daemon->pid());
    const auto batches = Json::parse(get("/api/v1/batches").body);
    ASSERT_FALSE(batches.empty());
    std::uint64_t records = 0;
    for (const auto& batch : batches) records += batch["records"].get<std::uint64_t>();
    EXPECT_EQ(records, 1u);
    EXPECT_EQ(batches[0]["outputs"][0]["description"], "print");
    const auto last = batches.back()["id"].get<std::uint64_t>();
    for (const auto& batch : Json::parse(get("/api/v1/batches?after=" + std::to_string(last)).body))
        EXPECT_GT(batch["id"].get<std::uint64_t>(), last);
    EXPECT_THAT(get("/api/v1/plan").body, HasSubstr("step        running_totals \"totals\"\n"));
    EXPECT_EQ(get("/healthz").body, "ok\n");
    EXPECT_EQ(get("/readyz").code, 200);
    stopGracefully(*daemon);
    EXPECT_EQ(get("/").code, 0);
}

// OpenMetrics 1.0: what a family's lines look like, and that samples follow their family.
TEST_F(Page, MetricsAreOpenMetrics) {
    const auto daemon = startWithPage();
    const auto metrics = get("/metrics");
    EXPECT_EQ(metrics.code, 200);
    EXPECT_THAT(metrics.head,
                HasSubstr("Content-Type: application/openmetrics-text; version=1.0.0"));
    EXPECT_TRUE(metrics.body.ends_with("\n# EOF\n"));
    EXPECT_THAT(metrics.body, HasSubstr("tidemill_records_total{job_name=\"program\"} 1\n"));
    EXPECT_THAT(metrics.body, HasSubstr("tidemill_source_records_total{job_name=\"program\","
                                        "source=\"1\",description=\"socket dials 127.0.0.1:"));
    static const std::regex kHead(R"(# (TYPE|UNIT|HELP) ([a-z_]+) (.+))");
    static const std::regex kSample(
        R"(([a-z_]+)\{[a-z_]+="(?:[^"\\]|\\.)*"(?:,[a-z_]+="(?:[^"\\]|\\.)*")*\} ([-+0-9.e]+))");
    std::istringstream lines(metrics.body);
    std::string family;
    std::string type;
    std::set<std::string> families;
    std::set<std::string> samples;
    std::smatch match;
    for (std::string line; std::getline(lines, line) && line != "# EOF";) {
        if (std::regex_match(line, match, kHead)) {
            if (match[1] == "TYPE") {
                family = match[2];
                type = match[3];
                EXPECT_TRUE(families.insert(family).second) << family << " comes twice";
            }
            EXPECT_EQ(match[2], family);
            if (match[1] == "UNIT") EXPECT_TRUE(family.ends_with("_" + match[3].str())) << line;
        } else {
            ASSERT_TRUE(std::regex_match(line, match, kSample)) << line;
            const auto suffix = type == "counter" ? "_total" : type == "info" ? "_info" : "";
            EXPECT_EQ(match[1], family + suffix);
            EXPECT_TRUE(samples.insert(line.substr(0, line.rfind(' '))).second) << line;
        }
    }
    stopGracefully(*daemon);
}

TEST_F(Page, RefusesWhatIsNotForIt) {
    const auto daemon = startWithPage();
    EXPECT_EQ(get("/", "evil.example:" + std::to_string(port_)).code, 403);
    EXPECT_EQ(get("/", "127.0.0.1.evil.example").code, 403);
    EXPECT_EQ(get("/", "[::1]:4040").code, 200);
    EXPECT_EQ(asked(port_, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n").code / 100, 4);
    for (const char* path : {"/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd",
                             "/api/v1/status/", "/nothing"})
        EXPECT_EQ(get(path).code, 404) << path;
    const auto posted =
        asked(port_,
              "POST /api/v1/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
              "Connection: close\r\n\r\nstop");
    EXPECT_EQ(posted.code, 405);
    EXPECT_THAT(posted.head, HasSubstr("Allow: GET, HEAD"));
    const auto head =
        asked(port_, "HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(head.code, 200);
    EXPECT_EQ(head.body, "");
    // Longer than the memory of a request, and no HTTP at all.
    EXPECT_EQ(get("/" + std::string(100'000, 'a')).code / 100, 4);
    EXPECT_NE(asked(port_, std::string("\x16\x03\x01\0\xff", 5) + "\r\n\r\n").code, 200);
    EXPECT_EQ(get("/healthz").code, 200);
    stopGracefully(*daemon);
}

// Connections that do nothing take the places of others for 15 s at most, and the job goes on.
TEST_F(Page, SilentClientsDoNotHoldTheJobUp) {
    const auto daemon = startWithPage();
    std::vector<RawClient> silent;
    for (int i = 0; i < 300; ++i) silent.push_back(connectedTo(port_));
    const auto before = Json::parse(rig_.look({"status", "--json"}).out);
    feed("more tide\n");
    EXPECT_TRUE(rig_.awaitLoggedLines(2));
    EXPECT_TRUE(awaitPage([&] {
        const auto now = Json::parse(rig_.look({"status", "--json"}).out);
        return now["batch"]["records"] == 2 && now["health"] == "well" &&
               now["batch"]["id"] > before["batch"]["id"];
    }));
    silent.clear();
    EXPECT_TRUE(awaitPage([&] { return get("/healthz").code == 200; }));
    stopGracefully(*daemon);
}

TEST_F(Page, APortThatIsTakenIsSaidOnceAndTriedAgain) {
    auto taken = std::make_unique<TextServer>(port_);
    if (taken->port() != port_) GTEST_SKIP() << "somebody else has the port";
    rig_.writeDialingJob(server_, "[page]\nlisten = \"127.0.0.1:" + std::to_string(port_) + "\"\n");
    const auto daemon = rig_.start();
    server_.accept();
    feed("mill\n");
    EXPECT_TRUE(rig_.awaitLoggedLines(1));
    EXPECT_THAT(rig_.daemonErrors(),
                HasSubstr("the job runs without its page for now: listening failed"));
    taken.reset();
    EXPECT_TRUE(awaitPage([&] { return get("/healthz").code == 200; }));
    stopGracefully(*daemon);
}

TEST_F(Page, AJobFileMayNotShowItToOthersByAccident) {
    const auto checked = [&](const std::string& page) {
        rig_.writeDialingJob(server_, "[page]\n" + page);
        return rig_.tidemill({"run", "--check", rig_.path() / "job.toml"});
    };
    EXPECT_THAT(checked("listen = \"4040\"\n").out,
                HasSubstr("page        http://127.0.0.1:4040/\n"));
    EXPECT_THAT(checked("listen = \"[::1]:4040\"\n").out, HasSubstr("http://[::1]:4040/\n"));
    EXPECT_EQ(checked("listen = \"0.0.0.0:4040\"\ninsecure = true\n").code, 0);
    for (const auto& [page, said] : std::vector<std::pair<std::string, std::string>>{
             {"listen = \"0.0.0.0:4040\"\n",
              "neither encryption (cert_file, key_file) nor a token (token_file)"},
             {"listen = \"[::]:4040\"\n", "add insecure "},
             {"listen = \"example.org:4040\"\n", "an address of this machine"},
             {"listen = \"127.0.0.1\"\n", "listen: "},
             {"listen = 4040\n", "listen"},
             {"insecure = true\n", "listen"},
             {"listen = \"4040\"\ntoken = \"a\"\n", "unknown key \"token\""}}) {
        const auto refused = checked(page);
        EXPECT_EQ(refused.code, 3) << page;
        EXPECT_THAT(refused.err, HasSubstr(said)) << page;
    }
}

}  // namespace
}  // namespace tidemill::test
