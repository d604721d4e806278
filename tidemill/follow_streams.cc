// Streams of files that grow.
#include <memory>
#include <stdexcept>
#include <utility>

#include "sources/follow/follow_source.h"
#include "tidemill/streaming_context.h"

namespace tidemill {

DStream<std::string_view> StreamingContext::followTextFiles(std::string path,
                                                            FollowOptions options) {
    constexpr const char* kKind = "followTextFiles";
    requireNotStarted(*job_, kKind);
    if (const auto split = sources::follow::splitFollowPath(path); !split)
        throw std::invalid_argument(std::string(kKind) + ": " + split.error().message);
    if (options.lookEvery < Duration(1))
        throw std::invalid_argument(std::string(kKind) + ": lookEvery must be at least 1 ms");
    SourceDeclaration source;
    source.lanes = sources::follow::lanePrefix(path);
    for (const auto& other : job_->sources)
        if (other.lanes == source.lanes)
            throw std::invalid_argument(
                std::string(kKind) + ": another stream follows \"" + path +
                "\", under which positions are kept; use that one twice instead");
    source.kind = kKind;
    source.maxRate = options.maxRate;
    source.description = std::string(kKind) + " reads what is appended to " + path;
    source.receive =
        [path = std::move(path), options = std::move(options), files = job_->files](
            const SourceEnvironment& environment) -> core::Result<std::shared_ptr<core::Source>> {
        sources::follow::FollowEnvironment made{environment.id,
                                                *files,
                                                environment.log,
                                                environment.buffers,
                                                environment.recordBytesMax,
                                                environment.blockBytesMax};
        return std::make_shared<sources::follow::FollowSource>(std::move(made), path, options,
                                                               environment.observer);
    };
    return textStream(kKind, std::move(source));
}

}  // namespace tidemill
