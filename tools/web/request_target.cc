#include "tools/web/request_target.h"

#include <algorithm>

#include "core/logging.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;

namespace {

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

Result<std::string> decoded(std::string_view text, bool isQuery) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            const int high = i + 2 < text.size() ? digit(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? digit(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return core::fail(ErrorKind::kInvalid,
                                  "a \"%\" needs two hexadecimal digits behind it: \"" +
                                      core::escaped(text.substr(0, 80)) + "\"");
            c = static_cast<char>(high * 16 + low);
            i += 2;
        } else if (c == '+' && isQuery) {
            c = ' ';
        }
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            return core::fail(ErrorKind::kInvalid, "a control character in the request's address");
        out += c;
    }
    return out;
}

Result<> addArgument(std::string_view text, RequestTarget& target) {
    const auto equals = std::min(text.find('='), text.size());
    TM_ASSIGN(auto name, decoded(text.substr(0, equals), true));
    TM_ASSIGN(auto value, decoded(text.substr(std::min(equals + 1, text.size())), true));
    for (const auto& [known, unused] : target.arguments)
        if (known == name)
            return core::fail(ErrorKind::kInvalid,
                              "the parameter \"" + core::escaped(name) + "\" comes twice");
    if (target.arguments.size() == RequestTarget::kArgumentsMax)
        return core::fail(
            ErrorKind::kInvalid,
            "more than " + std::to_string(RequestTarget::kArgumentsMax) + " parameters");
    target.arguments.emplace_back(std::move(name), std::move(value));
    return {};
}

}  // namespace

Result<RequestTarget> parseTarget(std::string_view text) {
    if (text.size() > RequestTarget::kBytesMax)
        return core::fail(ErrorKind::kInvalid,
                          "the request's address has " + std::to_string(text.size()) +
                              " bytes; at most " + std::to_string(RequestTarget::kBytesMax));
    if (!text.starts_with('/'))
        return core::fail(ErrorKind::kInvalid, "the request's address does not begin with a \"/\"");
    RequestTarget target;
    const auto question = std::min(text.find('?'), text.size());
    for (auto path = text.substr(1, question - 1);;) {
        const auto slash = std::min(path.find('/'), path.size());
        TM_ASSIGN(auto part, decoded(path.substr(0, slash), false));
        target.path.push_back(std::move(part));
        if (slash == path.size()) break;
        path.remove_prefix(slash + 1);
    }
    for (auto query = text.substr(std::min(question + 1, text.size())); !query.empty();) {
        const auto end = std::min(query.find('&'), query.size());
        if (end != 0) TM_TRY(addArgument(query.substr(0, end), target));
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    return target;
}

}  // namespace tidemill::tools
