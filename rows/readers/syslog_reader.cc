#include "rows/readers/syslog_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "rows/readers/field_columns.h"
#include "rows/readers/planned_reader.h"
#include "rows/readers/syslog_data.h"

namespace tidemill::rows {
namespace {

using core::Result;

enum Place : std::size_t {
    kPriority,
    kFacility,
    kSeverity,
    kVersion,
    kTime,
    kHost,
    kApp,
    kPid,
    kMsgid,
    kData,
    kMessage,
    kPlaces
};
const std::vector<std::string> kNames = {"priority", "facility", "severity", "version",
                                         "time",     "host",     "app",      "pid",
                                         "msgid",    "data",     "message"};
constexpr std::size_t kPriorityMax = 191;

bool isDigit(char c) { return c >= '0' && c <= '9'; }

// "0", "1" ...: columns take texts.
std::string_view numberText(std::size_t number) {
    static const auto kTexts = [] {
        std::array<std::string, kPriorityMax + 1> texts;
        for (std::size_t i = 0; i < texts.size(); ++i) texts[i] = std::to_string(i);
        return texts;
    }();
    return kTexts[number];
}

// The parts of one record, from left to right.
class Parts {
public:
    explicit Parts(std::string_view record) : size_(record.size()), rest_(record) {
        parts_.fill(kNull);
    }

    std::string_view operator[](std::size_t place) const { return parts_[place]; }

    // Answers what is wrong with the record, or null. `json` gets the structured data if not null.
    const char* cut(SyslogData& data, std::string* json) {
        if (rest_.starts_with('<') && !cutPriority()) return "the priority in <> is none";
        if (parts_[kPriority].data() != nullptr && cutVersion()) return cutNew(data, json);
        return cutOld();
    }

    std::string where() const { return "byte " + std::to_string(size_ - rest_.size() + 1); }
    bool hasData() const { return hasData_; }

private:
    bool cutPriority() {
        std::size_t number = 0;
        std::size_t at = 1;
        for (; at < rest_.size() && at < 5 && isDigit(rest_[at]); ++at)
            number = number * 10 + static_cast<std::size_t>(rest_[at] - '0');
        if (at == 1 || at > 4 || at == rest_.size() || rest_[at] != '>' || number > kPriorityMax ||
            (rest_[1] == '0' && at > 2))
            return false;
        parts_[kPriority] = rest_.substr(1, at - 1);
        parts_[kFacility] = numberText(number / 8);
        parts_[kSeverity] = numberText(number % 8);
        rest_.remove_prefix(at + 1);
        return true;
    }

    // RFC 5424's follows the priority and is followed by a blank.
    bool cutVersion() {
        std::size_t size = 0;
        while (size < rest_.size() && size < 3 && isDigit(rest_[size])) ++size;
        if (size == 0 || rest_[0] == '0' || size == rest_.size() || rest_[size] != ' ')
            return false;
        parts_[kVersion] = rest_.substr(0, size);
        rest_.remove_prefix(size + 1);
        return true;
    }

    // Up to the next blank, which is passed over; nothing when there is none.
    bool word(std::string_view& text) {
        const std::size_t size = rest_.find(' ');
        if (size == rest_.npos || size == 0) return false;
        text = rest_.substr(0, size);
        rest_.remove_prefix(size + 1);
        return true;
    }

    // RFC 5424.
    const char* cutNew(SyslogData& data, std::string* json) {
        for (const std::size_t place : {kTime, kHost, kApp, kPid, kMsgid})
            if (!word(parts_[place])) return "the header of RFC 5424 is not complete";
        for (std::string_view& part : parts_)
            if (part.data() != nullptr && part == "-") part = kNull;
        if (rest_.starts_with('-')) {
            rest_.remove_prefix(1);
        } else {
            const char* wrong = nullptr;
            rest_ = data.read(rest_, json, wrong);
            if (wrong != nullptr) return wrong;
            hasData_ = true;
        }
        if (rest_.empty()) return nullptr;
        if (!rest_.starts_with(' ')) return "a blank is missing behind the structured data";
        parts_[kMessage] = withoutMark(rest_.substr(1));
        return nullptr;
    }

