// Text by TLS and with a token: who is let in, who is turned away and with which words.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <asio/error.hpp>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>

#include "sources/connect_socket.h"
#include "sources/text_sender.h"
#include "sources/tls_stream.h"
#include "tests/sources/listening_fixture.h"
#include "tests/support/certificate.h"
#include "tests/support/child_process.h"

namespace tidemill::sources {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using test::makeCertificate;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kToken = "correct-horse-battery-staple";

// A client of TLS, step by step.
class TlsClient {
public:
    TlsClient(std::uint16_t port, const std::string& caFile) : client_(port) {
        context_ = makeClientContext(caFile).value();
        tls_.emplace(context_, client_.fd(), "127.0.0.1");
        asio::error_code error;
        agreed_ = waitFor([&] { return tls_->handshake(error); }, error);
    }
    bool agreed() const { return agreed_; }
    void send(const std::string& text) {
        asio::error_code error;
        std::size_t sent = 0;
        waitFor(
            [&] {
                sent += tls_->write(std::string_view(text).substr(sent), error);
                return sent == text.size();
            },
            error);
        EXPECT_EQ(sent, text.size());
    }
    // All until the server's end.
    std::string rest() {
        std::string text;
        asio::error_code error;
        waitFor(
            [&] {
                char bytes[4096];
                const auto count = tls_->read(bytes, error);
                text.append(bytes, count);
                return error && !wouldBlock(error);
            },
            error);
        return text;
    }
    // TLS's goodbye, and the end of our direction.
    void finish() {
        tls_->end();
        client_.finishSending();
    }
    // Without a goodbye.
    void cutOff() { client_.finishSending(); }

private:
    template <class Done>
    bool waitFor(Done done, const asio::error_code& error) {
        for (int i = 0; i < 100; ++i) {
            if (done()) return true;
            if (error && !wouldBlock(error)) return false;
            pollfd ready{client_.fd(), POLLIN, 0};
            if (!tls_->hasPending()) ::poll(&ready, 1, 100);
        }
        return false;
    }
    test::TestClient client_;
    TlsContext context_;
    std::optional<TlsStream> tls_;
    bool agreed_ = false;
};

class TlsText : public ListeningFixture {
protected:
    TlsText() {
        fs::create_directories(directory_);
        std::ofstream(directory_ / "token") << kToken << "\n";
        hasOpenssl_ = makeCertificate(directory_, "mill", "IP:127.0.0.1");
    }
    ~TlsText() override { fs::remove_all(directory_); }
    void SetUp() override {
        if (!hasOpenssl_) GTEST_SKIP() << "needs openssl";
    }

