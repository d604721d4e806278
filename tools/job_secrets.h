// "${env:NAME}" and "${file:PATH}" in the texts of a job file.
#pragma once

#include <toml++/toml.h>

#include "tools/toml_table.h"

namespace tidemill::tools {

inline constexpr std::size_t kSecretFileBytesMax = 64 << 10;

// Puts what they name in their places, in every text value of `root`, and keeps it from being shown
// (core/secrets.h). One line end at the end of a file does not count; "$${" is "${". What is not
// there is an error that names the key.
void putSecrets(toml::table& root, JobFileErrors& errors);

}  // namespace tidemill::tools
