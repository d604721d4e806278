#include "rows/readers/json_tree.h"

#include <charconv>

#include "rows/parse_value.h"

namespace tidemill::rows {

using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

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

}  // namespace

Result<JsonTree> jsonTreeOf(const FieldPlan& plan) {
    JsonTree tree;
    tree.nodes.emplace_back();
    for (std::size_t field = 0; field < plan.size(); ++field) {
        const auto names = namesOf(plan[field].spec.place);
        if (!names || names->size() >= kJsonDepthMax)
            return fail(ErrorKind::kInvalid,
                        "field " + plan[field].label +
                            " must be at a JSON pointer, as \"/user/name\" or \"/items/0\"");
        JsonNode* at = &tree.nodes[0];
        for (const auto& name : *names) {
            const auto& children = at->children;
            const auto found =
                std::find_if(children.begin(), children.end(),
                             [&](const JsonNode* child) { return child->name == name; });
            if (found != children.end()) {
                at = &tree.nodes[(*found)->number];
                continue;
            }
            JsonNode& made = tree.nodes.emplace_back();
            made.name = name;
            made.index = indexOf(name);
            made.number = tree.nodes.size() - 1;
            // A backslash as it stands in a record is no character of a name.
            const bool hasBackslash = name.find('\\') != name.npos;
            at->childKeys.push_back(hasBackslash ? kNoNameKey : nameKey(name, name.size()));
            at->children.push_back(&made);
            at = &made;
        }
        at->fields.push_back(field);
    }
    return tree;
}

}  // namespace tidemill::rows
