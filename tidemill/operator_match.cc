#include "tidemill/operator_match.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tidemill/lineage.h"

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

bool isSame(std::string_view held, std::string_view wanted) {
    return withoutNames(std::string(held)) == withoutNames(std::string(wanted));
}

// Finds for each of the job's states the entry that it goes on with. By name; a state without one
// by what its input is made of, since its derived name follows from its place alone.
class Search {
public:
    Search(const std::vector<core::OperatorEntry>& entries,
           const std::vector<StateDeclaration>& wanted, const std::vector<Lineage>& lineages)
        : entries_(entries), wanted_(wanted), lineages_(lineages), found_(wanted.size()) {
        for (std::size_t i = 0; i < wanted_.size(); ++i)
            if (wanted_[i].isNamed) byName(i);
        for (const bool wholly : {true, false}) byLineage(wholly);
        // Whatever has become of the streams, one that is the only one of its kind is the same.
        for (std::size_t i = 0; i < wanted_.size(); ++i)
            if (!found_[i] && !wanted_[i].isNamed && rivals(i, false) == 1 && open(i).size() == 1)
                found_[i] = open(i).front();
        for (std::size_t i = 0; i < wanted_.size(); ++i)
            if (!found_[i] && open(i).empty()) byName(i);
    }

    std::optional<std::size_t> found(std::size_t i) const { return found_[i]; }
    // Entries that may be those of a state without a name that was not found: which is open.
    std::vector<std::size_t> open(std::size_t i) const {
        std::vector<std::size_t> all;
        if (wanted_[i].isNamed) return all;
        for (std::size_t e = 0; e < entries_.size(); ++e)
            if (!isTaken(e) && !kept(e).isNamed && isSame(kept(e).signature, wanted_[i].signature))
                all.push_back(e);
        return all;
    }

private:
    KeptSignature kept(std::size_t e) const { return splitSignature(entries_[e].signature); }
    bool isTaken(std::size_t e) const {
        return std::find(found_.begin(), found_.end(), e) != found_.end();
    }

    // The newest entry of a name counts; older ones had their state dropped.
    void byName(std::size_t i) {
        for (std::size_t e = entries_.size(); e-- > 0;) {
            if (entries_[e].name != wanted_[i].name) continue;
            if (!isTaken(e) && isSame(kept(e).signature, wanted_[i].signature)) found_[i] = e;
            return;
        }
    }

    // Of states that are alike in this too, the first takes the first.
    void byLineage(bool wholly) {
        for (std::size_t i = 0; i < wanted_.size(); ++i) {
            if (found_[i]) continue;
            const auto fits = [&](std::size_t e) {
                const auto lineage = kept(e).lineage;
                return wholly ? lineage == lineages_[i] : lineage.origins == lineages_[i].origins;
            };
            auto candidates = open(i);
            std::erase_if(candidates, [&](std::size_t e) { return !fits(e); });
            if (!candidates.empty() && (wholly || (candidates.size() == 1 && rivals(i, true) == 1)))
                found_[i] = candidates.front();
        }
    }

    // How many states without names of this signature, and of these origins, are still to be found.
    std::size_t rivals(std::size_t i, bool ofOrigins) const {
        std::size_t count = 0;
        for (std::size_t j = 0; j < wanted_.size(); ++j)
            count += !found_[j] && !wanted_[j].isNamed &&
                     isSame(wanted_[j].signature, wanted_[i].signature) &&
                     (!ofOrigins || lineages_[j].origins == lineages_[i].origins);
        return count;
    }

    const std::vector<core::OperatorEntry>& entries_;
    const std::vector<StateDeclaration>& wanted_;
    const std::vector<Lineage>& lineages_;
    std::vector<std::optional<std::size_t>> found_;
};

