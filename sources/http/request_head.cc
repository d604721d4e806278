#include "sources/http/request_head.h"

#include <microhttpd.h>
#include <strings.h>

#include <charconv>

#include "core/logging.h"
#include "sources/http/http_check.h"
#include "sources/sessions.h"

namespace tidemill::sources::http {
namespace {

constexpr const char* kSession = "Tidemill-Session";
constexpr const char* kFirstLine = "Tidemill-First-Line";
constexpr std::size_t kShownBytes = 60;

std::string shown(std::string_view bytes) {
    return "\"" + core::escaped(bytes, kShownBytes) + "\"";
}

bool isWord(std::string_view value, std::string_view word) {
    return value.size() == word.size() &&
           ::strncasecmp(value.data(), word.data(), word.size()) == 0;
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// Behind it nobody can tell where the next request of the connection begins.
Answer unclear(std::string why) {
    Answer answer{400, std::move(why)};
    answer.closes = true;
    return answer;
}

class Reader {
public:
    Reader(MHD_Connection* connection, const HeadRules& rules)
        : connection_(connection), rules_(rules) {}

    std::optional<Answer> read(std::string_view path, std::string_view method, RequestHead& head) {
        if (auto refusal = readLength(head)) return refusal;
        if (auto refusal = mayCome(path, method)) return refusal;
        head.asksOnly = method == "GET";
        if (auto refusal = readSession(head)) return refusal;
        if (head.asksOnly) return std::nullopt;
        return readKind(head);
    }

private:
    // Null: it is not there.
    const char* value(const char* name) const {
        return MHD_lookup_connection_value(connection_, MHD_HEADER_KIND, name);
    }
    int countOf(const char* name) const {
        struct Search {
            const char* name;
            int count = 0;
        } search{name};
        MHD_get_connection_values(
            connection_, MHD_HEADER_KIND,
            [](void* closure, MHD_ValueKind, const char* key, const char*) {
                auto& wanted = *static_cast<Search*>(closure);
                wanted.count += ::strcasecmp(key, wanted.name) == 0 ? 1 : 0;
                return MHD_YES;
            },
            &search);
        return search.count;
    }

    std::optional<Answer> readLength(RequestHead& head) const {
        const char* const expect = value("Expect");
        head.waitsForContinue = expect != nullptr && isWord(expect, "100-continue");
        const char* const length = value("Content-Length");
        const char* const encoding = value("Transfer-Encoding");
        if (length != nullptr && encoding != nullptr)
            return unclear("both Content-Length and Transfer-Encoding are given");
        if (countOf("Content-Length") > 1 || countOf("Transfer-Encoding") > 1)
            return unclear("Content-Length or Transfer-Encoding is given twice");
        if (encoding != nullptr && !isWord(encoding, "chunked"))
            return unclear("Transfer-Encoding is " + shown(encoding) + "; only chunked is known");
        if (length == nullptr) return std::nullopt;
        head.bodyBytes = number(length);
        if (!head.bodyBytes)
            return unclear("Content-Length is " + shown(length) + ", which is no number of bytes");
        return std::nullopt;
    }

    std::optional<Answer> mayCome(std::string_view path, std::string_view method) const {
        if (!rules_.token.empty()) {
            const char* const given = value("Authorization");
            constexpr std::string_view kBearer = "Bearer ";
            const std::string_view text(given != nullptr ? given : "");
            if (text.size() < kBearer.size() || !isWord(text.substr(0, kBearer.size()), kBearer) ||
                !isSame(rules_.token, text.substr(kBearer.size())))
                return Answer{401, given == nullptr
                                       ? "a token is needed: Authorization: Bearer TOKEN"
                                       : "the token of Authorization is not the one in token_file"};
        } else if (const char* const origin = value("Origin")) {
            // Any page that a browser of this machine shows could write to the stream.
            return Answer{403, "requests of web pages are not taken without a token: Origin is " +
                                   shown(origin)};
        }
        if (path != rules_.path)
            return Answer{404, "there is nothing at " + shown(path) + "; records go to \"" +
                                   rules_.path + "\""};
        if (method != "POST" && method != "GET")
            return Answer{405, "the method is " + shown(method) +
                                   "; POST brings records, GET asks how far a session is"};
        return std::nullopt;
    }

    std::optional<Answer> readSession(RequestHead& head) const {
        const char* const session = value(kSession);
        const char* const first = value(kFirstLine);
        if (countOf(kSession) > 1 || countOf(kFirstLine) > 1)
            return Answer{400, std::string(kSession) + " or " + kFirstLine + " is given twice"};
        if (head.asksOnly && session == nullptr)
            return Answer{
                400, "GET asks how far a session is; name it: " + std::string(kSession) + ": NAME"};
        if (session != nullptr) {
            if (!isSessionName(session))
                return Answer{400, std::string(kSession) + " is " + shown(session) +
                                       "; expected 1 to 128 printable ASCII bytes without spaces"};
            head.session = session;
        }
        if (head.asksOnly) return std::nullopt;
        if ((session == nullptr) != (first == nullptr))
            return Answer{400, std::string(session == nullptr ? kFirstLine : kSession) +
                                   " is given without " +
                                   (session == nullptr ? kSession : kFirstLine) +
                                   "; a session needs both"};
        if (first == nullptr) return std::nullopt;
        const auto line = number(first);
        if (!line || *line == 0 || *line > ~std::uint64_t{0} / 2)
            return Answer{400, std::string(kFirstLine) + " is " + shown(first) +
                                   "; expected the number of the body's first line in its "
                                   "session, from 1"};
        head.firstLine = *line;
        return std::nullopt;
    }

    std::optional<Answer> readKind(RequestHead& head) const {
        if (const char* const type = value("Content-Type");
            type != nullptr && ::strncasecmp(type, "multipart/", 10) == 0)
            return Answer{415, "Content-Type is " + shown(type) +
                                   "; the body must be the lines themselves (curl --data-binary, "
                                   "not --form)"};
        const char* const encoding = value("Content-Encoding");
        head.isGzip =
            encoding != nullptr && (isWord(encoding, "gzip") || isWord(encoding, "x-gzip"));
        if (countOf("Content-Encoding") > 1 ||
            (encoding != nullptr && !head.isGzip && !isWord(encoding, "identity")))
            return Answer{415, "Content-Encoding is " + shown(encoding) + "; only gzip is known"};
        if (head.bodyBytes.value_or(0) > rules_.requestBytesMax)
            return Answer{413, "the body is " + std::to_string(*head.bodyBytes) +
                                   " bytes; at most " + std::to_string(rules_.requestBytesMax) +
                                   " are taken (max_request_bytes): send it in smaller requests"};
        return std::nullopt;
    }

    MHD_Connection* const connection_;
    const HeadRules& rules_;
};

}  // namespace

RequestHead readHead(MHD_Connection* connection, std::string_view path, std::string_view method,
                     const HeadRules& rules) {
    RequestHead head;
    head.refusal = Reader(connection, rules).read(path, method, head);
    return head;
}

}  // namespace tidemill::sources::http
