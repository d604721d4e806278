// The file AT_WORK of a data directory: which record a batch is at that has ended the process
// before and runs once more, one record after another. A process that a signal ends leaves no word
// behind; this file, which lives in the page cache, does.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/batch_record.h"
#include "core/error.h"
#include "core/file_system.h"
#include "core/progress_marker.h"

namespace tidemill::recovery {

struct AtWork {
    core::BatchId batch;
    std::optional<core::RecordPlace> place;  // of the record; none: it has none, or none is at work
    // The function that was being called and its argument, as print would show its beginning;
    // empty: no function that is called for one element.
    std::string operation;
    std::string element;
    bool operator==(const AtWork&) const = default;
};

// Format: docs/formats/data_directory.md.
std::string encodeAtWork(const AtWork& work);
// Nothing when it does not parse: it is advice, not state.
std::optional<AtWork> decodeAtWork(std::string_view text);

// Thread safety: as its base; the rest externally synchronized. Errors of writes are passed over.
class AtWorkFile final : public core::ProgressMarker {
public:
    AtWorkFile(core::FileSystem& files, const core::Path& directory)
        : files_(files), path_(directory / "AT_WORK") {}

    // What a process before was at; none: there is no file.
    std::optional<AtWork> read() const;

    // Begins anew for `batch`.
    void begin(core::BatchId batch);
    core::Result<> remove();

    void record(const core::RecordPlace& place) override;
    void noRecord() override { record({}); }
    void call(const std::string& operation, const std::string& element) override;
    void returned() override;

private:
    core::FileSystem& files_;
    const core::Path path_;
    std::unique_ptr<core::File> file_;
};

}  // namespace tidemill::recovery
