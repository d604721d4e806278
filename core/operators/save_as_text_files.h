// saveAsTextFiles: each batch as a directory PREFIX-TIMEMS[.SUFFIX] of part files, one element a
// line, with an empty file _SUCCESS and a mark of the batch; it appears whole or not at all, and
// once.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "core/batch.h"
#include "core/batch_directory.h"
#include "core/format.h"
#include "core/graph.h"

namespace tidemill::core {

// Appends one element as a line, with its '\n'; or, of a chunk of rows, each of them.
template <class T>
using LineFormat = void (*)(std::string& out, const T& element);

// Refuses (kConflict) when names that begin with `prefix` and "-" exist: they would be taken for
// results of this data directory.
Result<> refuseExistingResults(FileSystem& files, const std::string& prefix);

// Refuses (kConflict) directories PREFIX-TIME[.SUFFIX] of a time after the last batch.
Result<> refuseNewerResults(FileSystem& files, const std::string& prefix, const std::string& suffix,
                            const OutputOpening& opening);

std::string partName(std::uint32_t partition);

// "PREFIX-TIME.SUFFIX" of any time; the same for two ways to write one path.
std::string textFilesPlace(const std::string& prefix, const std::string& suffix);

template <class T>
class SaveAsTextFiles final : public OutputOperation {
public:
    SaveAsTextFiles(std::shared_ptr<StreamNode<T>> node, FileSystem& files, std::string prefix,
                    std::string suffix, LineFormat<T> format, bool skipEmpty = false,
                    Compression compression = Compression::kNone)
        : node_(std::move(node)),
          files_(files),
          prefix_(std::move(prefix)),
          suffix_(std::move(suffix)),
          format_(format),
          skipEmpty_(skipEmpty),
          compression_(compression) {
        node_->require();
    }

    std::string describe() const override { return "saveAsTextFiles prefix=" + prefix_; }

    std::string place() const override { return textFilesPlace(prefix_, suffix_); }
    bool holdsRecords() const override { return false; }

    Result<> open(const OutputOpening& opening) override {
        return opening.last.beforeFirst() ? refuseExistingResults(files_, prefix_)
                                          : refuseNewerResults(files_, prefix_, suffix_, opening);
    }

    Visibility run(BatchRun& run) override {
        if (!run.isActive(node_->slide())) return Visibility::kNow;
        Batch<T> batch(*node_, run);
        if (skipEmpty_ && batch.isEmpty()) return Visibility::kNow;
        std::string name = prefix_ + "-" + std::to_string(toMillis(batch.time()));
        if (!suffix_.empty()) name += "." + suffix_;
        auto begun = orThrow(BatchDirectory::begin(files_, name, run.mark()));
        if (!begun) return Visibility::kBefore;
        BatchDirectory& directory = *begun;
        batch.scanInParallel([&](std::uint32_t partition) {
            return std::make_unique<PartSink>(
                orThrow(directory.part(partName(partition), compression_)), format_);
        });
        orThrow(orThrow(directory.part("_SUCCESS")).finish());
        orThrow(directory.commit());
        return Visibility::kNow;
    }

private:
    class PartSink final : public Sink<T> {
    public:
        PartSink(PartFile file, LineFormat<T> format) : file_(std::move(file)), format_(format) {}
        void take(std::span<T> chunk) override {
            text_.clear();
            for (const T& element : chunk) format_(text_, element);
            orThrow(file_.append(text_));
        }
        void finish() override { orThrow(file_.finish()); }
        bool flush() override { return true; }

    private:
        PartFile file_;
        LineFormat<T> format_;
        std::string text_;
    };

    std::shared_ptr<StreamNode<T>> node_;
    FileSystem& files_;
    std::string prefix_;
    std::string suffix_;
    LineFormat<T> format_;
    bool skipEmpty_;  // a batch without elements has no directory
    Compression compression_;
};

}  // namespace tidemill::core
