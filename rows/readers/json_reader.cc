#include "rows/readers/json_reader.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "rows/parse_value.h"
#include "rows/readers/field_columns.h"
#include "rows/readers/json_index.h"
#include "rows/readers/json_kind.h"
#include "rows/readers/json_tree.h"
#include "rows/readers/planned_reader.h"
#include "rows/readers/unescape.h"

namespace tidemill::rows {
namespace {

using core::Result;

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// What stands between the texts of a chunk's records if they lie behind each other as lines.
bool isLineEnd(std::string_view before, std::string_view after) {
    const char* const end = before.data() + before.size();
    return (after.data() == end + 1 && end[0] == '\n') ||
           (after.data() == end + 2 && end[0] == '\r' && end[1] == '\n');
}

using Token = std::uint32_t;  // its offset

class JsonRowReader final : public CuttingReader {
public:
    JsonRowReader(std::shared_ptr<const FieldPlan> plan, std::shared_ptr<const JsonTree> tree)
        : CuttingReader(std::move(plan)), tree_(std::move(tree)), seen_(tree_->nodes.size()) {}

private:
    void cut(std::span<const std::string_view> records, core::Arena& arena,
             RowFailures& failures) override {
        arena_ = &arena;
        failures_ = &failures;
        for (std::size_t row = 0; row < records.size();) {
            const std::size_t end = groupEnd(records, row);
            if (end - row == 1 || !readGroup(records, row, end))
                for (std::size_t i = row; i < end; ++i) readOne(withoutMark(records[i]), i);
            row = end;
        }
        index_.shrink();
    }

    // Records that can be indexed in one go, which is faster: lines one behind the other.
    static std::size_t groupEnd(std::span<const std::string_view> records, std::size_t begin) {
        const char* const text = withoutMark(records[begin]).data();
        std::size_t end = begin + 1;
        while (end < records.size() && isLineEnd(records[end - 1], records[end]) &&
               withoutMark(records[end]).data() == records[end].data() &&
               records[end].data() + records[end].size() <= text + JsonIndex::kTextBytes)
            ++end;
        return end;
    }

    // False: one of them cannot be indexed, which says nothing of the others.
    bool readGroup(std::span<const std::string_view> records, std::size_t begin, std::size_t end) {
        const std::string_view first = withoutMark(records[begin]);
        const std::string_view last = records[end - 1];
        text_ = first.data();
        const std::string_view text(text_,
                                    static_cast<std::size_t>(last.data() + last.size() - text_));
        if (index_.build(text) != nullptr) return false;
        mayHaveBackslash_ = std::memchr(text_, '\\', text.size()) != nullptr;
        const auto tokens = index_.tokens();
        const Token* at = tokens.data();
        const Token* const tokensEnd = at + tokens.size();
        bool mayTry = true;
        for (std::size_t row = begin; row < end; ++row) {
            const std::string_view record = row == begin ? first : records[row];
            const auto stop = static_cast<Token>(record.data() + record.size() - text_);
            // First without looking for its last token: all that a wrong record can do is to go on
            // into the next.
            if (mayTry && at != tokensEnd && *at < stop) {
                beginRecord(row, tokensEnd, last.data() + last.size());
                const Token* const next = walk(at, &tree_->nodes[0], 0);
                if (next != nullptr && next[-1] < stop && (next == tokensEnd || *next >= stop)) {
                    finishRecord();
                    at = next;
                    continue;
                }
                mayTry = false;
            }
            const Token* const recordEnd = std::lower_bound(at, tokensEnd, stop);
            walkRecord(record, row, at, recordEnd);
            at = recordEnd;
        }
        return true;
    }

    void readOne(std::string_view record, std::size_t row) {
        text_ = record.data();
        mayHaveBackslash_ = true;
        if (const char* const wrong = index_.build(record)) {
            failRecord(row, std::string("the record is no JSON: ") + wrong, *failures_);
            return;
        }
        const auto tokens = index_.tokens();
        walkRecord(record, row, tokens.data(), tokens.data() + tokens.size());
    }

    void beginRecord(std::size_t row, const Token* tokensEnd, const char* stop) {
        row_ = row;
        tokensEnd_ = tokensEnd;
        stop_ = stop;
        ++record_;
        refused_.clear();
        for (std::size_t field = 0; field < fieldCount(); ++field) text(field, row) = kMissing;
    }

    void finishRecord() {
        for (auto& [field, message] : refused_) failures_->add(row_, std::move(message));
    }

    void walkRecord(std::string_view record, std::size_t row, const Token* at, const Token* end) {
        beginRecord(row, end, record.data() + record.size());
        const Token* const behind = walk(at, &tree_->nodes[0], 0);
        if (behind != nullptr && behind != end) complain(behind, "something follows its value");
        if (behind == end) return finishRecord();
        failRecord(row,
                   "the record is no JSON: byte " + std::to_string(wrongAt_ - record.data() + 1) +
                       ": " + wrong_,
                   *failures_);
    }