    std::string file(const std::string& name) const { return (directory_ / name).string(); }
    ListenOptions guarded(bool acknowledged, bool token = true) const {
        ListenOptions listen;
        listen.acknowledged = acknowledged;
        listen.security = {file("mill.pem"), file("mill.key"), token ? file("token") : ""};
        return listen;
    }
    SendOptions sending() const {
        SendOptions options;
        options.port = receiver->port();
        options.session = "s";
        options.retryPeriod = milliseconds(1);
        options.giveUpAfter = milliseconds(10'000);
        options.tls = true;
        options.caFile = file("mill.pem");
        options.token = kToken;
        return options;
    }
    core::Result<std::uint64_t> send(const SendOptions& options, const std::string& text) const {
        std::ofstream(file("input")) << text;
        std::FILE* input = std::fopen(file("input").c_str(), "r");
        TextSender sender(options);
        auto sent = sender.run(::fileno(input));
        std::fclose(input);
        return sent;
    }
    std::string errorOf(const SendOptions& options) const {
        const auto sent = send(options, "line\n");
        return sent ? "no error" : sent.error().message;
    }

    const fs::path directory_ =
        fs::temp_directory_path() / ("tls-text-" + std::to_string(::getpid()));
    bool hasOpenssl_ = false;
};

TEST_F(TlsText, ASenderWithTheTokenIsHeard) {
    open(guarded(true));
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += "line " + std::to_string(i) + "\n";
    const auto sent = send(sending(), text);
    ASSERT_TRUE(sent) << sent.error().message;
    EXPECT_EQ(*sent, 100'000u);
    const auto lines = log->sessionText("s");
    ASSERT_EQ(lines.size(), 100'000u);
    for (int i = 0; i < 100'000; ++i)
        ASSERT_EQ(lines[static_cast<std::size_t>(i)], "line " + std::to_string(i));
    EXPECT_EQ(send(sending(), text).value(), 100'000u);
    EXPECT_EQ(log->lineCount(), 100'000u) << "and once";
}

TEST_F(TlsText, WhoBringsNoTokenOrAWrongOneIsTurnedAway) {
    open(guarded(true));
    auto options = sending();
    for (const std::string token :
         {"", "correct-horse-battery-stapl", "wrong-horse-battery-staple"}) {
        options.token = token;
        EXPECT_EQ(
            errorOf(options),
            "the server refused session s: the token is missing or wrong; the first line must "
            "be: token TOKEN");
    }
    EXPECT_EQ(log->lineCount(), 0u);
    EXPECT_EQ(receiver->statistics().connectionsRefused, 3u);
}

TEST_F(TlsText, ATokenAloneDoesToo) {
    ListenOptions listen;
    listen.security.token = file("token");
    open(listen);
    auto one = client();
    one.send("token " + kToken + "\r\nfirst\nsecond\n");
    ASSERT_TRUE(arrives(2));
    EXPECT_THAT(log->lines(), ElementsAre("first", "second"));
    auto two = client();
    two.send("first\nsecond\n");
    EXPECT_EQ(two.line(),
              "error the token is missing or wrong; the first line must be: token TOKEN");
    EXPECT_TRUE(two.ended());
    auto three = client();
    three.send("token " + std::string(100'000, 'x'));
    EXPECT_THAT(three.line().value_or(""), HasSubstr("the token is missing or wrong"));
    EXPECT_EQ(log->lineCount(), 2u);
}

TEST_F(TlsText, ACertificateThatNobodyVouchesForIsRefused) {
    open(guarded(true));
    auto options = sending();
    options.caFile.clear();
    EXPECT_THAT(errorOf(options), HasSubstr("its certificate is not trusted: self-signed"));
    ASSERT_TRUE(makeCertificate(directory_, "other", "IP:127.0.0.1"));
    options.caFile = file("other.pem");
    EXPECT_THAT(errorOf(options), HasSubstr("its certificate is not trusted"));
    // The server hears that it was refused.
    EXPECT_TRUE(test::eventually([&] { return receiver->statistics().connectionsRefused == 2; }));
}

TEST_F(TlsText, ACertificateOfAnotherHostIsRefused) {
    ASSERT_TRUE(makeCertificate(directory_, "elsewhere", "DNS:elsewhere.example"));
    auto listen = guarded(true);
    listen.security.certificate = file("elsewhere.pem");
    listen.security.key = file("elsewhere.key");
    open(listen);
    auto options = sending();
    options.caFile = file("elsewhere.pem");
    EXPECT_THAT(errorOf(options), HasSubstr("its certificate is not trusted: IP address mismatch"));
}

TEST_F(TlsText, APlainClientIsTold) {
    open(guarded(true));
    auto options = sending();
    options.tls = false;
    EXPECT_EQ(errorOf(options),
              "the server refused session s: this source speaks TLS only: connect with TLS "
              "(tidemill send --tls)");
    auto one = client();
    one.send("some line\n");
    EXPECT_THAT(one.line().value_or(""), HasSubstr("this source speaks TLS only"));
    EXPECT_TRUE(one.ended());
}

TEST_F(TlsText, ASenderByTlsHearsThatAServerIsPlain) {
    open({.acknowledged = true});
    EXPECT_THAT(errorOf(sending()), HasSubstr("it does not speak TLS, it says: error "));
}

TEST_F(TlsText, ACapIsHeardByTlsToo) {
    auto listen = guarded(true);
    listen.connectionsMax = 1;
    open(listen);
    auto first = std::make_optional<TlsClient>(receiver->port(), file("mill.pem"));
    ASSERT_TRUE(first->agreed());
    auto options = sending();
    std::vector<std::string> notes;
    options.onNote = [&](const std::string& note) {
        notes.push_back(note);
        if (note == "the server says: too many connections") first.reset();
    };
    const auto sent = send(options, "line\n");
    EXPECT_TRUE(sent) << sent.error().message;
    EXPECT_THAT(notes, ::testing::Contains("the server says: too many connections"));
}

TEST_F(TlsText, WhoIsTooSlowIsTurnedAway) {
    NetworkOptions network;
    network.firstLineMax = milliseconds(200);
    open(guarded(false), network);
    auto silent = client();
    EXPECT_TRUE(silent.ended());
    EXPECT_EQ(receiver->statistics().connectionsClosed, 1u);
    TlsClient mute(receiver->port(), file("mill.pem"));
    ASSERT_TRUE(mute.agreed());
    EXPECT_EQ(mute.rest(), "error TLS and token took too long\n");
    EXPECT_TRUE(test::eventually([&] { return receiver->statistics().connectionsClosed == 2; }));
}

TEST_F(TlsText, AConnectionThatEndsProperlyEndsItsLastLine) {
    open(guarded(false, false));
    TlsClient one(receiver->port(), file("mill.pem"));
    one.send("first\nlast");
    one.finish();
    ASSERT_TRUE(allClosed());
    EXPECT_THAT(log->lines(), ElementsAre("first", "last"));
}

// An attacker between could have cut it.
TEST_F(TlsText, AConnectionThatIsCutOffLosesItsUnfinishedLine) {
    open(guarded(false, false));
    TlsClient one(receiver->port(), file("mill.pem"));
    one.send("first\nlast");
    one.cutOff();
    ASSERT_TRUE(allClosed());
    EXPECT_THAT(log->lines(), ElementsAre("first"));
    EXPECT_EQ(receiver->statistics().resets, 1u);
}

TEST_F(TlsText, AHalfClosedSessionHearsItsLastAnswer) {
    open(guarded(true));
    TlsClient one(receiver->port(), file("mill.pem"));
    one.send("token " + kToken + "\nsession s\nfirst\nsecond\n");
    one.finish();
    EXPECT_EQ(one.rest(), "resume 0\ndurable 2\n");
}

TEST_F(TlsText, GarbageBehindAHandshakesFirstByteIsTurnedAway) {
    open(guarded(false));
    auto one = client();
    one.send("\x16" + std::string(2'000, 'x'));
    EXPECT_TRUE(one.ended());
    EXPECT_EQ(receiver->statistics().connectionsRefused, 1u);
    EXPECT_THAT(log->lines(), IsEmpty());
}

// A foreign client. It says goodbye at the end of its input.
TEST_F(TlsText, LinesOfOpensslsClientCount) {
    open(guarded(false));
    const auto client =
        " | openssl s_client -quiet -no_ign_eof -verify_return_error -CAfile " + file("mill.pem") +
        " -connect 127.0.0.1:" + std::to_string(receiver->port()) + " >" + file("heard") + " 2>&1";
    const auto sends = [&](const std::string& text) {
        return std::system(("(printf '" + text + "'; sleep 1)" + client).c_str()) == 0;
    };
    EXPECT_TRUE(sends("token " + kToken + "\\none\\nlast"));
    ASSERT_TRUE(arrives(2));
    EXPECT_THAT(log->lines(), ElementsAre("one", "last"));
    sends("token wrong-horse-battery-staple\\nthree\\n");
    std::ifstream heard(file("heard"));
    const std::string all(std::istreambuf_iterator<char>(heard), {});
    EXPECT_THAT(all, HasSubstr("error the token is missing or wrong"));
    EXPECT_EQ(log->lineCount(), 2u);
}

TEST_F(TlsText, FilesThatCannotBeUsedAreNamed) {
    const auto wrong = [&](SecurityFiles files) {
        const auto checked = checkSecurity(files);
        return checked ? std::string("no error") : checked.error().message;
    };
    EXPECT_EQ(wrong({file("mill.pem"), file("mill.key"), file("token")}), "no error");
    EXPECT_THAT(wrong({file("mill.pem"), "", ""}), HasSubstr("key_file is missing"));
    EXPECT_THAT(wrong({"", file("mill.key"), ""}), HasSubstr("cert_file is missing"));
    EXPECT_THAT(wrong({file("none.pem"), file("mill.key"), ""}),
                HasSubstr("cert_file \"" + file("none.pem") + "\" holds no certificate"));
    EXPECT_THAT(wrong({file("token"), file("mill.key"), ""}), HasSubstr("holds no certificate"));
    ASSERT_TRUE(makeCertificate(directory_, "other", "IP:127.0.0.1"));
    EXPECT_THAT(wrong({file("mill.pem"), file("other.key"), ""}),
                HasSubstr("holds no key for the certificate in cert_file"));
    std::ofstream(file("short")) << "short\n";
    EXPECT_THAT(wrong({"", "", file("short")}), HasSubstr("16 to 1024 printable ASCII bytes"));
}

TEST_F(TlsText, AnAddressThatOthersReachNeedsBothOrItsWord) {
    log = std::make_unique<Log>();
    pool = core::BufferPool::make(64 << 20);
    service = std::move(*NetworkService::make(*log, pool, {}));
    for (const bool token : {false, true}) {
        auto listen = guarded(true, token);
        listen.address = "0.0.0.0";
        receiver = service->listenText(core::SourceId(3), listen);
        EXPECT_EQ(receiver->start().has_value(), token);
    }
}

class Troubles final : public core::SourceObserver {
public:
    void sourceStarted(core::SourceId, const std::string&) override {}
    void sourceError(core::SourceId, const std::string& what, Trouble) override {
        const std::lock_guard lock(mutex_);
        said_.push_back(what);
    }
    void sourceRecovered(core::SourceId) override { ++recovered; }
    void sourceFailed(core::SourceId, core::Error) override {}
    void sourceStopped(core::SourceId, const std::string&) override {}
    std::vector<std::string> said() const {
        const std::lock_guard lock(mutex_);
        return said_;
    }
    std::atomic<int> recovered{0};

private:
    mutable std::mutex mutex_;
    std::vector<std::string> said_;
};

TEST_F(TlsText, AServerThatIsDialledSpeaksIt) {
    const auto port = test::freePort();
    // Sends a line now and then to whoever is there; what comes for one who does not agree is lost.
    const std::string server =
        "(while sleep 0.1; do echo line; done) | timeout 20 openssl s_server -quiet -accept "
        "127.0.0.1:" +
        std::to_string(port) + " -cert " + file("mill.pem") + " -key " + file("mill.key") +
        " >/dev/null 2>&1 & echo $! >" + file("pid");
    ASSERT_EQ(std::system(server.c_str()), 0);
    ASSERT_TRUE(test::eventually([&] { return test::TestClient(port).connected(); }));
    ASSERT_TRUE(makeCertificate(directory_, "other", "IP:127.0.0.1"));
    log = std::make_unique<Log>();
    pool = core::BufferPool::make(64 << 20);
    service = std::move(*NetworkService::make(*log, pool, {}));
    const auto dialled = [&](const std::string& ca, core::SourceObserver& observer) {
        DialOptions dial;
        dial.host = "127.0.0.1";
        dial.port = port;
        dial.firstRetry = milliseconds(20);
        dial.tls = true;
        dial.caFile = file(ca);
        return service->dialText(core::SourceId(1), dial, &observer);
    };

    Troubles distrust;
    auto source = dialled("other.pem", distrust);
    ASSERT_TRUE(source->start());
    ASSERT_TRUE(test::eventually([&] {
        const auto said = distrust.said();
        return !said.empty() && said.back().find("certificate") != std::string::npos;
    })) << testing::PrintToString(distrust.said());
    std::this_thread::sleep_for(milliseconds(200));
    EXPECT_EQ(distrust.recovered, 0) << "while nothing came through";
    EXPECT_LE(distrust.said().size(), 2u) << "said once, however often it is tried";
    source.reset();
    EXPECT_EQ(log->lineCount(), 0u);

    Troubles trust;
    source = dialled("mill.pem", trust);
    ASSERT_TRUE(source->start());
    EXPECT_TRUE(arrives(2)) << testing::PrintToString(trust.said());
    for (const auto& line : log->lines()) EXPECT_EQ(line, "line");
    source.reset();
    std::system(("pkill -P $(cat " + file("pid") + ")").c_str());

    DialOptions wrong;
    wrong.host = "127.0.0.1";
    wrong.port = port;
    wrong.tls = true;
    wrong.caFile = file("none.pem");
    const auto refused = service->dialText(core::SourceId(1), wrong, &trust)->start();
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("ca_file \"" + file("none.pem")));
}

}  // namespace
}  // namespace tidemill::sources
