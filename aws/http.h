// An HTTP client over libcurl, for requests whose answers fit into memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidemill::aws {

struct HttpRequest {
    std::string method = "POST";
    std::string url;
    std::vector<std::string> headers{};  // "name: value"
    std::string body{};
    std::chrono::milliseconds connectLimit{10'000};
    std::chrono::milliseconds limit{30'000};  // for all of it
    std::size_t answerBytesMax = 1 << 20;
    bool direct = false;  // by no proxy, whatever the environment says
};

struct HttpAnswer {
    int code = 0;  // 0: there is none, see `trouble`
    std::string body;
    std::string trouble;            // what kept it from coming, for people
    bool needsPerson = false;       // of `trouble`: a certificate that is not trusted, a wrong URL
    std::int64_t serverMillis = 0;  // the server's clock, in whole seconds; 0: it did not say
};

// Any number of requests at a time, on connections that are kept open.
// Thread safety: externally synchronized, but wake().
class Http {
public:
    using Done = std::function<void(HttpAnswer)>;

    Http();
    ~Http();
    Http(const Http&) = delete;
    Http& operator=(const Http&) = delete;

    // `done` is called by poll(), once; or never, when this goes before.
    void send(HttpRequest request, Done done);
    // Waits for answers, at most so long, and hands on those that are there.
    void poll(std::chrono::milliseconds longest);
    // Ends a poll() that waits; by any thread.
    void wake();
    std::size_t open() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

// One request, to its end.
HttpAnswer perform(HttpRequest request);

}  // namespace tidemill::aws
