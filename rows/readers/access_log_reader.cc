#include "rows/readers/access_log_reader.h"

#include <array>
#include <cstring>
#include <utility>

#include "rows/readers/field_columns.h"
#include "rows/readers/planned_reader.h"
#include "rows/readers/unescape.h"

namespace tidemill::rows {
namespace {

using core::Result;

enum Place : std::size_t {
    kHost,
    kIdent,
    kUser,
    kTime,
    kMethod,
    kPath,
    kProtocol,
    kStatus,
    kBytes,
    kRequest,
    kReferer,
    kAgent,
    kPlaces
};
const std::vector<std::string> kNames = {"host",   "ident",   "user",     "time",
                                         "method", "path",    "protocol", "status",
                                         "bytes",  "request", "referer",  "agent"};
constexpr std::size_t kCommonPlaces = kReferer;

const char* find(const char* at, const char* end, char c) {
    const auto left = static_cast<std::size_t>(end - at);
    return left == 0 ? nullptr : static_cast<const char*>(std::memchr(at, c, left));
}

std::string_view between(const char* begin, const char* end) {
    return {begin, static_cast<std::size_t>(end - begin)};
}

// RFC 9110's tchar.
bool isMethod(std::string_view text) {
    for (const char c : text) {
        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) continue;
        if (std::strchr("!#$%&'*+-.^_`|~", c) == nullptr || c == '\0') return false;
    }
    return !text.empty();
}

// The parts of one record, from left to right.
class Parts {
public:
    explicit Parts(std::string_view record)
        : begin_(record.data()), at_(begin_), end_(begin_ + record.size()) {}

    std::string_view operator[](std::size_t place) const { return parts_[place]; }

    // Answers what is wrong with the record, or null.
    const char* cut(bool isCombined) {
        parts_[kHost] = word();
        if (parts_[kHost].empty() || at_ == end_) return "the host is missing";
        // A user's name may have blanks in it; the time begins with a bracket behind a blank.
        const char* bracket = find(at_, end_, '[');
        while (bracket != nullptr && bracket[-1] != ' ') bracket = find(bracket + 1, end_, '[');
        if (bracket == nullptr) return "the time in brackets is missing";
        parts_[kIdent] = word();
        if (at_ >= bracket) return "the user is missing";
        parts_[kUser] = between(at_, bracket - 1);
        const char* const timeEnd = find(bracket, end_, ']');
        if (timeEnd == nullptr) return "the bracket behind the time is missing";
        parts_[kTime] = between(bracket + 1, timeEnd);
        at_ = timeEnd + 1;
        if (!blank() || !quoted(parts_[kRequest])) return "the request in quotes is missing";
        cutRequest();
        if (!blank()) return "the status is missing";
        parts_[kStatus] = word();
        parts_[kBytes] = word();
        if (parts_[kStatus].empty() || parts_[kBytes].empty())
            return "the status or the bytes are missing";
        // word() has passed over the blank before these.
        if (isCombined && quoted(parts_[kReferer]) && blank()) quoted(parts_[kAgent]);
        return nullptr;
    }

    std::string where() const { return "byte " + std::to_string(at_ - begin_ + 1); }

private:
    // Up to the next blank, which is passed over.
    std::string_view word() {
        const char* const found = find(at_, end_, ' ');
        const char* const stop = found == nullptr ? end_ : found;
        const std::string_view text = between(at_, stop);
        at_ = found == nullptr ? end_ : found + 1;
        return text;
    }

    bool blank() {
        if (at_ == end_ || *at_ != ' ') return false;
        ++at_;
        return true;
    }

    // "..." or a bare -. Quotes in it are escaped, but some servers forget to: the quote that
    // closes it has a blank or nothing behind it.
    bool quoted(std::string_view& text) {
        if (at_ != end_ && *at_ == '-') {
            text = between(at_, at_ + 1);
            ++at_;
            return true;
        }
        if (at_ == end_ || *at_ != '"') return false;
        const char* const begin = at_ + 1;
        for (const char* at = begin; (at = find(at, end_, '"')) != nullptr; ++at) {
            std::size_t backslashes = 0;
            while (at - backslashes != begin &&
                   at[-1 - static_cast<std::ptrdiff_t>(backslashes)] == '\\')
                ++backslashes;
            if (backslashes % 2 != 0 || (at + 1 != end_ && at[1] != ' ')) continue;
            text = between(begin, at);
            at_ = at + 1;
            return true;
        }
        return false;
    }

