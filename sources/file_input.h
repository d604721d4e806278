// The stream of records of the files that a batch took.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/stream_node.h"
#include "sources/file_batch.h"
#include "sources/file_source.h"

namespace tidemill::sources {

class FileInputNode final : public core::RootNode<std::string_view> {
public:
    FileInputNode(std::string kind, std::shared_ptr<FileSource> source, core::SourceId id)
        : RootNode(std::move(kind)), source_(std::move(source)), id_(id) {}

    void beginBatch(core::BatchRun& run) override;
    std::uint32_t partitions(core::BatchRun& run) override;
    void scan(core::TaskContext& task, core::BatchRun& run,
              core::Sink<std::string_view>& sink) override;
    void endBatch() override { batch_.reset(); }

private:
    std::shared_ptr<FileSource> source_;
    const core::SourceId id_;
    std::unique_ptr<FileBatch> batch_;
};

}  // namespace tidemill::sources
