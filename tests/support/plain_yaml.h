// Reads the part of YAML that our own documents are written in: maps and lists by indentation of
// two, maps and lists in braces and brackets, plain and double-quoted scalars, comments on lines of
// their own. All scalars are texts.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tidemill::test {

class PlainYaml {
public:
    // Throws std::runtime_error, with the line, for what is not of that part.
    static nlohmann::json parse(const std::string& text) { return PlainYaml(text).document(); }

private:
    using Json = nlohmann::json;
    struct Line {
        std::size_t number = 0;
        std::size_t indent = 0;
        std::string_view text;
    };

    explicit PlainYaml(const std::string& text) {
        std::size_t number = 0;
        for (std::string_view rest = text; !rest.empty();) {
            const auto end = std::min(rest.find('\n'), rest.size());
            const auto line = rest.substr(0, end);
            rest.remove_prefix(std::min(end + 1, rest.size()));
            ++number;
            const auto indent = std::min(line.find_first_not_of(' '), line.size());
            if (indent < line.size() && line[indent] != '#')
                lines_.push_back({number, indent, line.substr(indent)});
        }
    }

    Json document() {
        auto all = block(0);
        if (at_ != lines_.size()) fail("what stands here belongs to nothing");
        return all;
    }

    Json block(std::size_t indent) {
        Json made;
        while (at_ < lines_.size() && lines_[at_].indent == indent) {
            auto text = lines_[at_].text;
            if (text.starts_with("- ")) {
                text.remove_prefix(2);
                made.push_back(flow(text));
                ++at_;
                continue;
            }
            auto name = scalar(text, ":");
            if (!text.starts_with(':')) fail("no \":\"");
            text.remove_prefix(1);
            if (made.contains(name)) fail("a name that comes twice: " + name);
            ++at_;
            if (text.empty()) {
                const bool deeper = at_ < lines_.size() && lines_[at_].indent == indent + 2;
                if (!deeper) fail("nothing below \"" + name + "\"");
                made[name] = block(indent + 2);
            } else {
                --at_;
                text.remove_prefix(1);
                made[name] = flow(text);
                ++at_;
            }
        }
        return made;
    }

    // A whole value to the end of the line.
    Json flow(std::string_view text) {
        auto made = value(text, "");
        if (!text.empty()) fail("more behind a value: " + std::string(text));
        return made;
    }

    Json value(std::string_view& text, std::string_view ends) {
        if (text.starts_with('{')) return members(text, Json::object(), '}');
        if (text.starts_with('[')) return members(text, Json::array(), ']');
        return scalar(text, ends);
    }

    Json members(std::string_view& text, Json made, char last) {
        text.remove_prefix(1);
        while (!text.starts_with(last)) {
            if (text.empty()) fail("a brace or bracket that is not closed");
            if (made.is_array()) {
                made.push_back(value(text, ",]"));
            } else {
                const auto name = scalar(text, ":");
                if (!text.starts_with(": ")) fail("no \": \" behind \"" + name + "\"");
                text.remove_prefix(2);
                made[name] = value(text, ",}");
            }
            if (text.starts_with(", ")) text.remove_prefix(2);
        }
        text.remove_prefix(1);
        return made;
    }

    std::string scalar(std::string_view& text, std::string_view ends) {
        std::string out;
        if (!text.starts_with('"')) {
            const auto end =
                ends.empty() ? text.size() : std::min(text.find_first_of(ends), text.size());
            out = text.substr(0, end);
            text.remove_prefix(end);
            return out;
        }
        for (text.remove_prefix(1); !text.starts_with('"'); text.remove_prefix(1)) {
            if (text.starts_with('\\')) text.remove_prefix(1);
            if (text.empty()) fail("a text that is not closed");
            out += text.front();
        }
        text.remove_prefix(1);
        return out;
    }

    [[noreturn]] void fail(const std::string& why) const {
        const auto line = at_ < lines_.size() ? lines_[at_].number : 0;
        throw std::runtime_error("line " + std::to_string(line) + ": " + why);
    }

    std::vector<Line> lines_;
    std::size_t at_ = 0;
};

}  // namespace tidemill::test
