#include "recovery/attempts.h"

#include <algorithm>
#include <charconv>

namespace tidemill::recovery {
namespace {

constexpr std::string_view kHead = "tidemill attempts\nversion 1\nbatch ";
constexpr std::size_t kErrorBytesMax = 4096;
constexpr std::uint64_t kFileBytesMax = 16 << 10;

template <class T>
bool takeNumber(std::string_view& text, T& value) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    return true;
}

bool skip(std::string_view& text, std::string_view what) {
    if (!text.starts_with(what)) return false;
    text.remove_prefix(what.size());
    return true;
}

}  // namespace

bool mayBeMended(const Attempts& attempts) {
    // An error proves it; without one, so many ended processes do.
    return !attempts.error.empty() || attempts.ended >= kAttemptsSuspicious;
}

bool endedWithoutWord(const Attempts& attempts) {
    return attempts.how == Attempts::How::kBegun && attempts.ended >= 2;
}

std::string encodeAttempts(const Attempts& attempts) {
    std::string error = attempts.error.substr(0, kErrorBytesMax);
    std::replace(error.begin(), error.end(), '\n', ' ');
    return std::string(kHead) + toString(attempts.batch) + "\nended " +
           std::to_string(attempts.ended) + "\n" +
           (attempts.how == Attempts::How::kThrew ? "threw " : "begun ") + error + "\n";
}

core::Result<Attempts> decodeAttempts(std::string_view text) {
    Attempts attempts;
    const auto damaged = [] { return core::fail(core::ErrorKind::kCorrupt, "no attempts"); };
    if (!skip(text, kHead) || !takeNumber(text, attempts.batch.value) || !skip(text, "\nended ") ||
        !takeNumber(text, attempts.ended) || !skip(text, "\n"))
        return damaged();
    if (skip(text, "threw ")) attempts.how = Attempts::How::kThrew;
    else if (!skip(text, "begun ")) return damaged();
    if (!text.ends_with('\n')) return damaged();
    text.remove_suffix(1);
    attempts.error = text;
    return attempts;
}

AttemptsFile::AttemptsFile(core::FileSystem& files, const core::Path& directory)
    : files_(files), path_(directory / "ATTEMPTS") {
    const auto text = core::readWholeFile(files_, path_, kFileBytesMax);
    if (!text) return;
    auto attempts = decodeAttempts(*text);
    if (!attempts) return;
    known_ = std::move(*attempts);
    // A replay that had begun and has no end has ended its process.
    if (known_->how == Attempts::How::kBegun) ++known_->ended;
}

core::Result<> AttemptsFile::write(Attempts attempts) {
    TM_TRY(core::publishFile(files_, path_, encodeAttempts(attempts)));
    known_ = std::move(attempts);
    return {};
}

core::Result<Attempts> AttemptsFile::begin(core::BatchId batch) {
    auto attempts = known_.value_or(Attempts{});
    if (attempts.batch != batch) {
        // There is no note of this batch, but it is the last recorded one: the process before ended
        // while it ran, or after it and before the next one was recorded.
        attempts = {};
        attempts.batch = batch;
        attempts.ended = 1;
    }
    auto begun = attempts;
    begun.how = Attempts::How::kBegun;
    TM_TRY(write(std::move(begun)));
    return attempts;
}

core::Result<Attempts> AttemptsFile::failed(core::BatchId batch, std::string_view error) {
    auto attempts = known_.value_or(Attempts{});
    if (attempts.batch != batch) attempts = {};
    attempts.batch = batch;
    ++attempts.ended;
    attempts.how = Attempts::How::kThrew;
    attempts.error = error;
    TM_TRY(write(attempts));
    return attempts;
}

core::Result<> AttemptsFile::clear() {
    known_.reset();
    return files_.exists(path_) ? files_.unlink(path_) : core::Result<>{};
}

}  // namespace tidemill::recovery