    const Token* complain(const Token* at, const char* what) {
        wrong_ = what;
        wrongAt_ = at == tokensEnd_ ? stop_ : text_ + *at;
        return nullptr;
    }

    // The functions below are given the token at which something begins and answer the one behind
    // it, or null where that is no JSON.
    bool isAt(const Token* at, char c) const { return at != tokensEnd_ && text_[*at] == c; }

    // The token's text, without the blanks behind it.
    std::string_view textOf(const Token* at) const {
        const char* const begin = text_ + *at;
        const char* end = at + 1 == tokensEnd_ ? stop_ : text_ + at[1];
        while (end[-1] <= ' ' && isBlank(end[-1])) --end;
        return {begin, static_cast<std::size_t>(end - begin)};
    }

    // What is between the quotes of the string that begins here.
    std::optional<std::string_view> stringOf(const Token* at) {
        const std::string_view token = textOf(at);
        if (token.size() < 2 || token.back() != '"') {
            complain(at, "a string is not closed");
            return std::nullopt;
        }
        return token.substr(1, token.size() - 2);
    }

    // Walks one value, for `node` if that is not null.
    const Token* walk(const Token* at, const JsonNode* node, std::size_t depth) {
        if (at == tokensEnd_) return complain(at, "a value is missing");
        if (node != nullptr && std::exchange(seen_[node->number], record_) == record_) [[unlikely]]
            forget(*node);
        const char first = text_[*at];
        const bool isContainer = first == '{' || first == '[';
        return isContainer ? walkContainer(at, node, depth) : walkScalar(at, node);
    }

    __attribute__((noinline)) const Token* walkContainer(const Token* at, const JsonNode* node,
                                                         std::size_t depth) {
        if (depth == kJsonDepthMax) return complain(at, "it is nested too deeply");
        const char* const begin = text_ + *at;
        at = *begin == '{' ? walkObject(at, node, depth) : walkArray(at, node, depth);
        if (at != nullptr && node != nullptr && !node->fields.empty()) {
            const char* const end = text_ + at[-1] + 1;
            give(*node, JsonKind::kContainer, {begin, static_cast<std::size_t>(end - begin)});
        }
        return at;
    }

    const Token* walkScalar(const Token* at, const JsonNode* node) {
        const char* const begin = text_ + *at;
        const bool isAsked = node != nullptr && !node->fields.empty();
        if (*begin == '"') {
            if (!isAsked) return at + 1;
            const auto content = stringOf(at);
            if (!content) return nullptr;
            give(*node, JsonKind::kString, *content);
            return at + 1;
        }
        const std::string_view token = textOf(at);
        auto kind = std::optional(JsonKind::kNumber);
        if (stop_ - begin < 16 || !isPlainNumber(token)) kind = scalarKind(token);
        if (!kind) {
            const bool isPunctuation =
                std::string_view(",:]}").find(*begin) != std::string_view::npos;
            return complain(at, isPunctuation ? "a value is missing" : "a value that is none");
        }
        if (isAsked) give(*node, *kind, token);
        return at + 1;
    }

    const Token* walkObject(const Token* at, const JsonNode* node, std::size_t depth) {
        ++at;
        if (isAt(at, '}')) return at + 1;
        const bool hasChildren = node != nullptr && !node->children.empty();
        while (true) {
            if (!isAt(at, '"')) return complain(at, "a name is missing");
            const JsonNode* child = nullptr;
            if (hasChildren) {
                const auto name = stringOf(at);
                if (!name) return nullptr;
                child = childOf(*node, *name);
            }
            ++at;
            if (!isAt(at, ':')) return complain(at, "a colon is missing");
            ++at;
            if (child == nullptr && isAt(at, '"')) {
                ++at;
            } else {
                at = walk(at, child, depth + 1);
                if (at == nullptr) return nullptr;
            }
            if (isAt(at, '}')) return at + 1;
            if (!isAt(at, ',')) return complain(at, "a comma or } is missing");
            ++at;
        }
    }

    const Token* walkArray(const Token* at, const JsonNode* node, std::size_t depth) {
        ++at;
        if (isAt(at, ']')) return at + 1;
        for (std::size_t i = 0;; ++i) {
            const JsonNode* child = nullptr;
            if (node != nullptr)
                for (const JsonNode* const asked : node->children)
                    if (asked->index == i) child = asked;
            at = walk(at, child, depth + 1);
            if (at == nullptr) return nullptr;
            if (isAt(at, ']')) return at + 1;
            if (!isAt(at, ',')) return complain(at, "a comma or ] is missing");
            ++at;
        }
    }

