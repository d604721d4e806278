#include "rows/readers/json_reader.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "rows/parse_value.h"
#include "rows/readers/cut_record.h"
#include "rows/readers/field_columns.h"
#include "rows/readers/json_index.h"
#include "rows/readers/planned_reader.h"
#include "rows/readers/unescape.h"

namespace tidemill::rows {
namespace {

using core::ErrorKind;
using core::fail;
using core::Result;

// The pointers of all fields as one tree.
struct Node {
    std::string name;                  // in its parent
    std::optional<std::size_t> index;  // the same in an array
    std::vector<const Node*> children;
    std::vector<std::size_t> fields;       // whose pointer ends here
    std::size_t number = 0;                // in Tree::nodes
    bool hasBackslash = false;             // in its name
    std::vector<std::uint64_t> childKeys;  // nameKey() of each child
};

// The first 7 bytes of a name and its size, so that most names are told apart by one comparison.
// `room` bytes are there to be read.
std::uint64_t nameKey(std::string_view name, std::size_t room) {
    const std::size_t used = std::min<std::size_t>(name.size(), 7);
    std::uint64_t bytes = 0;
    if (room >= sizeof bytes) {
        std::memcpy(&bytes, name.data(), sizeof bytes);
    } else {
        std::memcpy(&bytes, name.data(), used);
    }
    static_assert(std::endian::native == std::endian::little, "the size is behind the bytes");
    return (bytes & ((std::uint64_t{1} << 8 * used) - 1)) |
           std::uint64_t{std::min<std::size_t>(name.size(), 255)} << 56;
}

struct Tree {
    std::deque<Node> nodes;  // the first is the whole record
};

enum class Kind { kString, kNumber, kBool, kNull, kContainer };

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// What stands between the texts of a chunk's records if they lie behind each other as lines.
bool isLineEnd(std::string_view before, std::string_view after) {
    const char* const end = before.data() + before.size();
    return (after.data() == end + 1 && end[0] == '\n') ||
           (after.data() == end + 2 && end[0] == '\r' && end[1] == '\n');
}

// A number like 17 or 0.25, found without going over its digits one by one, whose count processors
// predict badly; false also for numbers of other forms. At least 16 bytes are at `token`.
bool isPlainNumber(std::string_view token) {
    if (token.size() > 16) return false;
    const std::uint32_t size = static_cast<std::uint32_t>(token.size());
    const std::uint32_t others = ~ByteMask(token.data()).ofDigits() & ((1U << size) - 1);
    const bool hasFirstDigit =
        (others & 1) == 0 && (token[0] != '0' || size == 1 || token[1] == '.');
    if (others == 0) return hasFirstDigit;
    const auto point = static_cast<std::uint32_t>(std::countr_zero(others));
    return hasFirstDigit && (others & (others - 1)) == 0 && token[point] == '.' &&
           point + 1 != size;
}

// Kind of a token that is no string and no container; nothing: it is none.
std::optional<Kind> scalarKind(std::string_view token) {
    switch (token.front()) {
        case 't':
            return token == "true" ? std::optional(Kind::kBool) : std::nullopt;
        case 'f':
            return token == "false" ? std::optional(Kind::kBool) : std::nullopt;
        case 'n':
            return token == "null" ? std::optional(Kind::kNull) : std::nullopt;
        default:
            break;
    }
    const char* at = token.data();
    const char* const end = at + token.size();
    const auto digits = [&] {
        const char* const begin = at;
        while (at != end && *at >= '0' && *at <= '9') ++at;
        return at != begin;
    };
    if (*at == '-') ++at;
    if (at != end && *at == '0') {
        ++at;
    } else if (!digits()) {
        return std::nullopt;
    }
    if (at != end && *at == '.') {
        ++at;
        if (!digits()) return std::nullopt;
    }
    if (at != end && (*at == 'e' || *at == 'E')) {
        ++at;
        if (at != end && (*at == '+' || *at == '-')) ++at;
        if (!digits()) return std::nullopt;
    }
    return at == end ? std::optional(Kind::kNumber) : std::nullopt;
}

using Token = std::uint32_t;  // its offset

class JsonRowReader final : public CuttingReader {
public:
    JsonRowReader(std::shared_ptr<const FieldPlan> plan, std::shared_ptr<const Tree> tree)
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
    const Token* walk(const Token* at, const Node* node, std::size_t depth) {
        if (at == tokensEnd_) return complain(at, "a value is missing");
        if (node != nullptr && std::exchange(seen_[node->number], record_) == record_) [[unlikely]]
            forget(*node);
        const char first = text_[*at];
        const bool isContainer = first == '{' || first == '[';
        return isContainer ? walkContainer(at, node, depth) : walkScalar(at, node);
    }

