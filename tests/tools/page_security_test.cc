// Nothing that says something of the job is had without the token, and nothing off loopback without
// encryption.
#include "tools/web/page_security.h"

#include <sys/stat.h>

#include "core/secrets.h"
#include "tests/tools/page_fixture.h"
#include "tools/web/job_page.h"

namespace tidemill::test {
namespace {

using testing::Not;

const std::string kToken = "correct-horse-battery-staple";

class PageSecurity : public Page {
protected:
    PageSecurity() { std::ofstream(file("token")) << kToken << "\n"; }

    fs::path file(const std::string& name) const { return rig_.path() / name; }

    // A certificate of a minute, for "mill.example" and 127.0.0.1; false where there is no openssl.
    bool makeCertificate() const {
        return runs(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
            "-days 1 -subj /CN=mill.example -addext "
            "subjectAltName=DNS:mill.example,IP:127.0.0.1 -keyout " +
            file("key.pem").string() + " -out " + file("cert.pem").string());
    }
    static bool runs(const std::string& command) {
        return std::system(("(" + command + ") >/dev/null 2>&1").c_str()) == 0;
    }
    std::string encryption() const {
        return "cert_file = \"" + file("cert.pem").string() + "\"\nkey_file = \"" +
               file("key.pem").string() + "\"\n";
    }
    std::string tokenLine() const { return "token_file = \"" + file("token").string() + "\"\n"; }

    std::unique_ptr<ChildProcess> startWith(const std::string& page) {
        rig_.writeDialingJob(server_,
                             "[[output]]\nto = \"print\"\nfrom = \"counts\"\n[page]\n" + page);
        auto daemon = rig_.start();
        server_.accept();
        feed("mill tide mill\n");
        EXPECT_TRUE(awaitPage([&] {
            return contentOf(rig_.path() / "err").find("page: http") != std::string::npos;
        })) << rig_.daemonErrors();
        return daemon;
    }
    std::string listen(const std::string& host) const {
        return "listen = \"" + host + ":" + std::to_string(port_) + "\"\n";
    }

    Answer getWith(const std::string& path, const std::string& header,
                   const std::string& method = "GET") {
        return asked(port_, method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + header +
                                "Connection: close\r\n\r\n");
    }

