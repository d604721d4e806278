#include "tools/toml_table.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <sstream>

#include "core/format.h"
#include "core/secrets.h"

namespace tidemill::tools {
namespace {

// "12.5 MiB" -> 12.5 and "MiB".
bool splitUnit(std::string_view text, double& number, std::string_view& unit) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || !std::isfinite(number) || number < 0) return false;
    unit = text.substr(static_cast<std::size_t>(end - text.data()));
    while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
    return true;
}

constexpr double kDurationMaxMillis = 876'000.0 * 3'600'000;

std::string printed(const toml::node& node) {
    std::ostringstream out;
    if (const auto* value = node.as_string()) out << '"' << value->get() << '"';
    else node.visit([&](const auto& written) { out << written; });
    auto text = core::withoutSecrets(out.str());
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text.size() > 60 ? text.substr(0, 60) + "…" : text;
}

// What the node must be to be taken as a text; null when it can be.
const char* whyNoText(const toml::node& node) {
    const auto* value = node.as_string();
    if (value == nullptr) return "a text in quotes";
    return value->get().find('\0') == std::string::npos ? nullptr : "a text without NUL bytes";
}

// So that it prints the same however it was written: a table as a section or in braces, a whole
// number in any base.
void useOneForm(toml::node& node) {
    if (auto* table = node.as_table()) {
        table->is_inline(true);
        for (auto&& [key, value] : *table) useOneForm(value);
    } else if (auto* list = node.as_array()) {
        for (auto& value : *list) useOneForm(value);
    } else if (auto* number = node.as_integer()) {
        number->flags(toml::value_flags::none);
    }
}

}  // namespace

void JobFileErrors::add(Position at, const std::string& message) {
    std::string line;
    core::appendPrintable(line, core::withoutSecrets(message));  // it quotes what the file holds
    lines_.emplace_back(at, std::move(line));
}

std::string JobFileErrors::text() const {
    auto lines = lines_;
    std::stable_sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) {
        return std::pair(a.first.line, a.first.column) < std::pair(b.first.line, b.first.column);
    });
    std::string text;
    for (const auto& [at, message] : lines)
        text += (text.empty() ? "" : "\n") + path_ + ":" + std::to_string(at.line) + ":" +
                std::to_string(at.column) + ": " + message;
    return text;
}

Position positionOf(const toml::node& node) {
    const auto& begin = node.source().begin;
    if (begin.line == 0) return {1, 1};  // a table that the file does not have
    return {begin.line, begin.column};
}

Position TomlTable::at(std::string_view key) const {
    const auto* node = table_.get(key);
    return node == nullptr ? at() : positionOf(*node);
}

const toml::node* TomlTable::find(std::string_view key) {
    known_.emplace_back(key);
    return table_.get(key);
}

void TomlTable::wrongType(std::string_view key, const toml::node& node, const char* wanted) {
    errors_.add(positionOf(node),
                std::string(key) + " is " + printed(node) + ", but must be " + wanted);
}

void TomlTable::missing(std::string_view key) {
    errors_.add(at(), what_ + " lacks the key \"" + std::string(key) + "\"");
}

std::string TomlTable::text(std::string_view key, std::string byDefault) {
    const auto* node = find(key);
    if (node == nullptr) return byDefault;
    const char* const wanted = whyNoText(*node);
    if (wanted == nullptr) return node->as_string()->get();
    wrongType(key, *node, wanted);
    return byDefault;
}

std::string TomlTable::requiredText(std::string_view key) {
    if (!table_.contains(key)) {
        known_.emplace_back(key);
        missing(key);
        return "";
    }
    const auto* node = table_.get(key);
    if (node->is_string() && node->as_string()->get().empty())
        errors_.add(positionOf(*node), std::string(key) + " must not be empty");
    return text(key, "");
}

