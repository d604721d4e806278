// A small HTTP server on loopback, for tests of clients: one function answers all.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace tidemill::test {

struct HttpAsked {
    std::string method, path, body;
    std::map<std::string, std::string> headers;  // names in lower case
};

struct HttpReply {
    int code = 200;
    std::string body{};
    bool cuts = false;  // the connection ends inside the answer
};

// A thread for each connection. Thread safety: `answer` is called by any of them.
class HttpServer {
public:
    using Answer = std::function<HttpReply(const HttpAsked&)>;
    explicit HttpServer(Answer answer);
    ~HttpServer();

    std::uint16_t port() const { return port_; }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

private:
    void accept();
    void serve(int connection);

    const Answer answer_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::mutex mutex_;
    bool stopping_ = false;
    std::list<int> connections_;
    std::list<std::thread> threads_;
    std::thread acceptor_;
};

}  // namespace tidemill::test