    __attribute__((noinline)) const Token* walkContainer(const Token* at, const Node* node,
                                                         std::size_t depth) {
        if (depth == kJsonDepthMax) return complain(at, "it is nested too deeply");
        const char* const begin = text_ + *at;
        at = *begin == '{' ? walkObject(at, node, depth) : walkArray(at, node, depth);
        if (at != nullptr && node != nullptr && !node->fields.empty()) {
            const char* const end = text_ + at[-1] + 1;
            give(*node, Kind::kContainer, {begin, static_cast<std::size_t>(end - begin)});
        }
        return at;
    }

    const Token* walkScalar(const Token* at, const Node* node) {
        const char* const begin = text_ + *at;
        const bool isAsked = node != nullptr && !node->fields.empty();
        if (*begin == '"') {
            if (!isAsked) return at + 1;
            const auto content = stringOf(at);
            if (!content) return nullptr;
            give(*node, Kind::kString, *content);
            return at + 1;
        }
        const std::string_view token = textOf(at);
        auto kind = std::optional(Kind::kNumber);
        if (stop_ - begin < 16 || !isPlainNumber(token)) kind = scalarKind(token);
        if (!kind) {
            const bool isPunctuation =
                std::string_view(",:]}").find(*begin) != std::string_view::npos;
            return complain(at, isPunctuation ? "a value is missing" : "a value that is none");
        }
        if (isAsked) give(*node, *kind, token);
        return at + 1;
    }