    // What curl gets from `https://mill.example:PORT` and the path; "CODE" follows the body.
    std::string curl(const std::string& path, const std::string& more = {}) {
        const auto out = file("curl.out").string();
        const auto url = "https://mill.example:" + std::to_string(port_) + path;
        runs("curl --silent --max-time 10 --cacert " + file("cert.pem").string() + " --resolve " +
             "mill.example:" + std::to_string(port_) + ":127.0.0.1 -w '%{http_code}' " + more +
             " '" + url + "' >" + out);
        return contentOf(out);
    }
};

TEST_F(PageSecurity, NothingIsSaidWithoutTheToken) {
    const auto daemon = startWith(listen("127.0.0.1") + tokenLine());
    const StreamingOptions options;
    const tools::DaemonStatus status(options, [] { return EngineStatus{}; });
    const tools::BatchHistory batches;
    const auto rightly = "Authorization: Bearer " + kToken + "\r\n";
    std::vector<std::string> paths{"/nothing",
                                   "/api/v1/nothing",
                                   "/?token=" + kToken,
                                   "/api/v1/status?token=" + kToken,
                                   "//",
                                   "/%2f",
                                   "/./"};
    for (const auto& route : tools::pageRoutes(options, status, batches, ""))
        if (route.path != "/") paths.push_back(route.path);
    const std::vector<std::string> wrong{
        "",
        "Authorization: Bearer\r\n",
        "Authorization: Bearer \r\n",
        "Authorization: Bearer " + kToken.substr(1) + "\r\n",
        "Authorization: Bearer " + kToken.substr(0, kToken.size() - 1) + "\r\n",
        "Authorization: Bearer " + kToken + "x\r\n",
        "Authorization: Bearer " + kToken + kToken + "\r\n",
        "Authorization: Bearer CORRECT-horse-battery-staple\r\n",
        "Authorization: Basic " + kToken + "\r\n",
        "Authorization: " + kToken + "\r\n",
        "Cookie: token=" + kToken + "\r\n",
        "X-Authorization: Bearer " + kToken + "\r\n"};
    for (const auto& path : paths)
        for (const auto& header : wrong) {
            const auto refused = getWith(path, header);
            ASSERT_EQ(refused.code, 401) << path << " " << header;
            ASSERT_EQ(refused.body, "{\"error\":\"the token is wrong or missing\"}\n");
            ASSERT_THAT(refused.head, HasSubstr("WWW-Authenticate: Bearer"));
        }
    // The page itself is the same for all jobs.
    const auto page = getWith("/", "");
    EXPECT_EQ(page.code, 200);
    EXPECT_EQ(page.body, std::string(tools::pageHtml()));
    EXPECT_EQ(getWith("/api/v1/status", "", "HEAD").code, 401);
    EXPECT_EQ(getWith("/api/v1/status", rightly, "POST").code, 405);

    const auto answer = getWith("/api/v1/status", rightly);
    EXPECT_EQ(answer.code, 200);
    EXPECT_EQ(Json::parse(answer.body)["job"], "program");
    EXPECT_EQ(getWith("/healthz", "authorization: bearer " + kToken + "\r\n").body, "ok\n");
    EXPECT_THAT(rig_.daemonErrors(), Not(HasSubstr(kToken)));
    EXPECT_THAT(getWith("/api/v1/plan", rightly).body, Not(HasSubstr(kToken)));
    stopGracefully(*daemon);
}

TEST_F(PageSecurity, OffLoopbackItSpeaksOnlyTls) {
    if (!makeCertificate() || !runs("curl --version")) GTEST_SKIP() << "needs openssl and curl";
    const auto daemon = startWith(listen("0.0.0.0") + encryption() + tokenLine());
    EXPECT_THAT(rig_.daemonErrors(), HasSubstr("page: https://0.0.0.0:"));
    const std::string rightly = "-H 'Authorization: Bearer " + kToken + "'";
    EXPECT_THAT(curl("/api/v1/status", rightly), testing::EndsWith("200"));
    EXPECT_THAT(curl("/api/v1/status", rightly), HasSubstr("\"job\":\"program\""));
    EXPECT_THAT(curl("/api/v1/status"), testing::EndsWith("401"));
    EXPECT_THAT(curl("/"), testing::EndsWith("200"));
    // Old versions of the protocol, and none at all.
    EXPECT_EQ(curl("/", "--tls-max 1.1"), "000");
    const auto plain = getWith("/api/v1/status", "Authorization: Bearer " + kToken + "\r\n");
    EXPECT_NE(plain.code, 200);
    EXPECT_THAT(plain.head + plain.body, Not(HasSubstr("program")));
    EXPECT_THAT(curl("/api/v1/status", rightly), testing::EndsWith("200"));
    stopGracefully(*daemon);
}

TEST_F(PageSecurity, AJobFileOffLoopbackNeedsBothOrSaysSo) {
    makeCertificate();
    for (const auto& [page, code, said] : std::vector<std::tuple<std::string, int, std::string>>{
             {listen("0.0.0.0"), 3, "neither encryption (cert_file, key_file) nor a token"},
             {listen("0.0.0.0") + tokenLine(), 3, "no encryption (cert_file, key_file)"},
             {listen("0.0.0.0") + encryption(), 3, "no token (token_file)"},
             {listen("0.0.0.0") + "cert_file = \"a\"\n", 3, "go together"},
             {listen("127.0.0.1") + "key_file = \"a\"\n", 3, "go together"},
             {listen("127.0.0.1") + "token_file = \"/nothing\"\n", 3, "token cannot be read"},
             {listen("127.0.0.1") + "token_file = \"" + file("short").string() + "\"\n", 3,
              "at least 16 printable"},
             {listen("127.0.0.1") + "cert_file = \"" + file("token").string() +
                  "\"\nkey_file = \"" + file("token").string() + "\"\n",
              3, "certificate is no PEM"},
             {listen("0.0.0.0") + "insecure = true\n", 0, "http://0.0.0.0:"},
             {listen("127.0.0.1") + tokenLine(), 0, ", for those who have the token"}}) {
        std::ofstream(file("short")) << "short";
        rig_.writeDialingJob(server_, "[page]\n" + page);
        const auto checked = rig_.tidemill({"run", "--check", rig_.path() / "job.toml"});
        EXPECT_EQ(checked.code, code) << page << checked.err;
        EXPECT_THAT(checked.out + checked.err, HasSubstr(said)) << page;
    }
}

TEST_F(PageSecurity, AKeyThatIsNotTheCertificatesIsSaid) {
    if (!makeCertificate()) GTEST_SKIP() << "needs openssl";
    fs::copy_file(file("key.pem"), file("other.pem"));
    ASSERT_TRUE(makeCertificate());
    fs::copy_file(file("other.pem"), file("key.pem"), fs::copy_options::overwrite_existing);
    rig_.writeDialingJob(server_, "[page]\n" + listen("127.0.0.1") + encryption());
    const auto daemon = rig_.start();
    server_.accept();
    EXPECT_TRUE(awaitPage([&] {
        return rig_.daemonErrors().find("the certificate and the key do not do") !=
               std::string::npos;
    })) << rig_.daemonErrors();
    stopGracefully(*daemon);
}

TEST(PageToken, IsComparedWhole) {
    tools::PageSecurity security;
    EXPECT_TRUE(security.admits(""));
    security.token = kToken;
    EXPECT_TRUE(security.admits("Bearer " + kToken));
    for (std::size_t i = 0; i < kToken.size(); ++i) {
        auto other = kToken;
        other[i] ^= 1;
        EXPECT_FALSE(security.admits("Bearer " + other)) << i;
        EXPECT_FALSE(security.admits("Bearer " + kToken.substr(0, i))) << i;
    }
    EXPECT_FALSE(security.admits("Bearer " + kToken + std::string(1, '\0')));
    EXPECT_FALSE(security.admits(kToken));
}

}  // namespace
}  // namespace tidemill::test
