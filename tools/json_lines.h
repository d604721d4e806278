// JSON lines as an output of job files: one object for each element.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/batch_files.h"
#include "rows/json.h"
#include "tidemill/tidemill.h"

namespace tidemill::tools {

inline void appendJsonFields(std::string& out, std::string_view text) {
    rows::appendJsonBytes(out, "value", text);
}
inline void appendJsonFields(std::string& out,
                             const std::pair<std::string_view, std::int64_t>& pair) {
    rows::appendJsonBytes(out, "key", pair.first);
    out += ", \"value\": " + std::to_string(pair.second);
}

struct JsonLinesOptions {
    std::string path;  // a directory, or "stdout"
    // A file for batches without elements too.
    bool emptyBatches = false;
    // Names of the fields that the elements have; see batchKeys.
    std::vector<std::string> columns;
    Compression compression = Compression::kNone;  // of files
};

// The names under which a line says its batch and its time: "batch" and "time", or "_batch" and
// "_time" when a field has one of those names. Job files have no fields of the latter names.
inline std::pair<std::string, std::string> batchKeys(const std::vector<std::string>& columns) {
    const auto has = [&](std::string_view name) {
        return std::find_if(columns.begin(), columns.end(), [&](const std::string& column) {
                   return column == name || column == std::string(name) + "_base64";
               }) != columns.end();
    };
    if (has("batch") || has("time")) return {"_batch", "_time"};
    return {"batch", "time"};
}

// {"batch": 7, "time": 1000, "key": …, "value": …}: on standard output, so that a batch that comes
// twice after a crash can be told; and in a directory, one file BATCH.jsonl for each batch, which
// appears whole and once. Memory: one piece of about a megabyte.
template <class T>
class JsonLines final : public core::OutputOperation {
public:
    // append(out, element) writes the element's `"name": value, …`.
    using Append = std::function<void(std::string& out, const T& element)>;
    JsonLines(std::shared_ptr<core::StreamNode<T>> node, core::FileSystem& files,
              JsonLinesOptions options, Append append)
        : node_(std::move(node)),
          options_(std::move(options)),
          files_(files, options_.path, ".jsonl", options_.compression),
          append_(std::move(append)) {
        node_->require();
    }

    std::string describe() const override {
        const auto [batch, time] = batchKeys(options_.columns);
        return "json_lines path=" + options_.path + ", each line with \"" + batch + "\" and \"" +
               time + "\"";
    }

    bool holdsRecords() const override { return node_->perRecord(); }

    std::string place() const override {
        return toStdout() ? std::string() : core::absolutePlace(options_.path);
    }

    core::Result<> open(const core::OutputOpening& opening) override {
        return toStdout() ? core::Result<>{} : files_.open(opening);
    }

    core::Visibility run(core::BatchRun& run) override {
        if (!run.isActive(node_->slide())) return core::Visibility::kNow;
        if (!toStdout()) return writeFile(run);
        write(run, [](const std::string& text) { core::writeOut(std::cout, text); });
        return core::Visibility::kNow;
    }

private:
    static constexpr std::size_t kPieceBytes = 1 << 20;

    bool toStdout() const { return options_.path == "stdout"; }

    core::Visibility writeFile(core::BatchRun& run) {
        std::unique_ptr<core::BatchFiles::Writer> file;
        bool done = false;
        const auto begin = [&] {
            file = core::orThrow(files_.begin(run.mark()));
            done = file == nullptr;
        };
        if (options_.emptyBatches) begin();
        if (!done)
            write(run, [&](const std::string& text) {
                if (!file && !done) begin();
                if (file) core::orThrow(file->append(text));
            });
        if (file) core::orThrow(file->commit());
        return done ? core::Visibility::kBefore : core::Visibility::kNow;
    }

    // Calls piece(lines) with whole lines, piece by piece.
    template <class Piece>
    void write(core::BatchRun& run, Piece piece) {
        Batch<T> batch(*node_, run);
        const auto [batchKey, timeKey] = batchKeys(options_.columns);
        const std::string prefix = "{\"" + batchKey + "\": " + std::to_string(batch.id()) + ", \"" +
                                   timeKey + "\": " + std::to_string(toMillis(batch.time())) + ", ";
        std::string text;
        batch.forEach([&](const T& element) {
            text += prefix;
            append_(text, element);
            text += "}\n";
            if (text.size() < kPieceBytes) return;
            piece(text);
            text.clear();
        });
        if (!text.empty()) piece(text);
    }

    std::shared_ptr<core::StreamNode<T>> node_;
    const JsonLinesOptions options_;
    core::BatchFiles files_;
    Append append_;
};

template <class T>
void saveAsJsonLines(const DStream<T>& stream, JsonLinesOptions options,
                     typename JsonLines<T>::Append append) {
    stream.job()->graph.addOutput(std::make_unique<JsonLines<T>>(
        stream.node(), *stream.job()->files, std::move(options), std::move(append)));
}

}  // namespace tidemill::tools
