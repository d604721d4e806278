#include "rows/readers/json_reader.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "rows/parse_value.h"
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
    std::string name;                   // in its parent
    std::optional<std::size_t> index;   // the same in an array
    std::vector<std::size_t> children;  // in Tree::nodes
    std::vector<std::size_t> fields;    // whose pointer ends here
};

struct Tree {
    std::vector<Node> nodes;  // the first is the whole record
};

// Where a value begins with its kind.
enum class Kind { kString, kNumber, kBool, kNull, kContainer };

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// What stands between the texts of a chunk's records if they lie behind each other as lines.
bool isLineEnd(std::string_view before, std::string_view after) {
    const char* const end = before.data() + before.size();
    return (after.data() == end + 1 && end[0] == '\n') ||
           (after.data() == end + 2 && end[0] == '\r' && end[1] == '\n');
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
        if (index_.build({text_, static_cast<std::size_t>(last.data() + last.size() - text_)}) !=
            nullptr)
            return false;
        const auto tokens = index_.tokens();
        token_ = tokens.data();
        const std::uint32_t* const tokensEnd = token_ + tokens.size();
        for (std::size_t row = begin; row < end; ++row) {
            const std::string_view record = row == begin ? first : records[row];
            stop_ = record.data() + record.size();
            tokensEnd_ = token_;
            while (tokensEnd_ != tokensEnd && text_ + *tokensEnd_ < stop_) ++tokensEnd_;
            walkRecord(record, row);
            token_ = tokensEnd_;
        }
        return true;
    }

    void readOne(std::string_view record, std::size_t row) {
        text_ = record.data();
        stop_ = text_ + record.size();
        if (const char* const wrong = index_.build(record)) {
            failRecord(row, std::string("the record is no JSON: ") + wrong, *failures_);
            return;
        }
        const auto tokens = index_.tokens();
        token_ = tokens.data();
        tokensEnd_ = token_ + tokens.size();
        walkRecord(record, row);
    }

    // token_ ... tokensEnd_ are the record's.
    void walkRecord(std::string_view record, std::size_t row) {
        row_ = row;
        wrong_ = nullptr;
        ++record_;
        for (std::size_t field = 0; field < fieldCount(); ++field) text(field, row) = kMissing;
        if (walk(&tree_->nodes[0], 0) && token_ != tokensEnd_)
            complain("something follows its value");
        if (wrong_ == nullptr) {
            for (auto& [field, message] : refused_) failures_->add(row, std::move(message));
        } else {
            failRecord(row,
                       "the record is no JSON: byte " +
                           std::to_string(wrongAt_ - record.data() + 1) + ": " + wrong_,
                       *failures_);
        }
        refused_.clear();
    }

    bool complain(const char* what) {
        wrong_ = what;
        wrongAt_ = token_ == tokensEnd_ ? stop_ : text_ + *token_;
        return false;
    }

    bool isAt(char c) const { return token_ != tokensEnd_ && text_[*token_] == c; }

    // The next token up to the one behind it, without blanks.
    std::string_view takeToken() {
        const char* const begin = text_ + *token_++;
        const char* end = token_ == tokensEnd_ ? stop_ : text_ + *token_;
        while (isBlank(end[-1])) --end;
        return {begin, static_cast<std::size_t>(end - begin)};
    }

    // What is between the quotes of the string that begins here.
    bool takeString(std::string_view& content) {
        const std::string_view token = takeToken();
        if (token.size() < 2 || token.back() != '"') return complain("a string is not closed");
        content = token.substr(1, token.size() - 2);
        return true;
    }

    // Walks one value, for `node` if that is not null; false: it is no JSON.
    bool walk(const Node* node, std::size_t depth) {
        if (token_ == tokensEnd_) return complain("a value is missing");
        const char* const begin = text_ + *token_;
        if (node != nullptr && !isFirst(*node)) forget(*node);
        switch (*begin) {
            case '{':
            case '[': {
                if (depth == kJsonDepthMax) return complain("it is nested too deeply");
                if (!(*begin == '{' ? walkObject(node, depth) : walkArray(node, depth)))
                    return false;
                if (node != nullptr && !node->fields.empty()) {
                    const char* const end = text_ + token_[-1] + 1;
                    give(*node, Kind::kContainer, {begin, static_cast<std::size_t>(end - begin)});
                }
                return true;
            }
            case '"': {
                if (node == nullptr || node->fields.empty()) {
                    ++token_;
                    return true;
                }
                std::string_view content;
                if (!takeString(content)) return false;
                give(*node, Kind::kString, content);
                return true;
            }
            case ',':
            case ':':
            case ']':
            case '}':
                return complain("a value is missing");
            default: {
                const std::string_view token = takeToken();
                const auto kind = scalarKind(token);
                if (!kind) {
                    --token_;
                    return complain("a value that is none");
                }
                if (node != nullptr && !node->fields.empty()) give(*node, *kind, token);
                return true;
            }
        }
    }

    bool walkObject(const Node* node, std::size_t depth) {
        ++token_;
        if (isAt('}')) {
            ++token_;
            return true;
        }
        std::size_t expected = 0;  // records often have the same order of names
        while (true) {
            if (!isAt('"')) return complain("a name is missing");
            const Node* child = nullptr;
            if (node == nullptr || node->children.empty()) {
                ++token_;
            } else {
                std::string_view name;
                if (!takeString(name)) return false;
                child = childOf(*node, name, expected);
            }
            if (!isAt(':')) return complain("a colon is missing");
            ++token_;
            if (!walk(child, depth + 1)) return false;
            if (isAt('}')) break;
            if (!isAt(',')) return complain("a comma or } is missing");
            ++token_;
        }
        ++token_;
        return true;
    }

    bool walkArray(const Node* node, std::size_t depth) {
        ++token_;
        if (isAt(']')) {
            ++token_;
            return true;
        }
        for (std::size_t i = 0;; ++i) {
            const Node* child = nullptr;
            if (node != nullptr)
                for (const std::size_t number : node->children)
                    if (tree_->nodes[number].index == i) child = &tree_->nodes[number];
            if (!walk(child, depth + 1)) return false;
            if (isAt(']')) break;
            if (!isAt(',')) return complain("a comma or ] is missing");
            ++token_;
        }
        ++token_;
        return true;
    }

    const Node* childOf(const Node& node, std::string_view name, std::size_t& expected) {
        const auto& children = node.children;
        for (std::size_t i = 0; i < children.size(); ++i) {
            const std::size_t at =
                expected + i < children.size() ? expected + i : expected + i - children.size();
            const Node& child = tree_->nodes[children[at]];
            if (child.name != name) continue;
            expected = at + 1 == children.size() ? 0 : at + 1;
            return name.find('\\') == name.npos ? &child : nullptr;
        }
        if (name.empty() || std::memchr(name.data(), '\\', name.size()) == nullptr) return nullptr;
        const auto plain = unescapeJson(name, *arena_);
        if (!plain) return nullptr;
        for (const std::size_t number : children)
            if (tree_->nodes[number].name == *plain) return &tree_->nodes[number];
        return nullptr;
    }

    // False when the name has come before in this record.
    bool isFirst(const Node& node) {
        auto& seen = seen_[static_cast<std::size_t>(&node - tree_->nodes.data())];
        return std::exchange(seen, record_) != record_;
    }

    void forget(const Node& node) {
        for (const std::size_t field : node.fields) {
            text(field, row_) = kMissing;
            std::erase_if(refused_, [&](const auto& refused) { return refused.first == field; });
        }
        for (const std::size_t child : node.children) forget(tree_->nodes[child]);
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
        if (spec.type == Type::kJson) {
            text(field, row_) = {value.data() - 1, value.size() + 2};
            return;
        }
        if (!value.empty() && std::memchr(value.data(), '\\', value.size()) != nullptr) {
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
    const char* text_ = nullptr;  // what tokens count from
    const std::uint32_t* token_ = nullptr;
    const std::uint32_t* tokensEnd_ = nullptr;
    const char* stop_ = nullptr;
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
        std::size_t at = 0;
        for (const auto& name : *names) {
            const auto& children = tree.nodes[at].children;
            const auto found =
                std::find_if(children.begin(), children.end(),
                             [&](std::size_t child) { return tree.nodes[child].name == name; });
            if (found != children.end()) {
                at = *found;
                continue;
            }
            const std::size_t made = tree.nodes.size();
            tree.nodes[at].children.push_back(made);
            tree.nodes.push_back({name, indexOf(name), {}, {}});
            at = made;
        }
        tree.nodes[at].fields.push_back(field);
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
