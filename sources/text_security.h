// How text comes to a listening source, and who may send it.
#pragma once

#include <string>

namespace tidemill::sources {

// Where they are; empty: none.
struct SecurityFiles {
    std::string certificate;  // PEM, with the certificates between it and its issuer behind it
    std::string key;          // PEM
    std::string token;        // one line, which clients must bring

    bool encrypts() const { return !certificate.empty() || !key.empty(); }
    bool isComplete() const { return encrypts() && !token.empty(); }
};

}  // namespace tidemill::sources
