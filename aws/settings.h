// What AWS' own tools read of the environment and of the two files they share.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"

namespace tidemill::aws {

// A variable of the environment; nothing when it is not set, or empty.
using Environment = std::function<std::optional<std::string>(const char* name)>;
Environment processEnvironment();

// The sections of ~/.aws/credentials or ~/.aws/config, by the profile's name.
using Section = std::map<std::string, std::string>;
using Profiles = std::map<std::string, Section>;

// Errors: kCorrupt, with the line. `isConfig`: profiles other than default are called
// "profile NAME" there; other sections are left out.
core::Result<Profiles> parseProfiles(std::string_view text, bool isConfig);

// A profile as both files have it. What is in neither is empty.
struct Profile {
    std::string name;
    bool isThere = false;
    Section credentials;  // of the credentials file
    Section config;
    std::optional<std::string> value(const std::string& key) const;
};

// `wanted`: its name; empty: AWS_PROFILE's, else "default". A file that is not there has nothing.
// Errors: kIo, kCorrupt.
core::Result<Profile> readProfile(const Environment& environment, const std::string& wanted);

// By `wanted`, AWS_REGION, AWS_DEFAULT_REGION, or the profile. Errors: kInvalid when none says it,
// or it is no name of a region; those of readProfile().
core::Result<std::string> findRegion(const Environment& environment, const std::string& wanted,
                                     const std::string& profile);

bool isRegion(std::string_view name);

}  // namespace tidemill::aws
