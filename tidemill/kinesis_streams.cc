// Streams of Kinesis streams.
#include <memory>
#include <stdexcept>
#include <utility>

#include "sources/kinesis/check_options.h"
#include "sources/kinesis/kinesis_input.h"
#include "sources/kinesis/kinesis_source.h"
#include "tidemill/streaming_context.h"

namespace tidemill {

core::SourceId StreamingContext::kinesisSource(const char* kind, KinesisOptions options) {
    requireNotStarted(*job_, kind);
    if (const auto checked = sources::kinesis::checkOptions(options); !checked)
        throw std::invalid_argument(std::string(kind) + ": " + checked.error().message);
    SourceDeclaration source;
    source.lanes = sources::kinesis::laneName(options.application, options.stream, "");
    source.maxRate = options.maxRate;
    for (const auto& other : job_->sources)
        if (other.lanes == source.lanes)
            throw std::invalid_argument(std::string(kind) +
                                        ": another stream has the application "
                                        "\"" +
                                        options.application +
                                        "\", under which positions are kept; give each its own");
    source.kind = kind;
    source.framing = core::Framing::kPrefixed;
    source.isText = false;
    source.description = std::string(kind) + " reads stream " + options.stream;
    if (!options.region.empty()) source.description += " in " + options.region;
    if (!options.endpoint.empty()) source.description += " from " + options.endpoint;
    source.receive =
        [options = std::move(options)](
            const SourceEnvironment& environment) -> core::Result<std::shared_ptr<core::Source>> {
        sources::kinesis::KinesisEnvironment made{
            environment.id,
            environment.log,
            environment.buffers,
            environment.observer,
            {environment.recordBytesMax, environment.blockBytesMax}};
        return std::make_shared<sources::kinesis::KinesisSource>(std::move(made), options);
    };
    return job_->addSource(std::move(source));
}

DStream<KinesisRecord> StreamingContext::kinesisStream(KinesisOptions options) {
    const auto id = kinesisSource("kinesisStream", std::move(options));
    return {job_,
            job_->graph.add(std::make_shared<sources::kinesis::KinesisInputNode<KinesisRecord>>(
                "kinesisStream", id))};
}

DStream<std::string_view> StreamingContext::kinesisTextStream(KinesisOptions options) {
    const auto id = kinesisSource("kinesisTextStream", std::move(options));
    return {job_,
            job_->graph.add(std::make_shared<sources::kinesis::KinesisInputNode<std::string_view>>(
                "kinesisTextStream", id))};
}

}  // namespace tidemill
