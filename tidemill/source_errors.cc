#include "tidemill/source_errors.h"

#include <algorithm>
#include <charconv>

#include "core/secrets.h"
#include "core/split_off.h"

namespace tidemill {
namespace {

constexpr std::string_view kHead = "tidemill source errors\nversion 1\n";
constexpr std::uint64_t kFileBytesMax = 1 << 20;

std::string oneLine(std::string text) {
    if (text.size() > SourceErrors::kMessageBytesMax) text.resize(SourceErrors::kMessageBytesMax);
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
    return text;
}

}  // namespace

std::string encodeSourceErrors(const std::deque<SourceError>& errors) {
    std::string text(kHead);
    for (const auto& error : errors)
        text += std::to_string(toMillis(error.time)) + "\t" +
                (error.endedJob ? "ended-job" : "passed") + "\t" + error.source + "\t" +
                error.message + "\n";
    return text;
}

core::Result<std::deque<SourceError>> decodeSourceErrors(std::string_view text) {
    const auto damaged = [] { return core::fail(core::ErrorKind::kCorrupt, "no source errors"); };
    if (!text.starts_with(kHead)) return damaged();
    text.remove_prefix(kHead.size());
    std::deque<SourceError> errors;
    while (!text.empty()) {
        const auto time = core::splitOff(text, '\t'), kind = core::splitOff(text, '\t'),
                   source = core::splitOff(text, '\t'), message = core::splitOff(text, '\n');
        std::int64_t millis = 0;
        if (!message || (*kind != "passed" && *kind != "ended-job")) return damaged();
        const auto read = std::from_chars(time->data(), time->data() + time->size(), millis);
        if (read.ec != std::errc() || read.ptr != time->data() + time->size()) return damaged();
        errors.push_back({fromMillis(millis), std::string(*source), std::string(*message),
                          *kind == "ended-job"});
    }
    return errors;
}

void SourceErrors::open(core::FileSystem& files, const core::Path& directory,
                        std::function<core::Result<>()> stillOurs) {
    std::lock_guard lock(mutex_);
    files_ = &files;
    stillOurs_ = std::move(stillOurs);
    path_ = directory / "SOURCE_ERRORS";
    const auto text = core::readWholeFile(files, path_, kFileBytesMax);
    if (!text) return;
    if (auto errors = decodeSourceErrors(*text)) errors_ = std::move(*errors);
}

void SourceErrors::add(SourceError error) {
    error.source = oneLine(std::move(error.source));
    error.message = oneLine(core::withoutSecrets(error.message));
    std::lock_guard lock(mutex_);
    errors_.push_back(std::move(error));
    while (errors_.size() > kMost) errors_.pop_front();
    changed_ = true;
}

std::vector<SourceError> SourceErrors::recent() const {
    std::lock_guard lock(mutex_);
    return {errors_.begin(), errors_.end()};
}

core::Result<> SourceErrors::keep() {
    std::string text;
    {
        std::lock_guard lock(mutex_);
        if (!changed_ || files_ == nullptr) return {};
        changed_ = false;
        text = encodeSourceErrors(errors_);
    }
    TM_TRY(stillOurs_());
    return core::publishFile(*files_, path_, text);
}

}  // namespace tidemill
