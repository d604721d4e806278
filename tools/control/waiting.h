// What a command says while it waits for a daemon.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

namespace tidemill::tools {

// Says from time to time what is waited for. Thread safety: worker-confined.
class Waiting {
public:
    void say(const std::string& what) {
        const auto now = std::chrono::steady_clock::now();
        if (now < next_) return;
        next_ = now + kEvery;
        std::fprintf(stderr, "%s\n", what.c_str());
    }

private:
    static constexpr std::chrono::seconds kEvery{2};
    std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + kEvery;
};

}  // namespace tidemill::tools
