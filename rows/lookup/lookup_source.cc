#include "rows/lookup/lookup_source.h"

#include "core/logging.h"

namespace tidemill::rows {

using core::ErrorKind;
using core::fail;
using core::Result;

// A range and a position are this byte and the file's bytes.
constexpr char kFormat = 1;

std::string LookupSource::lane() const { return "lookup " + file_.path; }

Result<> LookupSource::open(const core::SourceOpening& opening) {
    for (const auto& [lane, position] : opening.positions) {
        // Of another file, or for another reader: the file is read anew.
        if (lane != this->lane() || position.empty() || position.front() != kFormat) continue;
        auto version = versionOf(position.substr(1));
        if (version) take(std::move(*version));
    }
    isKept_ = true;
    return {};
}

Result<> LookupSource::start() {
    if (table_ != nullptr) return {};
    TM_ASSIGN(next_, read());
    return {};
}

Result<LookupSource::Version> LookupSource::read() {
    const auto named = [this](const core::Error& error) {
        return fail(error.kind,
                    "the table \"" + file_.path + "\" cannot be used: " + error.message);
    };
    const auto look = files_.info(file_.path);
    if (!look) return named(look.error());
    if (look->isDirectory) return named({ErrorKind::kInvalid, "it is a directory"});
    lastLook_ = Look{look->device, look->inode, look->sizeBytes, look->modifiedNanos};
    auto content = core::readWholeFile(files_, file_.path, kFileBytesMax);
    if (!content) return named(content.error());
    auto version = versionOf(std::move(*content));
    if (!version) return named(version.error());
    return version;
}

Result<LookupSource::Version> LookupSource::versionOf(std::string content) const {
    Version version;
    version.content = content;
    TM_ASSIGN(version.table, LookupTable::of(std::move(content), file_, key_));
    return version;
}

void LookupSource::take(Version version) {
    table_ = std::move(version.table);
    content_ = std::move(version.content);
    isKept_ = false;
    rows_ = table_->rows();
    bytes_ = content_.size();
}

Result<std::size_t> LookupSource::prepare(core::Instant, std::size_t) {
    if (next_) return 0;
    const auto look = files_.info(file_.path);
    if (look && lastLook_ == Look{look->device, look->inode, look->sizeBytes, look->modifiedNanos})
        return 0;
    auto version = read();
    if (version) {
        complaint_.clear();
        if (version->content != content_) next_ = std::move(*version);
    } else if (complaint_ != version.error().message) {
        complaint_ = version.error().message;
        core::logWarning(complaint_ + "; batches go on with what it was before");
    }
    return 0;
}

Result<core::ReplayableSource::Plan> LookupSource::plan(const Limits& limits) {
    if (!next_) return Plan{};
    Version version = std::move(*next_);
    next_.reset();
    if (version.content.size() + 1 > limits.rangeBytes) {
        const std::string what = "the table \"" + file_.path + "\" cannot be used: it has " +
                                 std::to_string(version.content.size()) +
                                 " bytes, a batch's record has room for " +
                                 std::to_string(limits.rangeBytes - 1);
        if (table_ == nullptr) return fail(ErrorKind::kInvalid, what);
        core::logWarning(what + "; batches go on with what it was before");
        return Plan{};
    }
    take(std::move(version));
    core::logInfo("table \"" + file_.path + "\": " + std::to_string(table_->rows()) + " rows");
    return Plan{kFormat + content_, 0};
}

Result<> LookupSource::resumeBehind(std::string_view range) {
    if (range.empty() || range.front() != kFormat)
        return fail(ErrorKind::kUnsupported, "a table of another format");
    TM_ASSIGN(auto version, versionOf(std::string(range.substr(1))));
    take(std::move(version));
    return {};
}

std::vector<core::ReplayableSource::PositionChange> LookupSource::takeChanges() {
    if (isKept_) return {};
    isKept_ = true;
    return {{lane(), kFormat + content_}};
}

core::SourceStatistics LookupSource::statistics() const {
    core::SourceStatistics statistics;
    statistics.records = rows_;
    statistics.bytes = bytes_;
    return statistics;
}

}  // namespace tidemill::rows
