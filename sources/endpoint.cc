#include "sources/endpoint.h"

#include <charconv>

#include "core/logging.h"
#include "sources/unix_path.h"

namespace tidemill::sources {
namespace {

using core::ErrorKind;
using core::fail;

bool parsePort(std::string_view text, std::uint16_t& port) {
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, port);
    return error == std::errc() && at == end && port != 0;
}

std::string quoted(std::string_view text) { return "\"" + core::escaped(text, 300) + "\""; }

}  // namespace

std::string withoutBrackets(std::string host) {
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
        return host.substr(1, host.size() - 2);
    return host;
}

std::string hostAndPort(const std::string& host, std::uint16_t port) {
    if (unixPathOf(host)) return host;
    const bool bare = host.find(':') != host.npos && host.front() != '[';
    return (bare ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

core::Result<Endpoint> parseEndpoint(std::string_view text) {
    if (const auto path = unixPathOf(text)) {
        TM_TRY(checkUnixPath(*path));
        return Endpoint{std::string(text), 0};
    }
    Endpoint endpoint{"127.0.0.1", 0};
    std::string_view port = text;
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == text.npos || close + 1 >= text.size() || text[close + 1] != ':')
            return fail(ErrorKind::kInvalid,
                        quoted(text) + " begins with a bracket, but is not [ADDRESS]:PORT");
        endpoint.host = text.substr(1, close - 1);
        port = text.substr(close + 2);
    } else if (const auto colon = text.rfind(':'); colon != text.npos) {
        if (text.find(':') != colon)
            return fail(
                ErrorKind::kInvalid,
                quoted(text) + " has several colons: an IPv6 address needs brackets, [::1]:9998");
        if (colon != 0) endpoint.host = text.substr(0, colon);
        port = text.substr(colon + 1);
    }
    if (!parsePort(port, endpoint.port))
        return fail(ErrorKind::kInvalid,
                    quoted(text) +
                        " names no port from 1 to 65535: HOST:PORT, or PORT on this "
                        "machine");
    if (endpoint.host.empty() || endpoint.host.find('\0') != endpoint.host.npos)
        return fail(ErrorKind::kInvalid, quoted(text) + " names no host: HOST:PORT");
    return endpoint;
}

}  // namespace tidemill::sources