    const Token* walkObject(const Token* at, const Node* node, std::size_t depth) {
        ++at;
        if (isAt(at, '}')) return at + 1;
        const bool hasChildren = node != nullptr && !node->children.empty();
        while (true) {
            if (!isAt(at, '"')) return complain(at, "a name is missing");
            const Node* child = nullptr;
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

    const Token* walkArray(const Token* at, const Node* node, std::size_t depth) {
        ++at;
        if (isAt(at, ']')) return at + 1;
        for (std::size_t i = 0;; ++i) {
            const Node* child = nullptr;
            if (node != nullptr)
                for (const Node* const asked : node->children)
                    if (asked->index == i) child = asked;
            at = walk(at, child, depth + 1);
            if (at == nullptr) return nullptr;
            if (isAt(at, ']')) return at + 1;
            if (!isAt(at, ',')) return complain(at, "a comma or ] is missing");
            ++at;
        }
    }

    const Node* childOf(const Node& node, std::string_view name) {
        const auto& keys = node.childKeys;
        const std::uint64_t key = nameKey(name, static_cast<std::size_t>(stop_ - name.data()));
        for (std::size_t begin = 0; begin < keys.size(); begin += 64) {
            // Without a branch for each: which of them it is follows no pattern.
            const std::size_t count = std::min<std::size_t>(keys.size() - begin, 64);
            std::uint64_t same = 0;
            for (std::size_t i = 0; i < count; ++i)
                same |= std::uint64_t{keys[begin + i] == key} << i;
            for (; same != 0; same &= same - 1) {
                const Node* const child =
                    node.children[begin + static_cast<std::size_t>(std::countr_zero(same))];
                if (name.size() > 7 && child->name != name) continue;
                // A backslash as it stands in a record is no character of a name.
                return child->hasBackslash ? nullptr : child;
            }
        }
        if (!hasBackslash(name)) return nullptr;
        const auto plain = unescapeJson(name, *arena_);
        if (!plain) return nullptr;
        for (const Node* const child : node.children)
            if (child->name == *plain) return child;
        return nullptr;
    }

    bool hasBackslash(std::string_view text) const {
        return mayHaveBackslash_ && text.find('\\') != text.npos;
    }

    void forget(const Node& node) {
        for (const std::size_t field : node.fields) {
            text(field, row_) = kMissing;
            std::erase_if(refused_, [&](const auto& refused) { return refused.first == field; });
        }
        for (const Node* const child : node.children) forget(*child);
    }

    void give(const Node& node, Kind kind, std::string_view value) {
        for (const std::size_t field : node.fields) {
            if (kind == Kind::kNull) {
                text(field, row_) = kNull;
            } else if (kind == Kind::kString) {
                giveString(field, value);
            } else if (takes(plan()[field].spec.type, kind)) {
                text(field, row_) = value;
            } else {
                refuse(field, kind, value);
            }
        }
    }

    static bool takes(Type type, Kind kind) {
        switch (type) {
            case Type::kInt:
            case Type::kFloat:
            case Type::kTime:
                return kind == Kind::kNumber;
            case Type::kBool:
                return kind == Kind::kBool;
            case Type::kText:
                return kind != Kind::kContainer;
            case Type::kJson:
                return true;
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
            refuse(field, Kind::kString, value);
        }
    }

    void refuse(std::size_t field, Kind kind, std::string_view value) {
        const char* const name = kind == Kind::kString      ? "the string "
                                 : kind == Kind::kNumber    ? "the number "
                                 : kind == Kind::kContainer ? "the object or array "
                                                            : "";
        refused_.emplace_back(field, plan()[field].label + ": " + name + excerpt(value) +
                                         " is no " + toString(plan()[field].spec.type));
    }

    std::string whyMissing(std::string_view) const override {
        return "the record has nothing there";
    }

    const std::shared_ptr<const Tree> tree_;
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

// The names in a pointer; nothing: it is none.
std::optional<std::vector<std::string>> namesOf(std::string_view pointer) {
    std::vector<std::string> names;
    if (pointer.empty()) return names;
    if (pointer.front() != '/') return std::nullopt;
    for (std::size_t i = 0; i < pointer.size(); ++i) {
        if (pointer[i] == '/') {
            names.emplace_back();
        } else if (pointer[i] != '~') {
            names.back() += pointer[i];
        } else {
            if (++i == pointer.size() || (pointer[i] != '0' && pointer[i] != '1'))
                return std::nullopt;
            names.back() += pointer[i] == '0' ? '~' : '/';
        }
    }
    return names;
}

// RFC 6901: without leading zeros.
std::optional<std::size_t> indexOf(const std::string& name) {
    std::size_t index = 0;
    const char* const end = name.data() + name.size();
    const auto read = std::from_chars(name.data(), end, index);
    if (read.ec != std::errc() || read.ptr != end || (name.size() > 1 && name[0] == '0'))
        return std::nullopt;
    return index;
}

Result<Tree> treeOf(const FieldPlan& plan) {
    Tree tree;
    tree.nodes.emplace_back();
    for (std::size_t field = 0; field < plan.size(); ++field) {
        const auto names = namesOf(plan[field].spec.place);
        if (!names || names->size() >= kJsonDepthMax)
            return fail(ErrorKind::kInvalid,
                        "field " + plan[field].label +
                            " must be at a JSON pointer, as \"/user/name\" or \"/items/0\"");
        Node* at = &tree.nodes[0];
        for (const auto& name : *names) {
            const auto& children = at->children;
            const auto found = std::find_if(children.begin(), children.end(),
                                            [&](const Node* child) { return child->name == name; });
            if (found != children.end()) {
                at = &tree.nodes[(*found)->number];
                continue;
            }
            Node& made = tree.nodes.emplace_back();
            made.name = name;
            made.index = indexOf(name);
            made.number = tree.nodes.size() - 1;
            made.hasBackslash = name.find('\\') != name.npos;
            at->childKeys.push_back(nameKey(name, name.size()));
            at->children.push_back(&made);
            at = &made;
        }
        at->fields.push_back(field);
    }
    return tree;
}

}  // namespace

Result<std::shared_ptr<const Reader>> makeJsonReader(std::vector<FieldSpec> fields) {
    TM_ASSIGN(auto plan, FieldPlan::of(std::move(fields), ""));
    TM_ASSIGN(auto tree, treeOf(*plan));
    return std::make_shared<PlannedReader<JsonRowReader, Tree>>(plan, std::move(tree));
}

}  // namespace tidemill::rows
