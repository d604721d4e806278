#include "rows/readers/csv_reader.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "rows/readers/cut_record.h"
#include "rows/readers/field_columns.h"
#include "rows/readers/planned_reader.h"

namespace tidemill::rows {
namespace {

using core::ErrorKind;
using core::fail;
using core::Result;

bool isBlank(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && isBlank(text.front())) text.remove_prefix(1);
    while (!text.empty() && isBlank(text.back())) text.remove_suffix(1);
    return text;
}

std::string_view withoutDoubledQuotes(std::string_view text, core::Arena& arena) {
    char* const begin = arena.allocate(text.size());
    char* end = begin;
    for (std::size_t i = 0; i < text.size(); ++i) {
        *end++ = text[i];
        if (text[i] == '"') ++i;  // its twin
    }
    return {begin, static_cast<std::size_t>(end - begin)};
}

// Calls take(place from 0, text, whether it was in quotes) for each field; answers what is wrong
// with the record, or nothing.
template <class Take>
std::string walkFields(std::string_view record, char separator, bool trim, core::Arena& arena,
                       Take&& take) {
    const char* const begin = record.data();
    const char* const end = begin + record.size();
    const auto byteOf = [&](const char* at) { return std::to_string(at - begin + 1); };
    const char* at = begin;
    for (std::size_t place = 0;; ++place) {
        const char* open = at;
        while (trim && open != end && isBlank(*open) && *open != separator) ++open;
        if (open == end || *open != '"') {
            const auto left = static_cast<std::size_t>(end - at);
            const void* const found = left == 0 ? nullptr : std::memchr(at, separator, left);
            const char* const stop = found == nullptr ? end : static_cast<const char*>(found);
            const std::string_view text(at, static_cast<std::size_t>(stop - at));
            if (const auto quote = text.find('"'); quote != text.npos)
                return "byte " + byteOf(at + quote) +
                       ": a quote inside of a field that does not begin with one";
            take(place, trim ? trimmed(text) : text, false);
            at = stop;
        } else {
            const char* close = open + 1;
            bool hasDoubled = false;
            while (true) {
                const auto left = static_cast<std::size_t>(end - close);
                const void* const found = left == 0 ? nullptr : std::memchr(close, '"', left);
                if (found == nullptr) return "the quote at byte " + byteOf(open) + " is not closed";
                close = static_cast<const char*>(found);
                if (close + 1 == end || close[1] != '"') break;
                hasDoubled = true;
                close += 2;
            }
            const std::string_view text(open + 1, static_cast<std::size_t>(close - open - 1));
            take(place, hasDoubled ? withoutDoubledQuotes(text, arena) : text, true);
            at = close + 1;
            while (trim && at != end && isBlank(*at) && *at != separator) ++at;
            if (at != end && *at != separator)
                return "byte " + byteOf(at) + ": a field goes on behind the quote that closes it";
        }
        if (at == end) return {};
        ++at;
    }
}

// The same for records without blanks to trim and doubled quotes; false for others, and for those
// that are wrong, of which some fields may have been taken then.
template <class Take>
bool walkPlainFields(std::string_view record, char separator, Take&& take) {
    const char* begin = record.data();  // of the field
    const char* const end = begin + record.size();
    const char* closed = nullptr;  // the quote that closed it
    bool isOpen = false;
    std::size_t place = 0;
    const auto endField = [&](const char* at) {
        if (closed == nullptr) {
            take(place, std::string_view(begin, static_cast<std::size_t>(at - begin)), false);
        } else {
            if (closed + 1 != at) return false;
            take(place, std::string_view(begin + 1, static_cast<std::size_t>(closed - begin - 1)),
                 true);
        }
        ++place;
        begin = at + 1;
        closed = nullptr;
        return true;
    };
    bool isPlain = true;
    forEachPiece(
        record, [&](const ByteMask& bytes) { return bytes.of(separator) | bytes.of('"'); },
        [&](unsigned mask, const char* piece, std::size_t) {
            for (; isPlain && mask != 0; mask &= mask - 1) {
                const char* const at = piece + std::countr_zero(mask);
                if (isOpen) {
                    if (*at != '"') continue;
                    isOpen = false;
                    closed = at;
                } else if (*at == '"') {
                    isPlain = isOpen = at == begin;
                } else {
                    isPlain = endField(at);
                }
            }
            return isPlain;
        });
    return isPlain && !isOpen && endField(end);
}

struct Csv {
    CsvOptions options;
    std::vector<std::size_t> places;  // of the fields, from 0
    std::size_t most;                 // places from the first to the last that is asked for
};

class CsvRowReader final : public CuttingReader {
public:
    CsvRowReader(std::shared_ptr<const FieldPlan> plan, std::shared_ptr<const Csv> csv)
        : CuttingReader(std::move(plan)), csv_(std::move(csv)), parts_(csv_->most) {}

private:
    void cut(std::span<const std::string_view> records, core::Arena& arena,
             RowFailures& failures) override {
        const auto& places = csv_->places;
        const auto& options = csv_->options;
        for (std::size_t row = 0; row < records.size(); ++row) {
            const std::string_view record = withoutMark(records[row]);
            const bool hasQuote =
                !record.empty() && std::memchr(record.data(), '"', record.size()) != nullptr;
            std::size_t count = 0;
            if (hasQuote) {
                if (!cutQuoted(record, row, arena, failures, count)) continue;
            } else {
                count = cutAtByte(record, options.separator, parts_.data(), csv_->most);
                if (options.trim)
                    for (std::size_t i = 0; i < count; ++i) parts_[i] = trimmed(parts_[i]);
            }
            for (std::size_t field = 0; field < places.size(); ++field)
                text(field, row) = places[field] < count ? parts_[places[field]] : kMissing;
            if (!options.header.empty() && parts_[0] == options.header[0] &&
                isHeader(record, arena))
                noRecord(row, failures);
        }
    }

