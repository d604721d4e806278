// A table of a TOML file, read key by key: what is missing, of the wrong type or never asked for
// becomes an error with its place.
#pragma once

#include <toml++/toml.h>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/suggestion.h"
#include "core/time.h"
#include "tools/job_file.h"

namespace tidemill::tools {

// Errors of one file, in the order of their finding. Thread safety: externally synchronized.
class JobFileErrors {
public:
    explicit JobFileErrors(std::string path) : path_(std::move(path)) {}
    void add(Position at, const std::string& message);
    bool empty() const { return lines_.empty(); }
    std::size_t count() const { return lines_.size(); }
    // All of them, one a line, in the order of the file.
    std::string text() const;

private:
    std::string path_;
    std::vector<std::pair<Position, std::string>> lines_;
};

Position positionOf(const toml::node& node);

using core::suggestion;

// Thread safety: externally synchronized. Every key that is asked for is known; finish() reports
// the others.
class TomlTable {
public:
    // `what` names the table in messages: "[job]", "[[step]]".
    TomlTable(const toml::table& table, std::string what, JobFileErrors& errors)
        : table_(table), what_(std::move(what)), errors_(errors) {}

    Position at() const { return positionOf(table_); }
    Position at(std::string_view key) const;

    std::string text(std::string_view key, std::string byDefault);
    std::string requiredText(std::string_view key);
    std::int64_t integer(std::string_view key, std::int64_t byDefault, std::int64_t min,
                         std::int64_t max);
    std::int64_t requiredInteger(std::string_view key, std::int64_t min, std::int64_t max);
    bool boolean(std::string_view key, bool byDefault);
    // "250ms", "1s", "2 min", or a number of seconds; at most 100 years. What is more than nothing
    // must not be rounded to it.
    Duration duration(std::string_view key, Duration byDefault, Duration min = Duration(0));
    static constexpr std::size_t kSizeMax = std::size_t{1} << 50;
    // "64MiB", "1 GB", or a number of bytes.
    std::size_t size(std::string_view key, std::size_t byDefault, std::size_t min,
                     std::size_t max = kSizeMax);
    // One of `allowed`; returns its position in the list. When it is wrong, nobody can say which
    // other keys belong there: finish() reports none.
    std::optional<std::size_t> choice(std::string_view key,
                                      const std::vector<std::string>& allowed);
    // A text, or a list of texts.
    std::vector<std::string> texts(std::string_view key);
    // A table of texts or whole numbers, in the order of the file: {status = 9, path = "/url"}.
    std::vector<std::pair<std::string, std::string>> requiredPairs(std::string_view key);
    // Its members in the order of the file; of a required one an error when it is missing or empty.
    std::vector<std::pair<std::string, const toml::node*>> members(std::string_view key,
                                                                   bool isRequired = true);
    // The same as requiredPairs, and none without the key.
    std::vector<std::pair<std::string, std::string>> pairs(std::string_view key) {
        if (has(key)) return requiredPairs(key);
        known_.emplace_back(key);
        return {};
    }
    // Null when it is not there.
    const toml::node* node(std::string_view key) { return find(key); }
    // What the table says, without these keys: the same for two files that differ in layout only.
    std::string content(const std::vector<std::string>& without) const;
    bool has(std::string_view key) const { return table_.contains(key); }

    // Reports the keys nobody asked for.
    void finish();

private:
    const toml::node* find(std::string_view key);
    void wrongType(std::string_view key, const toml::node& node, const char* wanted);
    void missing(std::string_view key);

    const toml::table& table_;
    std::string what_;
    JobFileErrors& errors_;
    std::vector<std::string> known_;
    bool anyKeyGoes_ = false;
};

}  // namespace tidemill::tools
