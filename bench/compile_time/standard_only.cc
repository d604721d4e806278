// The first example's work with the standard library alone: what its compile time is compared with.
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

int main() {
    std::unordered_map<std::string, long> totals;
    auto begun = std::chrono::steady_clock::now();
    for (std::string line; std::getline(std::cin, line);) {
        const std::string_view text = line;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = std::min(text.find(' ', at), text.size());
            if (end > at) ++totals[std::string(text.substr(at, end - at))];
            at = end + 1;
        }
        if (std::chrono::steady_clock::now() - begun < std::chrono::seconds(1)) continue;
        begun = std::chrono::steady_clock::now();
        for (const auto& [word, count] : totals) std::cout << word << ' ' << count << '\n';
    }
}
