// Texts that must not be shown, such as passwords from the environment of a job file: what the
// process says to people has the place they came from instead. Thread safety: thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace tidemill::core {

// Shorter ones would hide ordinary words, and are no secrets.
inline constexpr std::size_t kSecretBytesMin = 4;

// From now on withoutSecrets() shows `shownAs` for `secret`; at most 1,000 are kept, and of a
// longer one than 64 KiB nothing. Shorter ones than kSecretBytesMin are not.
void keepSecret(std::string_view secret, std::string_view shownAs);

// `text` without any secret: neither whole, nor as core::escaped() shows it, nor the beginning of
// one that a message cuts short with "…".
std::string withoutSecrets(std::string_view text);

}  // namespace tidemill::core
