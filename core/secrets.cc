#include "core/secrets.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "core/format.h"
#include "core/logging.h"

namespace tidemill::core {
namespace {

constexpr std::size_t kSecretsMax = 1'000;
constexpr std::size_t kSecretBytesMax = 64 << 10;
constexpr std::string_view kCut = "…";

struct Secrets {
    std::mutex mutex;
    std::atomic<bool> any = false;
    // The longest first, so that one that holds another is hidden whole.
    std::vector<std::pair<std::string, std::string>> kept;
};

// Lives as long as the process: loggers may run until its very end.
Secrets& secrets() {
    static auto* const instance = new Secrets;
    return *instance;
}

void add(Secrets& to, std::string form, std::string_view shownAs) {
    const auto known = std::find_if(to.kept.begin(), to.kept.end(),
                                    [&](const auto& kept) { return kept.first == form; });
    if (known != to.kept.end() || to.kept.size() >= 3 * kSecretsMax) return;
    to.kept.emplace_back(std::move(form), shownAs);
}

void hide(std::string& text, const std::string& secret, const std::string& shown) {
    for (auto at = text.find(secret); at != text.npos; at = text.find(secret, at + shown.size()))
        text.replace(at, secret.size(), shown);
    // A cut one: what stands before the "…" begins the secret.
    for (auto cut = text.find(kCut); cut != text.npos; cut = text.find(kCut, cut + 1)) {
        const std::size_t longest = std::min(cut, secret.size() - 1);
        for (std::size_t size = longest; size >= kSecretBytesMin; --size) {
            if (text.compare(cut - size, size, secret, 0, size) != 0) continue;
            text.replace(cut - size, size, shown);
            cut += shown.size() - size;
            break;
        }
    }
}

}  // namespace

void keepSecret(std::string_view secret, std::string_view shownAs) {
    if (secret.size() < kSecretBytesMin || secret.size() > kSecretBytesMax) return;
    auto& all = secrets();
    std::lock_guard lock(all.mutex);
    add(all, std::string(secret), shownAs);
    // As messages show what holds bytes that do not print.
    add(all, escaped(secret, secret.size()), shownAs);
    std::string printable;
    appendPrintable(printable, secret);
    add(all, std::move(printable), shownAs);
    std::stable_sort(all.kept.begin(), all.kept.end(),
                     [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
    all.any = true;
}

std::string withoutSecrets(std::string_view text) {
    std::string shown(text);
    auto& all = secrets();
    if (!all.any) return shown;
    std::lock_guard lock(all.mutex);
    for (const auto& [secret, shownAs] : all.kept) hide(shown, secret, shownAs);
    return shown;
}

}  // namespace tidemill::core
