#include "tools/http_source_spec.h"

#include <bit>

#include "sources/http/http_check.h"
#include "sources/tls_context.h"
#include "tools/listen_address.h"
#include "tools/listen_conflicts.h"

namespace tidemill::tools {
namespace {

constexpr std::int64_t kConnectionsMost = 1'000'000;

void readListen(TomlTable& table, SourceSpec& source, JobFileErrors& errors) {
    const auto endpoint = readListenAddress(table, "the source", "127.0.0.1:8080", errors);
    if (!endpoint) return;
    source.host = endpoint->host;
    source.port = endpoint->port;
    if (!isThisMachine(source.host) && !source.http.insecure && source.http.tokenFile.empty())
        errors.add(table.at("listen"),
                   "\"" + table.text("listen", "") +
                       "\" can be reached by other machines; give token_file, a file with a token "
                       "that requests must bring, or add insecure = true if anybody there may "
                       "write to the job");
}

}  // namespace

void readHttpSource(TomlTable& table, std::size_t receiveBudget, SourceSpec& source,
                    JobFileErrors& errors) {
    auto& http = source.http;
    http.path = table.text("path", "/" + source.name);
    http.tokenFile = table.text("token_file", "");
    http.certFile = table.text("cert_file", "");
    http.keyFile = table.text("key_file", "");
    http.insecure = table.boolean("insecure", false);
    http.requestBytesMax =
        table.size("max_request_bytes", http.requestBytesMax, sources::http::kRequestBytesMin,
                   sources::http::kRequestBytesMost);
    http.connectionsMax = static_cast<std::size_t>(table.integer(
        "max_connections", static_cast<std::int64_t>(http.connectionsMax), 1, kConnectionsMost));
    http.connectionsPerAddressMax = static_cast<std::size_t>(table.integer(
        "max_connections_per_address", static_cast<std::int64_t>(http.connectionsPerAddressMax), 1,
        kConnectionsMost));
    http.requestTimeMax = table.duration("request_time", http.requestTimeMax, Duration(1));
    http.idleTimeMax = table.duration("idle_time", http.idleTimeMax, Duration(1));
    readListen(table, source, errors);
    if (const auto checked = sources::http::checkOptions(http); !checked)
        errors.add(table.at("path"), checked.error().message);
    if (!http.tokenFile.empty())
        if (const auto token = sources::http::readToken(http.tokenFile); !token)
            errors.add(table.at("token_file"), token.error().message);
    if (const auto checked = sources::checkSecurity({http.certFile, http.keyFile, {}}); !checked)
        errors.add(table.at(http.certFile.empty() ? "key_file" : "cert_file"),
                   checked.error().message);
    if (std::bit_ceil(http.requestBytesMax + 1) > receiveBudget)
        errors.add(table.at("max_request_bytes"),
                   "a request of max_request_bytes, " + std::to_string(http.requestBytesMax) +
                       ", takes " + std::to_string(std::bit_ceil(http.requestBytesMax + 1)) +
                       " bytes of memory, but receive_budget is " + std::to_string(receiveBudget));
}

}  // namespace tidemill::tools