std::int64_t TomlTable::integer(std::string_view key, std::int64_t byDefault, std::int64_t min,
                                std::int64_t max) {
    const auto* node = find(key);
    if (node == nullptr) return byDefault;
    const auto* value = node->as_integer();
    if (value != nullptr && value->get() >= min && value->get() <= max) return value->get();
    const std::string wanted =
        "a whole number from " + std::to_string(min) + " to " + std::to_string(max);
    wrongType(key, *node, wanted.c_str());
    return byDefault;
}

std::int64_t TomlTable::requiredInteger(std::string_view key, std::int64_t min, std::int64_t max) {
    if (table_.contains(key)) return integer(key, min, min, max);
    known_.emplace_back(key);
    missing(key);
    return min;
}

bool TomlTable::boolean(std::string_view key, bool byDefault) {
    const auto* node = find(key);
    if (node == nullptr) return byDefault;
    if (const auto* value = node->as_boolean()) return value->get();
    wrongType(key, *node, "true or false");
    return byDefault;
}

Duration TomlTable::duration(std::string_view key, Duration byDefault, Duration min) {
    const auto* node = find(key);
    if (node == nullptr) return byDefault;
    double number = 0;
    std::string_view unit = "s";
    bool good = false;
    if (const auto* value = node->as_string()) {
        good = splitUnit(value->get(), number, unit);
    } else if (const auto seconds = node->value<double>()) {
        number = *seconds;
        good = number >= 0;
    }
    const double millis = unit == "ms"                   ? 1
                          : unit == "s"                  ? 1e3
                          : unit == "min" || unit == "m" ? 60e3
                          : unit == "h"                  ? 3600e3
                          : unit == "d"                  ? 86400e3
                                                         : 0;
    if (!good || millis == 0) {
        wrongType(key, *node, "a time such as \"250ms\", \"1s\", \"5min\", \"2h\"");
        return byDefault;
    }
    if (!(number * millis <= kDurationMaxMillis)) {
        wrongType(key, *node, "at most 876000h, which are 100 years");
        return byDefault;
    }
    const Duration time(static_cast<std::int64_t>(number * millis + 0.5));
    if (time < min || (time == Duration(0) && number > 0)) {
        const auto least = std::max(min, Duration(1)).count();
        const std::string wanted = "at least " + std::to_string(least) + "ms";
        wrongType(key, *node, wanted.c_str());
        return byDefault;
    }
    return time;
}

std::size_t TomlTable::size(std::string_view key, std::size_t byDefault, std::size_t min,
                            std::size_t max) {
    const auto* node = find(key);
    if (node == nullptr) return byDefault;
    double number = 0;
    std::string_view unit;
    bool good = false;
    if (const auto* value = node->as_string()) {
        good = splitUnit(value->get(), number, unit);
    } else if (const auto* bytes = node->as_integer()) {
        number = static_cast<double>(bytes->get());
        good = number >= 0;
    }
    const double factor = unit.empty() || unit == "B" ? 1
                          : unit == "KiB"             ? 1024.0
                          : unit == "MiB"             ? 1048576.0
                          : unit == "GiB"             ? 1073741824.0
                          : unit == "kB"              ? 1e3
                          : unit == "MB"              ? 1e6
                          : unit == "GB"              ? 1e9
                                                      : 0;
    if (!good || factor == 0 || number * factor > static_cast<double>(kSizeMax)) {
        wrongType(key, *node, "a size such as \"64MiB\", \"1GB\", or a number of bytes");
        return byDefault;
    }
    const auto size = static_cast<std::size_t>(number * factor);
    if (size == 0 && number > 0) {
        wrongType(key, *node, "at least a byte");
        return byDefault;
    }
    if (size >= min && size <= max) return size;
    const std::string wanted =
        "at " + (size < min ? "least " + std::to_string(min) : "most " + std::to_string(max)) +
        " bytes";
    wrongType(key, *node, wanted.c_str());
    return byDefault;
}

