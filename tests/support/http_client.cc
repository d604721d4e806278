#include "tests/support/http_client.h"

#include <zlib.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>

namespace tidemill::test {
namespace {

std::string head(std::string_view method, std::string_view path, const HttpHeaders& headers) {
    std::string text =
        std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n";
    for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
    return text;
}

}  // namespace

std::string httpRequest(std::string_view method, std::string_view path, const HttpHeaders& headers,
                        std::string_view body) {
    std::string text = head(method, path, headers);
    if (method != "GET") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return text + "\r\n" + std::string(body);
}

std::string chunkedRequest(std::string_view path, const HttpHeaders& headers, std::string_view body,
                           std::size_t chunkBytes) {
    std::string text = head("POST", path, headers) + "Transfer-Encoding: chunked\r\n\r\n";
    for (; !body.empty(); body.remove_prefix(std::min(chunkBytes, body.size()))) {
        const auto chunk = body.substr(0, chunkBytes);
        char size[32];
        std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
        text += size + std::string(chunk) + "\r\n";
    }
    return text + "0\r\n\r\n";
}

std::string gzipped(std::string_view text) {
    z_stream z{};
    ::deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    std::string out(::deflateBound(&z, text.size()), '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    z.avail_in = static_cast<uInt>(text.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    ::deflate(&z, Z_FINISH);
    out.resize(out.size() - z.avail_out);
    ::deflateEnd(&z);
    return out;
}

std::optional<HttpAnswer> HttpClient::answer() {
    HttpAnswer answer;
    auto line = client_.line();
    if (!line || !line->starts_with("HTTP/1.1 ")) return std::nullopt;
    answer.code = std::atoi(line->c_str() + 9);
    while ((line = client_.line())) {
        if (line->ends_with('\r')) line->pop_back();
        if (line->empty()) break;
        const auto colon = line->find(':');
        if (colon == line->npos) return std::nullopt;
        std::string name = line->substr(0, colon);
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        answer.headers[name] =
            line->substr(std::min(line->find_first_not_of(' ', colon + 1), line->size()));
    }
    if (!line) return std::nullopt;
    if (answer.code == 100) return this->answer();
    const auto length = static_cast<std::size_t>(
        std::strtoull(answer.headers["content-length"].c_str(), nullptr, 10));
    if (!client_.bytes(length, answer.body)) return std::nullopt;
    return answer;
}

}  // namespace tidemill::test
