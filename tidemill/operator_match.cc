#include "tidemill/operator_match.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace tidemill {
namespace {

std::vector<std::string_view> wordsOf(std::string_view text) {
    std::vector<std::string_view> words;
    bool quoted = false, listed = false;
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        const char c = i == text.size() ? ' ' : text[i];
        if (c == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
        if (!quoted && (c == '[' || c == ']')) listed = c == '[';
        if (i != text.size() && (c != ' ' || quoted || listed)) continue;
        if (i != begin) words.push_back(text.substr(begin, i - begin));
        begin = i + 1;
    }
    return words;
}

// "key=u32 -> key=string": what of two signatures is not the same in both.
std::string difference(std::string_view held, std::string_view wanted) {
    auto before = wordsOf(held), after = wordsOf(wanted);
    const auto [a, b] = std::mismatch(before.begin(), before.end(), after.begin(), after.end());
    before.erase(before.begin(), a);
    after.erase(after.begin(), b);
    while (!before.empty() && !after.empty() && before.back() == after.back()) {
        before.pop_back();
        after.pop_back();
    }
    const auto joined = [](const std::vector<std::string_view>& words) {
        std::string text;
        for (const auto word : words) (text += text.empty() ? "" : " ") += word;
        return text.empty() ? std::string("nothing") : text;
    };
    return joined(before) + " -> " + joined(after);
}

}  // namespace

using core::OperatorEntry;
using core::OperatorId;

std::string withoutNames(const std::string& signature) {
    constexpr std::string_view kNames = " names=[";
    const auto begin = signature.find(kNames);
    if (begin == signature.npos) return signature;
    bool isQuoted = false;
    for (std::size_t i = begin + kNames.size(); i < signature.size(); ++i) {
        if (signature[i] == '\\') ++i;
        else if (signature[i] == '"') isQuoted = !isQuoted;
        else if (signature[i] == ']' && !isQuoted)
            return signature.substr(0, begin) + signature.substr(i + 1);
    }
    return signature;
}

OperatorMatch matchOperators(const std::vector<OperatorEntry>& known,
                             const std::vector<StateDeclaration>& wanted, bool dropMismatched) {
    OperatorMatch match;
    match.entries = known;
    // Ids are never reused, also not those of dropped states.
    OperatorId next{1};
    for (const auto& entry : known) next = std::max(next, entry.id.next());

    std::string diff;
    bool incompatible = false;
    for (const auto& state : wanted) {
        // The newest entry of a name counts; older ones had their state dropped.
        const auto found = std::find_if(match.entries.rbegin(), match.entries.rend(),
                                        [&](const auto& entry) { return entry.name == state.name; });
        if (found != match.entries.rend() &&
            withoutNames(found->signature) == withoutNames(state.signature)) {
            found->signature = state.signature;
            match.ids.push_back(found->id);
            match.isNew.push_back(false);
            diff += "\n  kept          " + state.name + " (" + state.signature + ")";
            continue;
        }
        if (found != match.entries.rend()) {
            incompatible = true;
            match.dropped.push_back(found->id);
            diff += "\n  incompatible  " + state.name + ": the directory holds (" +
                    found->signature + "), the job wants (" + state.signature +
                    "); the difference: " + difference(withoutNames(found->signature), withoutNames(state.signature));
        } else {
            diff += "\n  new           " + state.name + " (" + state.signature + ")";
        }
        match.ids.push_back(next);
        match.isNew.push_back(true);
        match.entries.push_back({next, state.name, state.signature});
        next = next.next();
    }
    for (const auto& entry : known)
        if (std::none_of(wanted.begin(), wanted.end(),
                         [&](const auto& state) { return state.name == entry.name; }))
            diff += "\n  orphaned      " + entry.name + " (" + entry.signature + ")";
    if (incompatible && !dropMismatched)
        match.fits =
            core::fail(core::ErrorKind::kConflict,
                       "the job does not fit the state in its data directory:" + diff +
                           "\nRun the job that wrote the state, rename the changed operator, or "
                           "drop its state with the option for that (dropMismatchedState, "
                           "--drop-mismatched-state).");
    return match;
}

}  // namespace tidemill