    const JsonNode* childOf(const JsonNode& node, std::string_view name) {
        const auto& keys = node.childKeys;
        const std::uint64_t key = nameKey(name, static_cast<std::size_t>(stop_ - name.data()));
        for (std::size_t begin = 0; begin < keys.size(); begin += 64) {
            // Without a branch for each: which of them it is follows no pattern.
            const std::size_t count = std::min<std::size_t>(keys.size() - begin, 64);
            std::uint64_t same = 0;
            for (std::size_t i = 0; i < count; ++i)
                same |= std::uint64_t{keys[begin + i] == key} << i;
            for (; same != 0; same &= same - 1) {
                const JsonNode* const child =
                    node.children[begin + static_cast<std::size_t>(std::countr_zero(same))];
                if (name.size() > 7 && child->name != name) continue;
                return child;
            }
        }
        if (!hasBackslash(name)) return nullptr;
        const auto plain = unescapeJson(name, *arena_);
        if (!plain) return nullptr;
        for (const JsonNode* const child : node.children)
            if (child->name == *plain) return child;
        return nullptr;
    }

    bool hasBackslash(std::string_view text) const {
        return mayHaveBackslash_ && text.find('\\') != text.npos;
    }

    void forget(const JsonNode& node) {
        for (const std::size_t field : node.fields) {
            text(field, row_) = kMissing;
            std::erase_if(refused_, [&](const auto& refused) { return refused.first == field; });
        }
        for (const JsonNode* const child : node.children) forget(*child);
    }

    void give(const JsonNode& node, JsonKind kind, std::string_view value) {
        for (const std::size_t field : node.fields) {
            if (kind == JsonKind::kNothing) {
                text(field, row_) = kNull;
            } else if (kind == JsonKind::kString) {
                giveString(field, value);
            } else if (takes(plan()[field].spec.type, kind)) {
                text(field, row_) = value;
            } else {
                refuse(field, kind, value);
            }
        }
    }

    static bool takes(Type type, JsonKind kind) {
        switch (type) {
            case Type::kInt:
            case Type::kFloat:
            case Type::kTime: return kind == JsonKind::kNumber;
            case Type::kBool: return kind == JsonKind::kBool;
            case Type::kText: return kind != JsonKind::kContainer;
            case Type::kJson: return true;
        }
        return false;
    }

    void giveString(std::size_t field, std::string_view value) {
        const FieldSpec& spec = plan()[field].spec;
        if (spec.type == Type::kText && !mayHaveBackslash_) {
            text(field, row_) = value;
            return;
        }
        if (spec.type == Type::kJson) {
            text(field, row_) = {value.data() - 1, value.size() + 2};
            return;
        }
        if (hasBackslash(value)) {
            const auto plain = unescapeJson(value, *arena_);
            if (!plain) {
                refused_.emplace_back(field, plan()[field].label + ": " + excerpt(value) +
                                                 " has an escape that JSON has not");
                return;
            }
            value = *plain;
        }
        const bool isText = spec.type == Type::kText || spec.type == Type::kTime ||
                            (spec.nullText && *spec.nullText == value) ||
                            (spec.type == Type::kFloat &&
                             (value == "NaN" || value == "Infinity" || value == "-Infinity"));
        if (isText) {
            text(field, row_) = value;
        } else {
            refuse(field, JsonKind::kString, value);
        }
    }

    void refuse(std::size_t field, JsonKind kind, std::string_view value) {
        const char* const name = kind == JsonKind::kString      ? "the string "
                                 : kind == JsonKind::kNumber    ? "the number "
                                 : kind == JsonKind::kContainer ? "the object or array "
                                                                : "";
        refused_.emplace_back(field, plan()[field].label + ": " + name + excerpt(value) +
                                         " is no " + toString(plan()[field].spec.type));
    }

    std::string whyMissing(std::string_view) const override {
        return "the record has nothing there";
    }

    const std::shared_ptr<const JsonTree> tree_;
    JsonIndex index_;
    std::vector<std::uint64_t> seen_;  // for each node the last record that had it
    std::uint64_t record_ = 0;
    core::Arena* arena_ = nullptr;
    RowFailures* failures_ = nullptr;
    // Of the record being walked.
    std::size_t row_ = 0;
    const char* text_ = nullptr;    // what tokens count from
    bool mayHaveBackslash_ = true;  // somewhere in it
    const Token* tokensEnd_ = nullptr;
    const char* stop_ = nullptr;                                // where the text ends
    std::vector<std::pair<std::size_t, std::string>> refused_;  // fields, and why
    const char* wrong_ = nullptr;
    const char* wrongAt_ = nullptr;
};

}  // namespace

Result<std::shared_ptr<const Reader>> makeJsonReader(std::vector<FieldSpec> fields) {
    TM_ASSIGN(auto plan, FieldPlan::of(std::move(fields), ""));
    TM_ASSIGN(auto tree, jsonTreeOf(*plan));
    return std::make_shared<PlannedReader<JsonRowReader, JsonTree>>(plan, std::move(tree));
}

}  // namespace tidemill::rows
