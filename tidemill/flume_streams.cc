// Streams of events of Flume agents.
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "sources/endpoint.h"
#include "sources/flume/flume_input.h"
#include "sources/flume/flume_source.h"
#include "tidemill/state_stream.h"
#include "tidemill/streaming_context.h"

namespace tidemill {
namespace {

// The first event of each id; all of those without one.
struct FirstOfEach {
    std::optional<FlumeEvent> operator()(const std::string_view&, std::optional<FlumeEvent> event,
                                         State<bool>& seen) const {
        if (!event || seen.exists()) return std::nullopt;
        seen.update(true);
        return event;
    }
};

DStream<FlumeEvent> withoutRepeats(const DStream<FlumeEvent>& events, const std::string& header,
                                   Duration idle) {
    const auto hasId = [header](const FlumeEvent& event) {
        return event.headers.find(header).has_value();
    };
    const auto first = events.filter(hasId)
                           .map([header](const FlumeEvent& event) {
                               return std::pair(*event.headers.find(header), event);
                           })
                           .mapWithState<bool>(FirstOfEach())
                           .timeout(idle);
    return first.unionWith(
        events.filter([hasId](const FlumeEvent& event) { return !hasId(event); }));
}

}  // namespace

core::SourceId StreamingContext::flumeSource(const char* kind, FlumeOptions options) {
    requireNotStarted(*job_, kind);
    if (const auto checked = sources::flume::checkOptions(options); !checked)
        throw std::invalid_argument(std::string(kind) + ": " + checked.error().message);
    SourceDeclaration source;
    source.kind = kind;
    source.maxRate = options.maxRate;
    source.framing = core::Framing::kPrefixed;
    source.isText = false;
    options.host = sources::withoutBrackets(std::move(options.host));
    source.description = std::string(kind) + " listens for Flume agents (" +
                         (options.protocol == FlumeProtocol::kAvro ? "avro" : "thrift") + ") on " +
                         sources::hostAndPort(options.host, options.port);
    source.receive =
        [options = std::move(options)](
            const SourceEnvironment& environment) -> core::Result<std::shared_ptr<core::Source>> {
        return environment.network.listenFlume(environment.id, {environment.label, options},
                                               environment.observer);
    };
    return job_->addSource(std::move(source));
}

DStream<FlumeEvent> StreamingContext::flumeStream(FlumeOptions options) {
    const auto header = options.dedupHeader;
    const auto idle = std::chrono::duration_cast<Duration>(options.dedupFor);
    const auto id = flumeSource("flumeStream", std::move(options));
    const DStream<FlumeEvent> events{
        job_, job_->graph.add(
                  std::make_shared<sources::flume::FlumeInputNode<FlumeEvent>>("flumeStream", id))};
    return header.empty() ? events : withoutRepeats(events, header, idle);
}

DStream<std::string_view> StreamingContext::flumeTextStream(FlumeOptions options) {
    if (!options.dedupHeader.empty())
        throw std::invalid_argument(
            "flumeTextStream: ids are in headers, which bodies have not; use flumeStream with "
            "dedupHeader and map its events to their bodies");
    const auto id = flumeSource("flumeTextStream", std::move(options));
    return {job_,
            job_->graph.add(std::make_shared<sources::flume::FlumeInputNode<std::string_view>>(
                "flumeTextStream", id))};
}

}  // namespace tidemill