// A name that no entry and no state of the job has: for an entry that gives its own up.
std::string freeName(const std::string& name, const std::vector<core::OperatorEntry>& entries,
                     const std::vector<StateDeclaration>& wanted) {
    const std::string kind = name.substr(0, name.rfind('-'));
    const auto isTaken = [&](const std::string& candidate) {
        return std::any_of(entries.begin(), entries.end(),
                           [&](const auto& entry) { return entry.name == candidate; }) ||
               std::any_of(wanted.begin(), wanted.end(),
                           [&](const auto& state) { return state.name == candidate; });
    };
    for (unsigned number = 1;; ++number)
        if (auto candidate = kind + "-" + std::to_string(number); !isTaken(candidate))
            return candidate;
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

const char* nameOf(StateFate::Kind kind) {
    switch (kind) {
        case StateFate::Kind::kKept: return "kept";
        case StateFate::Kind::kNew: return "new";
        case StateFate::Kind::kIncompatible: return "incompatible";
        case StateFate::Kind::kUnclear: return "unclear";
        case StateFate::Kind::kOrphaned: return "orphaned";
    }
    return "";
}

namespace {

// One each, with a line end before it.
std::string linesOf(const std::vector<StateFate>& fates) {
    constexpr std::size_t kWidth = 14;
    std::string text;
    for (const auto& fate : fates) {
        std::string kind = nameOf(fate.kind);
        kind.resize(kWidth, ' ');
        text += "\n  " + kind + fate.name +
                (fate.kind == StateFate::Kind::kIncompatible ? ": " : " ") + fate.detail;
    }
    return text;
}

}  // namespace

OperatorMatch matchOperators(const std::vector<OperatorEntry>& known, const Job& job,
                             bool dropMismatched) {
    const auto& wanted = job.states;
    const auto lineages = lineagesOf(job);
    OperatorMatch match;
    match.entries = known;
    // Ids are never reused, also not those of dropped states.
    OperatorId next{1};
    for (const auto& entry : known) next = std::max(next, entry.id.next());

    const Search search(known, wanted, lineages);
    using Kind = StateFate::Kind;
    const auto add = [&](Kind kind, const std::string& name, std::string detail) {
        match.fates.push_back({kind, name, std::move(detail)});
    };
    bool incompatible = false;
    std::vector<bool> isHeld(known.size());  // by a state of the job
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const auto& state = wanted[i];
        const auto signature =
            state.isNamed ? state.signature : withLineage(state.signature, lineages[i]);
        if (const auto found = search.found(i)) {
            auto& entry = match.entries[*found];
            isHeld[*found] = true;
            match.ids.push_back(entry.id);
            match.isNew.push_back(false);
            add(Kind::kKept, state.name, "(" + state.signature + ")");
            // Another state of the directory may have had the name by its place.
            for (std::size_t e = 0; e < known.size(); ++e)
                if (e != *found && !isHeld[e] && match.entries[e].name == state.name &&
                    entry.name != state.name)
                    match.entries[e].name = freeName(state.name, match.entries, wanted);
            entry.name = state.name;
            entry.signature = signature;
            continue;
        }
        const auto sameName = std::find_if(known.rbegin(), known.rend(), [&](const auto& entry) {
            return entry.name == state.name;
        });
        const auto open = search.open(i);
        if (!open.empty()) {
            incompatible = true;
            std::string detail =
                "(" + state.signature +
                "): it has no name, and its input is made in another way than before; it may be";
            for (const auto e : open) {
                if (std::find(match.dropped.begin(), match.dropped.end(), known[e].id) ==
                    match.dropped.end())
                    match.dropped.push_back(known[e].id);
                detail += " " + known[e].name;
            }
            add(Kind::kUnclear, state.name,
                detail + " of the directory: give it the name of the one that it is");
        } else if (sameName != known.rend() &&
                   !isSame(splitSignature(sameName->signature).signature, state.signature)) {
            incompatible = true;
            match.dropped.push_back(sameName->id);
            const std::string held(splitSignature(sameName->signature).signature);
            add(Kind::kIncompatible, state.name,
                "the directory holds (" + held + "), the job wants (" + state.signature +
                    "); the difference: " +
                    difference(withoutNames(held), withoutNames(state.signature)));
        } else {
            add(Kind::kNew, state.name, "(" + state.signature + ")");
        }
        match.ids.push_back(next);
        match.isNew.push_back(true);
        match.entries.push_back({next, state.name, signature});
        next = next.next();
    }
    for (std::size_t e = 0; e < known.size(); ++e) {
        const auto name = match.entries[e].name;  // one that gave its name up has another
        if (!isHeld[e] && std::none_of(wanted.begin(), wanted.end(),
                                       [&](const auto& state) { return state.name == name; }))
            add(Kind::kOrphaned, name,
                "(" + std::string(splitSignature(known[e].signature).signature) + ")");
    }
    if (incompatible && !dropMismatched)
        match.fits = core::fail(
            core::ErrorKind::kConflict,
            "the job does not fit the state in its data directory:" + linesOf(match.fates) +
                "\nRun the job that wrote the state, rename the changed operator, or "
                "drop its state with the option for that (dropMismatchedState, "
                "--drop-mismatched-state).");
    return match;
}

}  // namespace tidemill
