// The server of the page: events, slow readers, answers that take a while.
#include "tools/web/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "core/logging.h"
#include "tests/tools/http_asked.h"

namespace tidemill::tools {
namespace {

using namespace std::chrono_literals;
using test::asked;
using test::connectedTo;
using test::RawClient;
using testing::HasSubstr;

class Server : public ::testing::Test {
protected:
    Server() { core::setLogLevel(core::LogLevel::kError); }

    void serve(HttpServer::Handler handler) {
        auto server = HttpServer::listen({"127.0.0.1", 0}, std::move(handler));
        ASSERT_TRUE(server) << server.error().message;
        server_ = std::move(*server);
    }
    void serveEvents() {
        serve([](std::string_view target) -> HttpAnswer {
            if (target == "/events") return HttpEvents{eventText("first", "1")};
            return HttpResponse{200, "text/plain", std::string(target)};
        });
    }

    static std::string request(const std::string& path, const std::string& more = {}) {
        return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n";
    }
    test::Answer get(const std::string& path) {
        return asked(server_->port(), request(path, "Connection: close\r\n"));
    }
    RawClient listener() {
        auto client = connectedTo(server_->port());
        client.send(request("/events"));
        return client;
    }
    template <class Condition>
    static bool eventually(Condition holds) {
        for (int i = 0; i < 500; ++i, std::this_thread::sleep_for(20ms))
            if (holds()) return true;
        return false;
    }

    std::unique_ptr<HttpServer> server_;
};

TEST_F(Server, ListenersHearEveryEventInItsOrder) {
    serveEvents();
    auto one = listener(), two = listener();
    EXPECT_THAT(one.receiveUntil("data: 1\n\n"), HasSubstr("Content-Type: text/event-stream"));
    two.receiveUntil("data: 1\n\n");
    EXPECT_EQ(server_->listeners(), 2u);
    std::string all;
    for (int i = 0; i < 100; ++i) {
        server_->event(eventText("more", std::to_string(i)));
        all += eventText("more", std::to_string(i));
    }
    for (auto* client : {&one, &two}) {
        auto heard = client->receiveUntil("data: 99\n\n");
        // Chunks are cut anywhere; events are whole when their frames are taken out.
        std::string text;
        while (!heard.empty()) {
            const auto size = std::stoul(heard, nullptr, 16);
            heard.erase(0, heard.find("\r\n") + 2);
            text += heard.substr(0, size);
            heard.erase(0, std::min(heard.size(), size + 2));
        }
        EXPECT_EQ(text, all);
    }
    EXPECT_EQ(get("/other").body, "/other");
}

TEST_F(Server, MoreListenersThanThereMayBeAreTurnedAway) {
    serveEvents();
    std::vector<RawClient> listeners;
    for (std::size_t i = 0; i < HttpServer::kListenersMost; ++i) {
        listeners.push_back(listener());
        listeners.back().receiveUntil("data: 1\n\n");
    }
    const auto refused = get("/events");
    EXPECT_EQ(refused.code, 503);
    EXPECT_THAT(refused.head, HasSubstr("Retry-After: 1"));
    // The places of those that have gone are free when the next event finds them gone.
    listeners.clear();
    EXPECT_TRUE(eventually([&] {
        server_->event(eventText("more", "x"));
        return server_->listeners() == 0;
    }));
    auto next = listener();
    EXPECT_THAT(next.receiveUntil("data: 1\n\n"), HasSubstr("200 OK"));
}

TEST_F(Server, ThousandSlowReadersAreDroppedAndHarmNobody) {
    serveEvents();
    std::vector<RawClient> slow;
    for (int i = 0; i < 1000; ++i) slow.push_back(listener());
    EXPECT_TRUE(eventually([&] { return server_->listeners() > 0; }));
    EXPECT_LE(server_->listeners(), HttpServer::kListenersMost);
    const std::string large(64 << 10, 'x');
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_TRUE(eventually([&] {
        server_->event(eventText("more", large));
        return server_->listeners() == 0;
    })) << server_->listeners();
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
    slow.clear();
    EXPECT_TRUE(eventually([&] { return get("/other").code == 200; }));
    // One that reads hears what comes.
    auto reader = listener();
    EXPECT_THAT(reader.receiveUntil("data: 1\n\n"), HasSubstr("200 OK"));
    server_->event(eventText("more", "last"));
    EXPECT_THAT(reader.receiveUntil("data: last\n\n"), HasSubstr("data: last"));
}

TEST_F(Server, EndsWhileItsListenersListen) {
    serveEvents();
    std::vector<RawClient> listeners;
    for (int i = 0; i < 10; ++i) {
        listeners.push_back(listener());
        listeners.back().receiveUntil("data: 1\n\n");
    }
    server_.reset();
    // Some may hear that it is the end.
    for (auto& client : listeners) EXPECT_THAT(client.receive(), testing::AnyOf("", "0\r\n\r\n"));
}

TEST_F(Server, AnAnswerThatTakesAWhileHoldsNobodyElseUp) {
    std::atomic<bool> isAtWork = false, goesOn = false;
    serve([&](std::string_view target) -> HttpAnswer {
        if (target == "/quick") return HttpResponse{200, "text/plain", "quick"};
        if (target == "/fails")
            return HttpLater([]() -> HttpResponse { throw std::runtime_error("no"); });
        return HttpLater([&] {
            isAtWork = true;
            while (!goesOn) std::this_thread::sleep_for(1ms);
            return HttpResponse{200, "text/plain", "slow"};
        });
    });
    EXPECT_EQ(get("/fails").code, 500);
    std::vector<RawClient> slow;
    // One is worked on, and so many wait.
    for (std::size_t i = 0; i < HttpServer::kLaterMost + 1; ++i) {
        slow.push_back(connectedTo(server_->port()));
        slow.back().send(request("/slow", "Connection: close\r\n"));
        EXPECT_TRUE(eventually([&] { return isAtWork.load(); }));
    }
    EXPECT_TRUE(eventually([&] { return get("/slow").code == 503; }));
    EXPECT_EQ(get("/quick").body, "quick");
    goesOn = true;
    for (auto& client : slow) EXPECT_THAT(client.receive(), testing::EndsWith("slow"));
    EXPECT_EQ(get("/slow").body, "slow");
}

TEST_F(Server, EndsWhileAnswersAreWaitedFor) {
    serve([&](std::string_view) -> HttpAnswer {
        return HttpLater([] {
            std::this_thread::sleep_for(300ms);
            return HttpResponse{200, "text/plain", "slow"};
        });
    });
    std::vector<RawClient> slow;
    for (int i = 0; i < 5; ++i) {
        slow.push_back(connectedTo(server_->port()));
        slow.back().send(request("/slow"));
    }
    std::this_thread::sleep_for(100ms);
    server_.reset();
    SUCCEED() << "and has waited for the one that was being made";
}

}  // namespace
}  // namespace tidemill::tools