std::vector<std::string> TomlTable::texts(std::string_view key) {
    const auto* node = find(key);
    if (node == nullptr) return {};
    if (node->is_string()) return {text(key, "")};
    std::vector<std::string> all;
    if (const auto* list = node->as_array()) {
        for (const auto& item : *list) {
            if (const char* const wanted = whyNoText(item)) {
                wrongType(key, item, wanted);
                return {};
            }
            all.push_back(item.as_string()->get());
        }
        return all;
    }
    wrongType(key, *node, "a text in quotes, or a list of such");
    return {};
}

std::vector<std::pair<std::string, const toml::node*>> TomlTable::members(std::string_view key,
                                                                          bool isRequired) {
    const auto* node = find(key);
    if (node == nullptr) {
        if (isRequired) missing(key);
        return {};
    }
    const auto* table = node->as_table();
    if (table == nullptr || table->empty()) {
        wrongType(key, *node, "a table: {name = …}");
        return {};
    }
    std::vector<std::tuple<std::uint32_t, std::uint32_t, std::string, const toml::node*>> placed;
    for (const auto& [name, value] : *table) {
        const auto& begin = name.source().begin;
        if (name.str().find('\0') != std::string_view::npos)
            errors_.add({begin.line, begin.column},
                        "the name \"" + std::string(name.str()) + "\" must be without NUL bytes");
        placed.emplace_back(begin.line, begin.column, std::string(name.str()), &value);
    }
    std::sort(placed.begin(), placed.end());
    std::vector<std::pair<std::string, const toml::node*>> members;
    for (auto& [line, column, name, value] : placed) members.emplace_back(name, value);
    return members;
}

std::vector<std::pair<std::string, std::string>> TomlTable::requiredPairs(std::string_view key) {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto& [name, value] : members(key)) {
        if (const auto* number = value->as_integer())
            pairs.emplace_back(name, std::to_string(number->get()));
        else if (!value->is_string()) wrongType(name, *value, "a text in quotes or a whole number");
        else if (const char* const wanted = whyNoText(*value)) wrongType(name, *value, wanted);
        else pairs.emplace_back(name, value->as_string()->get());
    }
    return pairs;
}

std::string TomlTable::content(const std::vector<std::string>& without) const {
    toml::table rest = table_;
    for (const auto& key : without) rest.erase(key);
    for (auto&& [key, value] : rest) useOneForm(value);
    std::ostringstream text;
    text << rest;
    // The order in which columns were named is the order in which they come.
    for (const auto& [key, value] : rest) {
        const auto* inner = value.as_table();
        if (inner == nullptr) continue;
        std::vector<std::tuple<std::uint32_t, std::uint32_t, std::string>> placed;
        for (const auto& [name, ignored] : *inner)
            placed.emplace_back(name.source().begin.line, name.source().begin.column,
                                std::string(name.str()));
        std::sort(placed.begin(), placed.end());
        text << '\n' << key.str() << ':';
        for (const auto& [line, column, name] : placed) text << ' ' << name.size() << ':' << name;
    }
    return text.str();
}

std::optional<std::size_t> TomlTable::choice(std::string_view key,
                                             const std::vector<std::string>& allowed) {
    const std::string value = requiredText(key);
    const auto found = std::find(allowed.begin(), allowed.end(), value);
    if (found != allowed.end()) return static_cast<std::size_t>(found - allowed.begin());
    anyKeyGoes_ = true;
    if (!value.empty())
        errors_.add(at(key), std::string(key) + " \"" + value + "\" is not known" +
                                 suggestion(value, allowed));
    return std::nullopt;
}

void TomlTable::finish() {
    if (anyKeyGoes_) return;
    for (const auto& [key, node] : table_)
        if (std::find(known_.begin(), known_.end(), key.str()) == known_.end())
            errors_.add({key.source().begin.line, key.source().begin.column},
                        "unknown key \"" + std::string(key.str()) + "\" in " + what_ +
                            suggestion(key.str(), known_));
}

}  // namespace tidemill::tools
