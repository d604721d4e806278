// Credentials, looked for where AWS' own tools look: the environment, the files they share, the
// endpoint of a container, the metadata of an instance.
#pragma once

#include <string>

#include "aws/settings.h"
#include "aws/sign.h"
#include "core/error.h"

namespace tidemill::aws {

struct FoundCredentials {
    Credentials credentials;
    std::string from;      // "the environment", for messages
    bool changes = false;  // asked again, it may say others
};

// Asks; takes up to 5 s where there is no instance. `profile`: a name that goes before all else;
// empty: none. Keeps what it finds out of messages. Errors: kNotFound, there are none; kInvalid,
// kCorrupt, what is there cannot be used, which a person must mend; kIo, an endpoint does not
// answer, which may pass.
core::Result<FoundCredentials> findCredentials(const Environment& environment,
                                               const std::string& profile);

// Those in use, renewed before they expire. Thread safety: externally synchronized.
class CredentialsKeeper {
public:
    CredentialsKeeper(Environment environment, std::string profile)
        : environment_(std::move(environment)), profile_(std::move(profile)) {}

    // Asks when there are none, or they expire within 5 minutes; of those that do not expire yet, a
    // failure to ask counts as no error. Errors: see findCredentials().
    core::Result<const FoundCredentials*> get(Clock::time_point now);

    // The service does not take those in use: asks at once. False when there are no others.
    core::Result<bool> replace();

private:
    const Environment environment_;
    const std::string profile_;
    FoundCredentials found_;
    Clock::time_point askAgain_{};
};

}  // namespace tidemill::aws
