#include "rows/readers/syslog_data.h"

#include <algorithm>
#include <cstddef>

#include "rows/write_value.h"

namespace tidemill::rows {
namespace {

// RFC 5424's SD-NAME, without its limit of 32 bytes.
std::size_t nameSize(std::string_view text) {
    std::size_t size = 0;
    while (size < text.size() && text[size] > ' ' && text[size] != '\x7F' && text[size] != '=' &&
           text[size] != ']' && text[size] != '"')
        ++size;
    return size;
}

}  // namespace

std::string_view SyslogData::read(std::string_view text, std::string* json, const char*& wrong) {
    const auto fail = [&](const char* what) {
        wrong = what;
        return text;
    };
    const auto takeName = [&] {
        const std::string_view name = text.substr(0, nameSize(text));
        text.remove_prefix(name.size());
        return name;
    };
    ids_.clear();
    if (json != nullptr) *json += '{';
    while (text.starts_with('[')) {
        text.remove_prefix(1);
        const std::string_view id = takeName();
        if (id.empty()) return fail("an element of the structured data has no id");
        if (ids_.size() == 64) return fail("the structured data has more than 64 elements");
        if (std::find(ids_.begin(), ids_.end(), id) != ids_.end())
            return fail("an id of the structured data comes twice");
        ids_.push_back(id);
        values_.clear();
        while (text.starts_with(' ')) {
            text.remove_prefix(1);
            const std::string_view name = takeName();
            if (name.empty() || !text.starts_with("=\""))
                return fail("the structured data has no name=\"value\" there");
            text.remove_prefix(2);
            std::size_t size = 0;
            while (size < text.size() && text[size] != '"') size += text[size] == '\\' ? 2 : 1;
            if (size >= text.size()) return fail("a value of the structured data is not closed");
            if (values_.size() == 256)
                return fail("an element of the structured data has more than 256 values");
            values_.push_back({name, text.substr(0, size)});
            text.remove_prefix(size + 1);
        }
        if (!text.starts_with(']')) return fail("an element of the structured data is not closed");
        text.remove_prefix(1);
        if (json != nullptr) appendElement(id, *json);
    }
    if (ids_.empty()) return fail("the structured data is missing");
    if (json != nullptr) *json += '}';
    return text;
}

void SyslogData::appendElement(std::string_view id, std::string& json) {
    const auto appendValue = [&](std::string_view text) {
        plain_.clear();
        for (std::size_t i = 0; i < text.size(); ++i) {
            const char next = i + 1 < text.size() ? text[i + 1] : '\0';
            // A backslash before anything else is itself.
            if (text[i] == '\\' && (next == '"' || next == '\\' || next == ']')) ++i;
            plain_ += text[i];
        }
        appendJsonText(json, plain_);
    };
    if (ids_.size() > 1) json += ',';
    appendJsonText(json, id);
    json += ":{";
    bool isFirst = true;
    for (std::size_t i = 0; i < values_.size(); ++i) {
        const std::string_view name = values_[i].name;
        const auto isSame = [&](const Value& value) { return value.name == name; };
        const auto begin = values_.begin() + static_cast<std::ptrdiff_t>(i);
        if (std::any_of(values_.begin(), begin, isSame)) continue;  // written with the first
        if (!isFirst) json += ',';
        isFirst = false;
        appendJsonText(json, name);
        json += ':';
        if (std::none_of(begin + 1, values_.end(), isSame)) {
            appendValue(values_[i].text);
            continue;
        }
        char before = '[';
        for (auto same = begin; same != values_.end(); ++same) {
            if (!isSame(*same)) continue;
            json += before;
            before = ',';
            appendValue(same->text);
        }
        json += ']';
    }
    json += '}';
}

}  // namespace tidemill::rows
