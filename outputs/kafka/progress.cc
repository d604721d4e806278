#include "outputs/kafka/progress.h"

#include <charconv>
#include <cstdio>

namespace tidemill::outputs {
namespace {

// The digits behind `name`, which `text` loses with them.
template <class T>
bool take(std::string_view& text, std::string_view name, int base, T& value) {
    if (!text.starts_with(name)) return false;
    text.remove_prefix(name.size());
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (parsed.ec != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    return true;
}

}  // namespace

std::string encodeProgress(const Progress& progress) {
    char hex[64];
    std::snprintf(hex, sizeof hex, " digest=%016llx revision=%u writer=%016llx",
                  static_cast<unsigned long long>(progress.digest), progress.revision,
                  static_cast<unsigned long long>(progress.writer));
    return "version=1 batch=" + std::to_string(progress.batch) +
           " previous=" + std::to_string(progress.previous) +
           " records=" + std::to_string(progress.records) + hex;
}

std::optional<Progress> parseProgress(std::string_view text) {
    Progress progress;
    const bool whole = take(text, "version=1 batch=", 10, progress.batch) &&
                       take(text, " previous=", 10, progress.previous) &&
                       take(text, " records=", 10, progress.records) &&
                       take(text, " digest=", 16, progress.digest) &&
                       take(text, " revision=", 10, progress.revision) &&
                       take(text, " writer=", 16, progress.writer) && text.empty();
    return whole ? std::optional(progress) : std::nullopt;
}

}  // namespace tidemill::outputs
