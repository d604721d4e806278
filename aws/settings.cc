#include "aws/settings.h"

#include <algorithm>
#include <cstdlib>

#include "core/file_system.h"
#include "core/logging.h"

namespace tidemill::aws {

using core::ErrorKind;
using core::Result;

namespace {

constexpr std::uint64_t kFileBytesMax = 1 << 20;
constexpr std::size_t kRegionBytesMax = 64;
constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(kBlanks);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// The profile that a section is of; nothing: it is of none.
std::optional<std::string> profileOf(std::string_view section, bool isConfig) {
    constexpr std::string_view kPrefix = "profile";
    if (!isConfig || section == "default") return std::string(section);
    if (!section.starts_with(kPrefix) || section.size() == kPrefix.size() ||
        kBlanks.find(section[kPrefix.size()]) == kBlanks.npos)
        return std::nullopt;
    return std::string(trimmed(section.substr(kPrefix.size())));
}

// A comment begins a line, or follows a blank.
std::string_view withoutComment(std::string_view value) {
    for (std::size_t i = 1; i < value.size(); ++i)
        if ((value[i] == '#' || value[i] == ';') && kBlanks.find(value[i - 1]) != kBlanks.npos)
            return value.substr(0, i);
    return value;
}

std::string pathOf(const Environment& environment, const char* variable, const char* name) {
    auto path = environment(variable).value_or(std::string("~/.aws/") + name);
    if (path.starts_with("~/")) path.replace(0, 1, environment("HOME").value_or("/nowhere"));
    return path;
}

Result<Profiles> readProfiles(const std::string& path, bool isConfig) {
    auto& files = core::posixFileSystem();
    if (!files.exists(path)) return Profiles();
    TM_ASSIGN(const auto text, core::readWholeFile(files, path, kFileBytesMax));
    auto profiles = parseProfiles(text, isConfig);
    if (!profiles) return core::fail(profiles.error().kind, path + ": " + profiles.error().message);
    return profiles;
}

}  // namespace

Environment processEnvironment() {
    return [](const char* name) -> std::optional<std::string> {
        const char* value = std::getenv(name);
        if (value == nullptr || *value == '\0') return std::nullopt;
        return value;
    };
}

Result<Profiles> parseProfiles(std::string_view text, bool isConfig) {
    Profiles profiles;
    Section* section = nullptr;
    bool isSkipped = false;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto whole = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto line = trimmed(whole);
        if (line.empty() || line.front() == '#' || line.front() == ';') continue;
        // Values of several lines hold settings of other services.
        if (kBlanks.find(whole.front()) != kBlanks.npos) continue;
        const auto fail = [number](const char* what) {
            return core::fail(ErrorKind::kCorrupt, "line " + std::to_string(number) + " " + what);
        };
        if (line.front() == '[') {
            const auto close = line.find(']');
            if (close == line.npos) return fail("begins a section and does not end it");
            const auto name = profileOf(trimmed(line.substr(1, close - 1)), isConfig);
            isSkipped = !name;
            section = name ? &profiles[*name] : nullptr;
            continue;
        }
        const auto equals = line.find('=');
        if (equals == line.npos) return fail("is neither a section nor NAME = VALUE");
        if (isSkipped) continue;
        if (section == nullptr) return fail("is in no section");
        std::string name(trimmed(line.substr(0, equals)));
        std::transform(name.begin(), name.end(), name.begin(), [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        });
        (*section)[name] = trimmed(withoutComment(line.substr(equals + 1)));
    }
    return profiles;
}

std::optional<std::string> Profile::value(const std::string& key) const {
    for (const auto* section : {&credentials, &config}) {
        const auto at = section->find(key);
        if (at != section->end() && !at->second.empty()) return at->second;
    }
    return std::nullopt;
}

Result<Profile> readProfile(const Environment& environment, const std::string& wanted) {
    Profile profile;
    profile.name = !wanted.empty() ? wanted : environment("AWS_PROFILE").value_or("default");
    TM_ASSIGN(
        auto credentials,
        readProfiles(pathOf(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials"), false));
    TM_ASSIGN(auto config, readProfiles(pathOf(environment, "AWS_CONFIG_FILE", "config"), true));
    profile.isThere = credentials.contains(profile.name) || config.contains(profile.name);
    profile.credentials = std::move(credentials[profile.name]);
    profile.config = std::move(config[profile.name]);
    return profile;
}

bool isRegion(std::string_view name) {
    return !name.empty() && name.size() <= kRegionBytesMax &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
           });
}

Result<std::string> findRegion(const Environment& environment, const std::string& wanted,
                               const std::string& profile) {
    auto found = wanted.empty() ? environment("AWS_REGION") : std::optional(wanted);
    if (!found) found = environment("AWS_DEFAULT_REGION");
    if (!found) {
        TM_ASSIGN(const auto read, readProfile(environment, profile));
        found = read.value("region");
    }
    if (!found)
        return core::fail(ErrorKind::kInvalid,
                          "no region is known: give one, set AWS_REGION, or have one in the "
                          "profile of ~/.aws/config");
    if (!isRegion(*found))
        return core::fail(ErrorKind::kInvalid,
                          "\"" + core::escaped(*found, 60) + "\" is no name of a region");
    return *found;
}

}  // namespace tidemill::aws
