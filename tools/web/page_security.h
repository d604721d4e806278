// Who may ask the page, and how what it says gets there.
#pragma once

#include <string>
#include <string_view>

#include "core/error.h"

namespace tidemill::tools {

// Where a job file says that they are; empty: none.
struct PageFiles {
    std::string certificate;  // PEM, with the certificates between it and its issuer behind it
    std::string key;          // PEM
    std::string token;
    bool operator==(const PageFiles&) const = default;
};

// What they hold. Thread safety: immutable.
struct PageSecurity {
    static constexpr std::size_t kTokenBytesMin = 16;
    static constexpr std::size_t kFileBytesMost = 1 << 20;

    std::string certificate;
    std::string key;
    // Who asks for more than the page itself must have it; empty: anybody may ask.
    std::string token;

    bool encrypts() const { return !certificate.empty(); }
    // Whether the value of a request's header "Authorization" is "Bearer" and the token. Takes the
    // same time wherever the two differ.
    bool admits(std::string_view authorization) const;
};

// Reads the files; the token from now on is a secret (core/secrets.h). Errors: kInvalid, with the
// file: it cannot be read, a token of fewer than kTokenBytesMin characters or with blanks, what is
// no PEM.
core::Result<PageSecurity> readPageSecurity(const PageFiles& files);

}  // namespace tidemill::tools