    void cutRequest() {
        parts_[kMethod] = parts_[kPath] = parts_[kProtocol] = kNull;
        const std::string_view request = parts_[kRequest];
        const std::size_t methodEnd = request.find(' ');
        if (methodEnd == request.npos || !isMethod(request.substr(0, methodEnd))) return;
        std::string_view path = request.substr(methodEnd + 1);
        // Paths may have blanks in them.
        const std::size_t protocol = path.rfind(' ');
        if (protocol != path.npos && path.substr(protocol + 1).starts_with("HTTP/")) {
            parts_[kProtocol] = path.substr(protocol + 1);
            path = path.substr(0, protocol);
        }
        if (path.empty()) {
            parts_[kProtocol] = kNull;
            return;
        }
        parts_[kMethod] = request.substr(0, methodEnd);
        parts_[kPath] = path;
    }

    const char* const begin_;
    const char* at_;
    const char* const end_;
    std::array<std::string_view, kPlaces> parts_;
};

struct Access {
    bool isCombined;
    std::vector<std::size_t> places;  // of the fields
};

class AccessLogRowReader final : public CuttingReader {
public:
    AccessLogRowReader(std::shared_ptr<const FieldPlan> plan, std::shared_ptr<const Access> access)
        : CuttingReader(std::move(plan)), access_(std::move(access)) {}

private:
    void cut(std::span<const std::string_view> records, core::Arena& arena,
             RowFailures& failures) override {
        const auto& places = access_->places;
        for (std::size_t row = 0; row < records.size(); ++row) {
            Parts parts(withoutMark(records[row]));
            if (const char* const wrong = parts.cut(access_->isCombined)) {
                failRecord(
                    row, "the record is no line of an access log: " + parts.where() + ": " + wrong,
                    failures);
                continue;
            }
            for (std::size_t field = 0; field < places.size(); ++field) {
                const std::size_t place = places[field];
                std::string_view part = parts[place];
                if (part.size() == 1 && part.data() != nullptr && part[0] == '-') {
                    part = kNull;
                } else if (mayHaveEscapes(place) && part.data() != nullptr && !part.empty() &&
                           std::memchr(part.data(), '\\', part.size()) != nullptr) {
                    part = unescapeLog(part, arena);
                }
                text(field, row) = part;
            }
        }
    }

    static bool mayHaveEscapes(std::size_t place) {
        return place != kTime && place != kStatus && place != kBytes;
    }

    std::string whyMissing(std::string_view) const override { return "the record ends before it"; }

    const std::shared_ptr<const Access> access_;
};

}  // namespace

std::vector<FieldSpec> accessLogFields(AccessLog kind) {
    std::vector<FieldSpec> fields;
    for (std::size_t place = 0; place < kPlaces; ++place) {
        if (place == kRequest || (kind == AccessLog::kCommon && place >= kCommonPlaces)) continue;
        FieldSpec field;
        field.name = field.place = kNames[place];
        field.type = place == kTime                        ? Type::kTime
                     : place == kStatus || place == kBytes ? Type::kInt
                                                           : Type::kText;
        fields.push_back(std::move(field));
    }
    return fields;
}

Result<std::shared_ptr<const Reader>> makeAccessLogReader(AccessLog kind,
                                                          std::vector<FieldSpec> fields) {
    TM_ASSIGN(const auto ofTimes, TimeFormat::compile("%d/%b/%Y:%H:%M:%S %z"));
    TM_ASSIGN(auto plan, FieldPlan::of(std::move(fields), "column", ofTimes));
    std::vector<std::string> names = kNames;
    if (kind == AccessLog::kCommon) names.resize(kCommonPlaces);
    TM_ASSIGN(auto places, placesAmong(*plan, names, "column"));
    return std::make_shared<PlannedReader<AccessLogRowReader, Access>>(
        plan, Access{kind == AccessLog::kCombined, std::move(places)});
}

}  // namespace tidemill::rows
