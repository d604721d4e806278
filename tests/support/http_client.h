// A blocking HTTP client on the loopback, for tests of servers: it sends bytes as they are and
// reads answers one by one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/test_client.h"

namespace tidemill::test {

struct HttpAnswer {
    int code = 0;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
};

using HttpHeaders = std::map<std::string, std::string>;

// The bytes of a request; with a body its length is among the headers.
std::string httpRequest(std::string_view method, std::string_view path, const HttpHeaders& headers,
                        std::string_view body);
// The same with the body in chunks of so many bytes.
std::string chunkedRequest(std::string_view path, const HttpHeaders& headers, std::string_view body,
                           std::size_t chunkBytes);

// What gzip makes of it.
std::string gzipped(std::string_view text);

// Thread safety: externally synchronized. No wait lasts longer than 10 s.
class HttpClient {
public:
    explicit HttpClient(std::uint16_t port) : client_(port) {}

    TestClient& raw() { return client_; }
    bool connected() const { return client_.connected(); }
    bool send(std::string_view bytes) { return client_.send(bytes); }
    // The next one; none when the connection ends before it is whole.
    std::optional<HttpAnswer> answer();

    std::optional<HttpAnswer> post(std::string_view path, std::string_view body,
                                   const HttpHeaders& headers = {}) {
        if (!send(httpRequest("POST", path, headers, body))) return std::nullopt;
        return answer();
    }
    std::optional<HttpAnswer> get(std::string_view path, const HttpHeaders& headers = {}) {
        if (!send(httpRequest("GET", path, headers, ""))) return std::nullopt;
        return answer();
    }

private:
    TestClient client_;
};

}  // namespace tidemill::test
