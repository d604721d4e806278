#include "bench/hand_rows.h"

#include <re2/re2.h>
#include <simdjson.h>

#include <charconv>
#include <cstring>

namespace tidemill::bench {
namespace {

using Text = std::string_view;

template <class N>
bool read(Text text, N& into) {
    const char* const end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, into);
    return result.ec == std::errc() && result.ptr == end;
}

template <class F>
void forEachLine(Text text, F&& f) {
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at < end) {
        const auto* stop =
            static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
        if (stop == nullptr) stop = end;
        f(Text(at, static_cast<std::size_t>(stop - at)));
        at = stop + 1;
    }
}

// The first ten parts of a line.
std::size_t cut(Text line, char separator, Text* parts) {
    const char* at = line.data();
    const char* const end = at + line.size();
    std::size_t count = 0;
    while (at < end && count < 10) {
        const auto* stop = static_cast<const char*>(
            std::memchr(at, separator, static_cast<std::size_t>(end - at)));
        if (stop == nullptr) stop = end;
        parts[count++] = {at, static_cast<std::size_t>(stop - at)};
        at = stop + 1;
    }
    return count;
}

// where bytes > 100: by status; and by path.
void take(HandRows& into, Text path, Text status, std::int64_t bytes) {
    if (bytes <= 100) return;
    auto& group = into.groups.at(status);
    ++group.rows;
    group.sum += static_cast<double>(bytes);
    if (static_cast<double>(bytes) > group.most) group.most = static_cast<double>(bytes);
    ++into.paths.at(path).rows;
}

}  // namespace

void handSplit(Text text, HandRows& into) {
    forEachLine(text, [&](Text line) {
        ++into.lines;
        Text parts[10];
        std::int64_t bytes = 0;
        if (cut(line, ' ', parts) == 10 && read(parts[9], bytes))
            take(into, parts[6], parts[8], bytes);
        else ++into.wrong;
    });
}

void handCsv(Text text, HandRows& into) {
    std::string unquoted;
    forEachLine(text, [&](Text line) {
        ++into.lines;
        Text parts[10];
        std::size_t count = 0;
        if (std::memchr(line.data(), '"', line.size()) == nullptr) {
            count = cut(line, ',', parts);
        } else {
            // Quoted fields here hold no quotes and no separators behind them.
            const char* at = line.data();
            const char* const end = at + line.size();
            while (at < end && count < 10) {
                const bool isQuoted = *at == '"';
                if (isQuoted) ++at;
                const auto* stop = static_cast<const char*>(
                    std::memchr(at, isQuoted ? '"' : ',', static_cast<std::size_t>(end - at)));
                if (stop == nullptr) stop = end;
                parts[count++] = {at, static_cast<std::size_t>(stop - at)};
                at = stop + (isQuoted ? 2 : 1);
            }
        }
        std::int64_t bytes = 0;
        if (count >= 5 && read(parts[4], bytes)) take(into, parts[2], parts[3], bytes);
        else ++into.wrong;
    });
}

void handRegex(Text text, const char* pattern, HandRows& into) {
    const re2::RE2 expression(pattern, re2::RE2::Latin1);
    re2::StringPiece groups[5];
    forEachLine(text, [&](Text line) {
        ++into.lines;
        const re2::StringPiece piece(line.data(), line.size());
        std::int64_t bytes = 0;
        const auto view = [](const re2::StringPiece& group) {
            return Text(group.data(), group.size());
        };
        if (expression.Match(piece, 0, piece.size(), re2::RE2::UNANCHORED, groups, 5) &&
            read(view(groups[4]), bytes))
            take(into, view(groups[2]), view(groups[3]), bytes);
        else ++into.wrong;
    });
}

void handJson(Text text, HandRows& into) {
    simdjson::ondemand::parser parser;
    const char* const end = text.data() + text.size();
    forEachLine(text, [&](Text line) {
        ++into.lines;
        simdjson::ondemand::document document;
        Text kind, user;
        double amount = 0;
        if (!parser
                 .iterate(line.data(), line.size(),
                          static_cast<std::size_t>(end + 64 - line.data()))
                 .get(document) &&
            !document["event"]["type"].get(kind) && !document["user"]["name"].get(user) &&
            !document["amount"].get(amount)) {
            if (amount <= 1) return;
            auto& group = into.groups.at(user);
            ++group.rows;
            group.sum += amount;
            if (amount > group.most) group.most = amount;
            ++into.paths.at(kind).rows;
        } else {
            ++into.wrong;
        }
    });
}

}  // namespace tidemill::bench
