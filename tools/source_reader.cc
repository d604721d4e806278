#include "tools/source_reader.h"

#include <string>
#include <utility>

#include "core/file_system.h"
#include "core/logging.h"
#include "sources/endpoint.h"
#include "sources/tls_context.h"
#include "sources/unix_path.h"
#include "tidemill/disk_budget.h"
#include "tools/file_source_spec.h"
#include "tools/flume_source_spec.h"
#include "tools/http_source_spec.h"
#include "tools/kafka_source_spec.h"
#include "tools/kinesis_source_spec.h"
#include "tools/listen_conflicts.h"

namespace tidemill::tools {
namespace {

std::optional<Rate> readRate(TomlTable& table, SourceSpec::Type type, JobFileErrors& errors) {
    const auto text = table.text("max_rate", "");
    if (!table.has("max_rate")) return std::nullopt;
    const auto rate = parseRate(text);
    if (!rate)
        errors.add(table.at("max_rate"),
                   "max_rate is \"" + core::escaped(text, 60) + "\"; " + std::string(kRateForms));
    if (rate && rate->unit == Rate::Unit::kRecords && type == SourceSpec::Type::kFiles &&
        !table.boolean("follow", false)) {
        errors.add(table.at("max_rate"),
                   "max_rate of files is in bytes, such as \"10 MiB/s\": their records are not "
                   "counted before they are read");
        return std::nullopt;
    }
    return rate;
}

// The start would refuse the same; here it has its place in the file.
void listensOn(const SourceSpec& source, Position at, JobFileErrors& errors) {
    if (sources::unixPathOf(source.host)) return;
    if (!isAddress(source.host))
        return errors.add(at, "host is \"" + core::escaped(source.host, 60) +
                                  "\", but a listening source needs an address of this "
                                  "machine, such as \"127.0.0.1\"");
    const bool isGuarded =
        !source.certFile.empty() && !source.keyFile.empty() && !source.tokenFile.empty();
    if (!isThisMachine(source.host) && !source.allowRemote && !isGuarded)
        errors.add(at, "host \"" + source.host +
                           "\" can be reached by other machines; give cert_file, key_file and "
                           "token_file, or add allow_remote = true if anybody there may read and "
                           "send");
}

// TLS and a token, in the words of [page].
void readSecurity(TomlTable& table, SourceSpec& source, JobFileErrors& errors) {
    source.certFile = table.text("cert_file", "");
    source.keyFile = table.text("key_file", "");
    source.tokenFile = table.text("token_file", "");
    const sources::SecurityFiles files{source.certFile, source.keyFile, ""};
    if (const auto checked = sources::checkSecurity(files); !checked)
        errors.add(table.at(source.certFile.empty() ? "key_file" : "cert_file"),
                   checked.error().message);
    if (const auto token = sources::readTokenFile(source.tokenFile); !token)
        errors.add(table.at("token_file"), token.error().message);
}

// Of a server that is dialled.
void readServerTls(TomlTable& table, SourceSpec& source, JobFileErrors& errors) {
    source.tls = table.boolean("tls", false);
    source.caFile = table.text("ca_file", "");
    if (!source.caFile.empty() && !source.tls)
        return errors.add(table.at("ca_file"),
                          "ca_file says whom to trust when the server speaks TLS: add tls = true");
    if (!source.tls) return;
    if (sources::unixPathOf(source.host))
        return errors.add(table.at("tls"),
                          "a Unix socket needs no TLS: what goes through it stays on this machine");
    if (const auto context = sources::makeClientContext(source.caFile); !context)
        errors.add(table.at(source.caFile.empty() ? "tls" : "ca_file"), context.error().message);
}

// The same for Unix sockets, by their paths.
void sharesNoPath(const SourceSpec& source, Position at, const std::vector<SourceSpec>& others,
                  JobFileErrors& errors) {
    const auto path = sources::unixPathOf(source.host);
    const bool dials = source.type == SourceSpec::Type::kSocket;
    for (const auto& other : others) {
        const bool otherDials = other.type == SourceSpec::Type::kSocket;
        const auto otherPath = sources::unixPathOf(other.host);
        if (!otherPath || (dials && otherDials) ||
            core::Path(*path).lexically_normal() != core::Path(*otherPath).lexically_normal())
            continue;
        const auto where = "\"" + core::escaped(source.host, 200) + "\"";
        const auto which = "the source of line " + std::to_string(other.at.line);
        if (!dials && !otherDials)
            return errors.add(at, which + " listens on " + where + " already");
        return errors.add(at, "this job would dial itself: " + which + " " +
                                  (dials ? "listens on " : "dials ") + where);
    }
}

void readUnixSource(TomlTable& table, const SourceSpec& source,
                    const std::vector<SourceSpec>& others, JobFileErrors& errors) {
    const auto at = table.at("host");
    if (table.has("port"))
        errors.add(table.at("port"),
                   "a Unix socket has no port: leave it out, or give a host other than \"" +
                       core::escaped(source.host, 60) + "\"");
    table.integer("port", 0, 0, 65535);
    if (const auto fits = sources::checkUnixPath(*sources::unixPathOf(source.host)); !fits)
        return errors.add(at, fits.error().message);
    sharesNoPath(source, at, others, errors);
}

// Positions are kept under the path.
void followsNoOthers(const SourceSpec& source, const std::vector<SourceSpec>& others,
                     JobFileErrors& errors) {
    for (const auto& other : others)
        if (source.follow && other.follow && other.path == source.path)
            errors.add(source.at, "the source of line " + std::to_string(other.at.line) +
                                      " follows \"" + core::escaped(source.path, 200) +
                                      "\" already; steps can take that one more than once");
}

// Two that listen on one port, or one that dials what another listens on.
void sharesNoPort(const SourceSpec& source, Position at, const std::vector<SourceSpec>& others,
                  JobFileErrors& errors) {
    const bool dials = source.type == SourceSpec::Type::kSocket;
    if (source.port == 0) return;
    for (const auto& other : others) {
        if (other.port != source.port) continue;
        const bool otherDials = other.type == SourceSpec::Type::kSocket;
        const std::string which = "port " + std::to_string(source.port) + ", on which the source " +
                                  (other.name.empty() ? "" : "\"" + other.name + "\" ") +
                                  "of line " + std::to_string(other.at.line) + " listens";
        if (!dials && !otherDials && overlap(source.host, other.host))
            return errors.add(at, "host \"" + core::escaped(source.host, 60) + "\" takes in " +
                                      which + " already");
        if (dials && !otherDials && isThisMachine(source.host) && overlap(source.host, other.host))
            return errors.add(at, "this source would dial its own job: it dials " + which);
        if (!dials && otherDials && isThisMachine(other.host) && overlap(source.host, other.host))
            return errors.add(at, "the source of line " + std::to_string(other.at.line) +
                                      " would dial its own job: it dials port " +
                                      std::to_string(source.port) + ", on which this one listens");
    }
}

// How the source cuts its records; none: lines.
std::optional<CsvRecords> readRecords(TomlTable& table, SourceSpec::Type type,
                                      JobFileErrors& errors) {
    if (!table.has("records")) return std::nullopt;
    const auto records = table.choice("records", {"lines", "csv"});
    if (records != 1u) return std::nullopt;
    if (type == SourceSpec::Type::kListenAcknowledged) {
        errors.add(table.at("records"),
                   "records of a listen_acknowledged source are lines, which its sessions number "
                   "and say to be durable; records of CSV over several lines can come by listen, "
                   "socket, files or kafka");
        return std::nullopt;
    }
    CsvRecords csv;
    const auto separator = table.text("separator", ",");
    if (separator.size() == 1 && separator.find_first_of("\"\r\n") == separator.npos)
        csv.separator = separator.front();
    else
        errors.add(table.at("separator"),
                   "the separator of csv must be one byte, and no quote or line end");
    csv.trim = table.boolean("trim", false);
    return csv;
}

}  // namespace

SourceSpec readSource(TomlTable& table, const JobFile& job, JobFileErrors& errors) {
    SourceSpec source;
    source.at = table.at();
    source.name = table.text("name", "");
    const auto type = table.choice("type", {"socket", "listen", "listen_acknowledged", "files",
                                            "kafka", "http", "flume", "kinesis"});
    if (type) source.type = static_cast<SourceSpec::Type>(*type);
    if (!type) return source;
    source.maxRate = readRate(table, source.type, errors);
    if (source.type == SourceSpec::Type::kKafka) {
        readKafkaSource(table, job.name, source, errors);
        return source;
    }
    if (source.type == SourceSpec::Type::kKinesis) {
        readKinesisSource(table, job.name, source, errors);
        return source;
    }
    if (source.type == SourceSpec::Type::kHttp || source.type == SourceSpec::Type::kFlume) {
        const auto errorsBefore = errors.count();
        const bool isHttp = source.type == SourceSpec::Type::kHttp;
        (isHttp ? readHttpSource : readFlumeSource)(table, receiveBudget(job.options), source,
                                                    errors);
        if (errors.count() == errorsBefore)
            sharesNoPort(source, table.at("listen"), job.sources, errors);
        return source;
    }
    source.csv = readRecords(table, source.type, errors);
    if (source.type == SourceSpec::Type::kFiles) {
        readFileSource(table, source, errors);
        followsNoOthers(source, job.sources, errors);
        return source;
    }
    const bool dials = source.type == SourceSpec::Type::kSocket;
    source.host = sources::withoutBrackets(table.text("host", dials ? "localhost" : "127.0.0.1"));
    const bool isUnix = sources::unixPathOf(source.host).has_value();
    if (isUnix) readUnixSource(table, source, job.sources, errors);
    else
        source.port =
            static_cast<std::uint16_t>(table.requiredInteger("port", dials ? 1 : 0, 65535));
    if (dials) readServerTls(table, source, errors);
    if (!dials) {
        source.connectionsMax =
            static_cast<std::size_t>(table.integer("max_connections", 1024, 1, 1'000'000));
        source.connectionsPerAddressMax = static_cast<std::size_t>(
            table.integer("max_connections_per_address", 64, 1, 1'000'000));
        source.allowRemote = table.boolean("allow_remote", false);
        readSecurity(table, source, errors);
        listensOn(source, table.at("host"), errors);
    }
    if (!isUnix) sharesNoPort(source, table.at("port"), job.sources, errors);
    return source;
}

ListenOptions listenOptionsOf(const SourceSpec& source) {
    ListenOptions listen;
    listen.connectionsPerAddressMax = source.connectionsPerAddressMax;
    listen.connectionsMax = source.connectionsMax;
    listen.allowRemote = source.allowRemote;
    listen.csv = source.csv;
    listen.certFile = source.certFile;
    listen.keyFile = source.keyFile;
    listen.tokenFile = source.tokenFile;
    return listen;
}

}  // namespace tidemill::tools
