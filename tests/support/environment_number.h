// How long a test with random kills runs, and from which seed, is said by the environment.
#pragma once

#include <cstdlib>

namespace tidemill::test {

// The number that `variable` holds, or `byDefault` when it is not set.
inline long environmentNumber(const char* variable, long byDefault) {
    const char* text = std::getenv(variable);
    return text == nullptr ? byDefault : std::strtol(text, nullptr, 10);
}

}  // namespace tidemill::test
