#include "tools/output_reader.h"

#include <filesystem>
#include <string>
#include <utility>

#include "core/file_system.h"
#include "tools/sql_output_spec.h"

namespace tidemill::tools {
namespace {

constexpr std::size_t kKibi = 1024;

void readGrowing(OutputSpec& output, TomlTable& table, JobFileErrors& errors) {
    rows::GrowingOptions growing;
    const bool grows = table.boolean("growing", false);
    growing.rotateBytes = table.size("rotate", growing.rotateBytes, kKibi);
    growing.rotateEvery = table.duration("rotate_every", Duration(0), Duration(1));
    growing.keep = static_cast<std::uint64_t>(table.integer("keep", 0, 1, 1'000'000));
    for (const char* key : {"rotate", "rotate_every", "keep"})
        if (!grows && table.has(key))
            errors.add(table.at(key), std::string(key) +
                                          " is about a file that grows, but growing is not "
                                          "true");
    if (!grows) return;
    if (output.emptyBatches || output.path == "stdout")
        errors.add(table.at("growing"),
                   "a file that grows has a directory for its path and "
                   "no empty_batches");
    output.growing = growing;
}

void readCompression(OutputSpec& output, TomlTable& table, JobFileErrors& errors) {
    if (!table.has("compress")) return;
    const auto chosen = table.choice("compress", {"none", "gzip", "zstd"});
    if (!chosen) return;
    output.compression = static_cast<Compression>(*chosen);
    if (output.path == "stdout" && output.compression != Compression::kNone)
        errors.add(table.at("compress"), "compress is about files, but path is \"stdout\"");
}

// What it writes to, the same for two that would overwrite each other; empty: nothing of its own.
std::string placeOf(const OutputSpec& output) {
    if (output.type == OutputSpec::Type::kPrint || output.path == "stdout") return {};
    // A table that is named in another way is found when the output connects.
    if (output.type == OutputSpec::Type::kPostgres && !output.postgres.table.empty())
        return output.postgres.connection + "\n" + output.postgres.table;
    if (output.type == OutputSpec::Type::kSqlite && !output.sqlite.table.empty())
        return core::Path(output.sqlite.path).lexically_normal().string() + "\n" +
               output.sqlite.table;
    if (output.prefix.empty() && output.path.empty()) return {};
    const bool isText = output.type == OutputSpec::Type::kTextFiles;
    return core::Path(isText ? output.prefix + "-*." + output.suffix : output.path)
        .lexically_normal()
        .string();
}

// Two outputs in one place would each take the other's results for its own.
void hasItsOwnPlace(const OutputSpec& output, const TomlTable& table,
                    const std::vector<OutputSpec>& others, JobFileErrors& errors) {
    const std::string place = placeOf(output);
    if (place.empty()) return;
    const bool isSql =
        output.type == OutputSpec::Type::kPostgres || output.type == OutputSpec::Type::kSqlite;
    const bool isText = output.type == OutputSpec::Type::kTextFiles;
    for (const auto& other : others)
        if (placeOf(other) == place)
            return errors.add(table.at(isSql    ? "table"
                                       : isText ? "prefix"
                                                : "path"),
                              "another output writes to " +
                                  (isSql ? "table \"" + (output.type == OutputSpec::Type::kSqlite
                                                             ? output.sqlite.table
                                                             : output.postgres.table)
                                         : "\"" + (isText ? output.prefix : output.path)) +
                                  "\" already");
}

core::Path whole(const core::Path& path) {
    std::error_code unknown;
    const auto absolute = std::filesystem::absolute(path, unknown);
    return (unknown ? path : absolute).lexically_normal() / "";
}

}  // namespace

OutputSpec readOutput(TomlTable& table, const JobFile& job, JobFileErrors& errors) {
    OutputSpec output;
    output.at = table.at();
    const auto type = table.choice("to", {"print", "text_files", "json_lines", "kafka", "csv",
                                          "tsv", "text", "postgres", "sqlite"});
    if (!type) return output;
    output.type = static_cast<OutputSpec::Type>(*type);
    output.from = table.text("from", "");
    output.fromAt = table.at("from");
    switch (output.type) {
        case OutputSpec::Type::kPrint:
            output.num = static_cast<std::size_t>(table.integer("num", 10, 1, 1'000'000));
            output.skipEmpty = table.boolean("skip_empty", false);
            break;
        case OutputSpec::Type::kTextFiles:
            output.prefix = table.requiredText("prefix");
            output.suffix = table.text("suffix", "");
            output.skipEmpty = table.boolean("skip_empty", false);
            readCompression(output, table, errors);
            break;
        case OutputSpec::Type::kKafka:
            output.kafka = readKafkaOutput(table, job.name, errors);
            break;
        case OutputSpec::Type::kPostgres:
            output.postgres = readPostgresOutput(table, errors);
            break;
        case OutputSpec::Type::kSqlite: output.sqlite = readSqliteOutput(table); break;
        case OutputSpec::Type::kText: output.line = table.requiredText("line"); [[fallthrough]];
        case OutputSpec::Type::kJsonLines:
        case OutputSpec::Type::kCsv:
        case OutputSpec::Type::kTsv:
            output.path = table.requiredText("path");
            output.emptyBatches = table.boolean("empty_batches", false);
            if (output.emptyBatches && output.path == "stdout")
                errors.add(table.at("empty_batches"),
                           "empty_batches is about files, but path is \"stdout\"");
            readGrowing(output, table, errors);
            readCompression(output, table, errors);
            break;
    }
    hasItsOwnPlace(output, table, job.outputs, errors);
    return output;
}

// A job must not read what it writes, nor write among its own state.
void checkOutputsLieApart(const JobFile& job, JobFileErrors& errors) {
    const auto data = whole(job.directoryOr(""));
    for (const auto& output : job.outputs) {
        const std::string& place = output.type == OutputSpec::Type::kSqlite ? output.sqlite.path
                                   : output.path.empty()                    ? output.prefix
                                                                            : output.path;
        if (output.type == OutputSpec::Type::kPrint || place.empty() || place == "stdout") continue;
        if (whole(place).string().starts_with(data.string()) && !job.name.empty())
            errors.add(output.at, "this output writes to \"" + place +
                                      "\", which lies in the job's data directory");
        if (output.path.empty()) continue;
        for (const auto& source : job.sources)
            if (source.type == SourceSpec::Type::kFiles && !source.directory.empty() &&
                whole(source.directory) == whole(place))
                errors.add(output.at, "this output writes to \"" + place +
                                          "\", where the files source of line " +
                                          std::to_string(source.at.line) +
                                          " would read its own results");
    }
}

}  // namespace tidemill::tools
