// The sources that come with the library, each as a stream; queueStream is in streaming_context.h.
#include <stdexcept>

#include "core/inputs/memory_text.h"
#include "core/inputs/record_input.h"
#include "core/inputs/text_input.h"
#include "sources/endpoint.h"
#include "sources/file_input.h"
#include "sources/file_source.h"
#include "sources/http/http_check.h"
#include "sources/network_service.h"
#include "tidemill/streaming_context.h"

namespace tidemill {
namespace {

sources::ListenOptions listenOptions(std::string host, std::uint16_t port,
                                     const ListenOptions& options, bool acknowledged) {
    sources::ListenOptions listen;
    listen.address = std::move(host);
    listen.port = port;
    listen.acknowledged = acknowledged;
    listen.allowRemote = options.allowRemote;
    listen.connectionsMax = options.connectionsMax;
    listen.connectionsPerAddressMax = options.connectionsPerAddressMax;
    listen.csv = options.csv;
    listen.security = {options.certFile, options.keyFile, options.tokenFile};
    return listen;
}

// Records of another cut are others: the log holds them as they were cut.
void setRecords(SourceDeclaration& source, const std::optional<CsvRecords>& csv) {
    if (!csv) return;
    if (csv->separator == '"' || csv->separator == '\n' || csv->separator == '\r')
        throw std::invalid_argument(source.kind +
                                    ": the separator of CSV cannot be a quote or a line end");
    source.elements = core::describe(*csv);
    if (!source.replayable) source.framing = core::Framing::kPrefixed;
}

}  // namespace

DStream<std::string_view> StreamingContext::textStream(const char* kind, SourceDeclaration source) {
    requireNotStarted(*job_, kind);
    const bool isCut = source.framing == core::Framing::kPrefixed;
    const auto id = job_->addSource(std::move(source));
    if (isCut) return {job_, job_->graph.add(std::make_shared<core::RecordInputNode>(kind, id))};
    return {job_, job_->graph.add(std::make_shared<core::TextInputNode>(kind, id))};
}

DStream<std::string_view> StreamingContext::socketTextStream(std::string host, std::uint16_t port,
                                                             SocketOptions options) {
    SourceDeclaration source;
    source.maxRate = options.maxRate;
    source.kind = "socketTextStream";
    setRecords(source, options.csv);
    host = sources::withoutBrackets(std::move(host));
    source.description = "socketTextStream dials " + sources::hostAndPort(host, port);
    source.receive =
        [host, port, options = std::move(options)](
            const SourceEnvironment& environment) -> core::Result<std::shared_ptr<core::Source>> {
        sources::DialOptions dial;
        dial.label = environment.label;
        dial.host = host;
        dial.port = port;
        dial.csv = options.csv;
        dial.tls = options.tls;
        dial.caFile = options.caFile;
        return environment.network.dialText(environment.id, dial, environment.observer);
    };
    return textStream("socketTextStream", std::move(source));
}

DStream<std::string_view> StreamingContext::listenTextStream(std::string host, std::uint16_t port,
                                                             ListenOptions options) {
    return listeningStream("listenTextStream", listenOptions(host, port, options, false),
                           options.maxRate);
}

DStream<std::string_view> StreamingContext::acknowledgedTextStream(std::string host,
                                                                   std::uint16_t port,
                                                                   ListenOptions options) {
    return listeningStream("acknowledgedTextStream", listenOptions(host, port, options, true),
                           options.maxRate);
}

DStream<std::string_view> StreamingContext::listeningStream(const char* kind,
                                                            sources::ListenOptions listen,
                                                            std::optional<Rate> maxRate) {
    if (listen.acknowledged && listen.csv)
        throw std::invalid_argument(
            std::string(kind) +
            ": a session numbers the lines of its sender, so that its records are lines");
    SourceDeclaration source;
    source.maxRate = maxRate;
    source.kind = kind;
    setRecords(source, listen.csv);
    listen.address = sources::withoutBrackets(std::move(listen.address));
    source.description =
        std::string(kind) + " listens on " + sources::hostAndPort(listen.address, listen.port);
    source.receive = [listen](const SourceEnvironment& environment) mutable
        -> core::Result<std::shared_ptr<core::Source>> {
        listen.label = environment.label;
        return environment.network.listenText(environment.id, listen, environment.observer);
    };
    return textStream(kind, std::move(source));
}

DStream<std::string_view> StreamingContext::httpStream(std::string host, std::uint16_t port,
                                                       HttpOptions options) {
    requireNotStarted(*job_, "httpStream");
    if (const auto checked = sources::http::checkOptions(options); !checked)
        throw std::invalid_argument("httpStream: " + checked.error().message);
    SourceDeclaration source;
    source.lanes = sources::http::lanePrefix(options.path);
    for (const auto& other : job_->sources)
        if (other.lanes == source.lanes)
            throw std::invalid_argument("httpStream: another stream has the path \"" +
                                        options.path +
                                        "\", under which positions are kept; give each its own");
    source.kind = "httpStream";
    source.maxRate = options.maxRate;
    sources::HttpListen listen;
    listen.address = sources::withoutBrackets(std::move(host));
    listen.port = port;
    listen.options = std::move(options);
    source.description =
        "httpStream listens on " + sources::hostAndPort(listen.address, port) + listen.options.path;
    source.receive = [listen](const SourceEnvironment& environment) mutable
        -> core::Result<std::shared_ptr<core::Source>> {
        listen.label = environment.label;
        return environment.network.listenHttp(environment.id, listen, environment.observer);
    };
    return textStream("httpStream", std::move(source));
}

DStream<std::string_view> StreamingContext::memoryTextStream(std::string_view text,
                                                             std::size_t bytesPerBatch) {
    requireNotStarted(*job_, "memoryTextStream");
    auto memory = std::make_shared<core::MemoryText>(text, bytesPerBatch);
    SourceDeclaration source;
    source.kind = "memoryTextStream";
    source.description = "memoryTextStream of " + std::to_string(text.size()) + " bytes";
    source.replayable = memory;
    const auto id = job_->addSource(std::move(source));
    return {job_, job_->graph.add(std::make_shared<core::MemoryTextNode>(memory, id))};
}

DStream<std::string_view> StreamingContext::textFileStream(std::string directory,
                                                           FileStreamOptions options) {
    sources::FileSourceOptions source;
    static_cast<FileStreamOptions&>(source) = options;
    source.directories = std::move(directory);
    source.recordBytesMax = options_.maxRecordBytes;
    return fileStream("textFileStream", std::move(source));
}

DStream<std::string_view> StreamingContext::binaryRecordsStream(std::string directory,
                                                                std::size_t recordBytes,
                                                                FileStreamOptions options) {
    if (recordBytes == 0)
        throw std::invalid_argument(
            "binaryRecordsStream: the length of a record must be at least 1");
    sources::FileSourceOptions source;
    static_cast<FileStreamOptions&>(source) = options;
    source.directories = std::move(directory);
    source.recordBytes = recordBytes;
    return fileStream("binaryRecordsStream", std::move(source));
}

DStream<std::string_view> StreamingContext::fileStream(const char* kind,
                                                       sources::FileSourceOptions options) {
    requireNotStarted(*job_, kind);
    if (options.maxRate && options.maxRate->unit == Rate::Unit::kRecords)
        throw std::invalid_argument(std::string(kind) +
                                    ": a stream of files has its rate in bytes: Rate::bytes(…)");
    SourceDeclaration source;
    source.kind = kind;
    source.maxRate = options.maxRate;
    source.description = std::string(kind) + " reads new files in " + options.directories;
    source.isText = options.recordBytes == 0;
    const auto csv = options.csv;
    auto files = std::make_shared<sources::FileSource>(*job_->files, std::move(options));
    source.replayable = files;
    setRecords(source, csv);
    const auto id = job_->addSource(std::move(source));
    return {job_, job_->graph.add(std::make_shared<sources::FileInputNode>(kind, files, id))};
}

}  // namespace tidemill
