// Messages of one kind, of which a flood does not fill our log. Private to sources/follow/.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace tidemill::sources::follow {

// At most kAtOnce of a kind within kWithin; how many more there were is said with the next one.
// Thread safety: externally synchronized.
class Seldom {
public:
    static constexpr std::uint64_t kAtOnce = 5;
    static constexpr std::chrono::seconds kWithin{30};

    explicit Seldom(std::function<void(const std::string&)> say) : say_(std::move(say)) {}

    // `kind` lives as long as this: a literal.
    void say(std::string_view kind, std::string message,
             std::chrono::steady_clock::time_point now) {
        auto& said = said_[kind];
        if (said.count == 0 || now - said.since > kWithin) {
            if (said.left != 0)
                message += " (and " + std::to_string(said.left) + " more like the one before)";
            said = {now, 0, 0};
        }
        if (said.count == kAtOnce) {
            ++said.left;
            return;
        }
        ++said.count;
        say_(message);
    }

private:
    struct Said {
        std::chrono::steady_clock::time_point since{};
        std::uint64_t count = 0;
        std::uint64_t left = 0;
    };
    const std::function<void(const std::string&)> say_;
    std::map<std::string_view, Said> said_;
};

}  // namespace tidemill::sources::follow