    // False: the record has failed.
    bool cutQuoted(std::string_view record, std::size_t row, core::Arena& arena,
                   RowFailures& failures, std::size_t& count) {
        const auto take = [&](std::size_t place, std::string_view text, bool inQuotes) {
            count = place + 1;
            if (place >= parts_.size()) return;
            parts_[place] = text;
            if (inQuotes) markText(place, text, row);
        };
        if (!csv_->options.trim && walkPlainFields(record, csv_->options.separator, take))
            return true;
        std::string wrong =
            walkFields(record, csv_->options.separator, csv_->options.trim, arena, take);
        if (wrong.empty()) return true;
        failRecord(row, std::move(wrong), failures);
        return false;
    }

    void markText(std::size_t place, std::string_view text, std::size_t row) {
        for (std::size_t field = 0; field < fieldCount(); ++field)
            if (csv_->places[field] == place && plan()[field].spec.nullText == text)
                keepFromNull(field, row);
    }

    bool isHeader(std::string_view record, core::Arena& arena) const {
        const auto& names = csv_->options.header;
        std::size_t same = 0;
        std::size_t count = 0;
        walkFields(record, csv_->options.separator, csv_->options.trim, arena,
                   [&](std::size_t place, std::string_view text, bool) {
                       same += place < names.size() && names[place] == text ? 1 : 0;
                       ++count;
                   });
        return same == names.size() && count == names.size();
    }

    std::string whyMissing(std::string_view record) const override {
        core::Arena arena;
        std::size_t count = 0;
        walkFields(withoutMark(record), csv_->options.separator, csv_->options.trim, arena,
                   [&](std::size_t, std::string_view, bool) { ++count; });
        return "the record has " + std::to_string(count) + (count == 1 ? " place" : " places");
    }

    const std::shared_ptr<const Csv> csv_;
    std::vector<std::string_view> parts_;
};

// Numbers, or names of the header.
Result<std::vector<std::size_t>> placesOf(const FieldPlan& plan,
                                          const std::vector<std::string>& header) {
    std::vector<std::size_t> places;
    for (const auto& field : plan.fields()) {
        const std::string& place = field.spec.place;
        const auto found = std::find(header.begin(), header.end(), place);
        if (found != header.end()) {
            if (std::find(found + 1, header.end(), place) != header.end())
                return fail(ErrorKind::kInvalid,
                            "field " + field.label +
                                ": the header has that name twice; give the place's number");
            places.push_back(static_cast<std::size_t>(found - header.begin()));
            continue;
        }
        auto position = positionOf(field);
        if (!position) {
            std::string message = std::move(position.error().message);
            if (!header.empty()) {
                message += ", or a name of the header:";
                for (const auto& name : header) message += " " + excerpt(name);
            }
            return fail(ErrorKind::kInvalid, std::move(message));
        }
        places.push_back(*position);
    }
    return places;
}

Result<void> checkOptions(const CsvOptions& options) {
    if (options.separator == '"' || options.separator == '\n' || options.separator == '\r')
        return fail(ErrorKind::kInvalid, "the separator of CSV cannot be " +
                                             excerpt(std::string_view(&options.separator, 1)));
    return {};
}

}  // namespace

Result<std::shared_ptr<const Reader>> makeCsvReader(std::vector<FieldSpec> fields,
                                                    CsvOptions options) {
    TM_TRY(checkOptions(options));
    TM_ASSIGN(auto plan, FieldPlan::of(std::move(fields), "place"));
    TM_ASSIGN(auto places, placesOf(*plan, options.header));
    const std::size_t most = *std::max_element(places.begin(), places.end()) + 1;
    return std::make_shared<PlannedReader<CsvRowReader, Csv>>(
        plan, Csv{std::move(options), std::move(places), most});
}

Result<std::vector<std::string>> csvFields(std::string_view record, const CsvOptions& options) {
    TM_TRY(checkOptions(options));
    core::Arena arena;
    std::vector<std::string> fields;
    const std::string wrong =
        walkFields(withoutMark(record), options.separator, options.trim, arena,
                   [&](std::size_t, std::string_view text, bool) { fields.emplace_back(text); });
    if (!wrong.empty()) return fail(ErrorKind::kInvalid, wrong);
    return fields;
}

}  // namespace tidemill::rows