    // RFC 3164.
    const char* cutOld() {
        if (!cutOldTime()) return "no time of RFC 3164 or ISO 8601 is there";
        // Without a host, as local programs write to the daemon, the tag comes first.
        std::string_view host;
        const std::string_view rest = rest_;
        if (word(host)) {
            if (host.ends_with(':')) {
                rest_ = rest;
            } else {
                parts_[kHost] = host;
            }
        }
        cutTag();
        parts_[kMessage] = rest_;
        return nullptr;
    }

    bool cutOldTime() {
        constexpr std::string_view kForm = "Oct 11 22:14:15";
        if (rest_.empty()) return false;
        std::size_t size = 0;
        if (isDigit(rest_[0])) {
            size = std::min(rest_.find(' '), rest_.size());
        } else if (rest_.size() >= kForm.size() && rest_[3] == ' ' && rest_[6] == ' ' &&
                   rest_[9] == ':' && rest_[12] == ':') {
            size = kForm.size();
        } else {
            return false;
        }
        if (size < rest_.size() && rest_[size] != ' ') return false;
        parts_[kTime] = rest_.substr(0, size);
        rest_.remove_prefix(std::min(size + 1, rest_.size()));
        return true;
    }

    // "app:", "app[pid]:" or none.
    void cutTag() {
        const std::size_t size = rest_.find_first_of("[: ");
        if (size == rest_.npos || size == 0 || rest_[size] == ' ') return;
        std::string_view behind = rest_.substr(size);
        std::string_view pid = kNull;
        if (behind[0] == '[') {
            const std::size_t close = behind.find(']');
            if (close == behind.npos) return;
            pid = behind.substr(1, close - 1);
            behind.remove_prefix(close + 1);
        }
        if (behind.starts_with(':')) {
            behind.remove_prefix(1);
        } else if (!behind.empty() && behind[0] != ' ') {
            return;
        }
        if (behind.starts_with(' ')) behind.remove_prefix(1);
        parts_[kApp] = rest_.substr(0, size);
        parts_[kPid] = pid;
        rest_ = behind;
    }

    const std::size_t size_;
    std::string_view rest_;
    std::array<std::string_view, kPlaces> parts_;
    bool hasData_ = false;
};

struct Syslog {
    std::vector<std::size_t> places;  // of the fields
};

class SyslogRowReader final : public CuttingReader {
public:
    SyslogRowReader(std::shared_ptr<const FieldPlan> plan, std::shared_ptr<const Syslog> syslog)
        : CuttingReader(std::move(plan)),
          syslog_(std::move(syslog)),
          wantsData_(std::find(syslog_->places.begin(), syslog_->places.end(), kData) !=
                     syslog_->places.end()) {}

private:
    void cut(std::span<const std::string_view> records, core::Arena& arena,
             RowFailures& failures) override {
        const auto& places = syslog_->places;
        for (std::size_t row = 0; row < records.size(); ++row) {
            Parts parts(withoutMark(records[row]));
            json_.clear();
            if (const char* const wrong = parts.cut(data_, wantsData_ ? &json_ : nullptr)) {
                failRecord(row, "the record is no syslog: " + parts.where() + ": " + wrong,
                           failures);
                continue;
            }
            const std::string_view data = wantsData_ && parts.hasData() ? arena.copy(json_) : kNull;
            for (std::size_t field = 0; field < places.size(); ++field)
                text(field, row) = places[field] == kData ? data : parts[places[field]];
        }
    }

    std::string whyMissing(std::string_view) const override { return "the record has none"; }

    const std::shared_ptr<const Syslog> syslog_;
    const bool wantsData_;
    SyslogData data_;
    std::string json_;
};

}  // namespace

std::vector<FieldSpec> syslogFields() {
    std::vector<FieldSpec> fields;
    for (std::size_t place = 0; place < kPlaces; ++place) {
        FieldSpec field;
        field.name = field.place = kNames[place];
        field.type = place <= kVersion ? Type::kInt
                     : place == kTime  ? Type::kTime
                     : place == kData  ? Type::kJson
                                       : Type::kText;
        fields.push_back(std::move(field));
    }
    return fields;
}

Result<std::shared_ptr<const Reader>> makeSyslogReader(std::vector<FieldSpec> fields) {
    TM_ASSIGN(auto plan, FieldPlan::of(std::move(fields), "column", TimeFormat::syslog()));
    TM_ASSIGN(auto places, placesAmong(*plan, kNames, "column"));
    return std::make_shared<PlannedReader<SyslogRowReader, Syslog>>(plan,
                                                                    Syslog{std::move(places)});
}

}  // namespace tidemill::rows
