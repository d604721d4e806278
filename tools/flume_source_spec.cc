#include "tools/flume_source_spec.h"

#include "core/logging.h"
#include "sources/flume/flume_source.h"
#include "sources/tls_context.h"
#include "tools/listen_address.h"
#include "tools/listen_conflicts.h"

namespace tidemill::tools {
namespace {

constexpr std::int64_t kConnectionsMost = 1'000'000;

void readListen(TomlTable& table, SourceSpec& source, JobFileErrors& errors) {
    const auto endpoint = readListenAddress(table, "the source", "127.0.0.1:4141", errors);
    if (!endpoint) return;
    source.host = source.flume.host = endpoint->host;
    source.port = source.flume.port = endpoint->port;
    if (!isThisMachine(source.host) && !source.flume.allowRemote)
        errors.add(table.at("listen"),
                   "\"" + table.text("listen", "") +
                       "\" can be reached by other machines, and anybody there may send" +
                       (source.flume.encrypts() ? "" : ", without encryption") +
                       "; add allow_remote = true if that is meant");
}

void readDedup(TomlTable& table, FlumeOptions& flume, JobFileErrors& errors) {
    constexpr std::string_view kHeader = "header:";
    flume.dedupFor = table.duration("dedup_for", flume.dedupFor, Duration(1'000));
    if (!table.has("dedup")) {
        if (table.has("dedup_for"))
            errors.add(table.at("dedup_for"),
                       "dedup_for says how long ids are remembered; dedup says where they are, "
                       "such as dedup = \"header:id\"");
        return;
    }
    const auto text = table.text("dedup", "");
    if (text.starts_with(kHeader) && text.size() > kHeader.size())
        flume.dedupHeader = text.substr(kHeader.size());
    else
        errors.add(table.at("dedup"), "dedup is \"" + core::escaped(text, 60) +
                                          "\"; expected \"header:NAME\", the header of an event "
                                          "that holds its id");
}

}  // namespace

void readFlumeSource(TomlTable& table, std::size_t receiveBudget, SourceSpec& source,
                     JobFileErrors& errors) {
    using namespace sources::flume;
    auto& flume = source.flume;
    if (table.has("protocol"))
        if (const auto protocol = table.choice("protocol", {"avro", "thrift"}))
            flume.protocol = static_cast<FlumeProtocol>(*protocol);
    const auto number = [&](const char* key, std::size_t byDefault, std::int64_t most) {
        return static_cast<std::size_t>(
            table.integer(key, static_cast<std::int64_t>(byDefault), 1, most));
    };
    flume.requestBytesMax =
        table.size("max_request_bytes", flume.requestBytesMax, kRequestBytesMin, kRequestBytesMost);
    flume.requestEventsMax =
        number("max_request_events", flume.requestEventsMax, kRequestEventsMost);
    flume.headerBytesMax =
        table.size("max_header_bytes", flume.headerBytesMax, 1, kHeaderBytesMost);
    flume.connectionsMax = number("max_connections", flume.connectionsMax, kConnectionsMost);
    flume.connectionsPerAddressMax =
        number("max_connections_per_address", flume.connectionsPerAddressMax, kConnectionsMost);
    flume.requestTimeMax = table.duration("request_time", flume.requestTimeMax, Duration(1));
    flume.answerTimeMax = table.duration("answer_time", flume.answerTimeMax, Duration(100));
    flume.certFile = table.text("cert_file", "");
    flume.keyFile = table.text("key_file", "");
    if (const auto checked = sources::checkSecurity({flume.certFile, flume.keyFile, {}}); !checked)
        errors.add(table.at(flume.certFile.empty() ? "key_file" : "cert_file"),
                   checked.error().message);
    flume.allowRemote = table.boolean("allow_remote", false);
    source.headers = table.texts("headers");
    readDedup(table, flume, errors);
    readListen(table, source, errors);
    if (const auto checked = checkOptions(flume); !checked)
        errors.add(table.at(), checked.error().message);
    else if (budgetFor(flume) > receiveBudget)
        errors.add(table.at("max_request_bytes"),
                   "a request of max_request_bytes and max_request_events takes up to " +
                       std::to_string(budgetFor(flume)) +
                       " bytes of memory, but receive_budget is " + std::to_string(receiveBudget));
}

}  // namespace tidemill::tools
