#include <iostream>

#include "core/batch_files.h"
#include "core/operators/print.h"
#include "core/operators/save_as_text_files.h"
#include "rows/format/value_text.h"
#include "rows/outputs.h"
#include "rows/outputs/scan_rows.h"

namespace tidemill::rows {
namespace {

using core::BatchRun;
using core::orThrow;
using core::Result;
using core::Visibility;
using Node = std::shared_ptr<core::StreamNode<Chunk>>;

BatchStamp stampOf(const BatchRun& run) {
    return {run.record().batch.value, toMillis(run.record().time)};
}

class PrintRows final : public core::OutputOperation {
public:
    PrintRows(Node node, std::size_t rows, std::ostream& out, bool skipEmpty)
        : node_(std::move(node)), rows_(rows), out_(out), skipEmpty_(skipEmpty) {
        node_->require();
    }
    std::string describe() const override { return "print"; }
    bool holdsRecords() const override { return false; }
    Visibility run(BatchRun& run) override {
        if (!run.isActive(node_->slide())) return Visibility::kNow;
        std::string text = core::printHeader(run.record().time);
        std::size_t seen = 0;
        scanRows(*node_, run, rows_ + 1, [&](const Chunk& chunk, std::size_t row) {
            if (++seen > rows_) {
                text += "...\n";
                return;
            }
            appendTuple(text, chunk, row);
            text += '\n';
        });
        if (seen != 0 || !skipEmpty_) core::writeOut(out_, text + "\n");
        return Visibility::kNow;
    }

private:
    Node node_;
    const std::size_t rows_;
    std::ostream& out_;
    const bool skipEmpty_;
};

void appendLines(std::string& out, const Chunk& chunk) {
    forEachRow(chunk, [&](std::size_t row) {
        appendTuple(out, chunk, row);
        out += '\n';
    });
}

class SaveRows final : public core::OutputOperation {
public:
    SaveRows(Node node, core::FileSystem& files, RowFiles options)
        : node_(std::move(node)),
          options_(std::move(options)),
          files_(files, options_.path, options_.suffix, options_.compression) {
        node_->require();
        if (options_.growing)
            growing_.emplace(files, options_.path, options_.suffix, *options_.growing,
                             options_.compression);
    }
    std::string describe() const override {
        return options_.kind + " path=" + options_.path + ", " + options_.format->describe();
    }
    bool holdsRecords() const override { return false; }
    std::string place() const override {
        return toStdout() ? std::string() : core::absolutePlace(options_.path);
    }
    Result<> open(const core::OutputOpening& opening) override {
        if (growing_) return growing_->open(opening);
        return toStdout() ? Result<>{} : files_.open(opening);
    }
    std::string note() override { return growing_ ? growing_->note() : std::string(); }
    Visibility run(BatchRun& run) override {
        if (!run.isActive(node_->slide())) return Visibility::kNow;
        if (growing_) return grow(run);
        if (!toStdout()) return writeFile(run);
        write(run, {}, [](const std::string& text) { core::writeOut(std::cout, text); });
        return Visibility::kNow;
    }

private:
    static constexpr std::size_t kPieceBytes = 1 << 20;

    bool toStdout() const { return options_.path == "stdout"; }

    Visibility grow(BatchRun& run) {
        if (!orThrow(growing_->begin(run.mark(), run.record(), options_.format->header())))
            return Visibility::kBefore;
        write(run, {}, [&](const std::string& text) { orThrow(growing_->append(text)); });
        orThrow(growing_->commit());
        return Visibility::kNow;
    }

    Visibility writeFile(BatchRun& run) {
        std::unique_ptr<core::BatchFiles::Writer> file;
        bool isDone = false;
        const auto begin = [&] {
            file = orThrow(files_.begin(run.mark()));
            isDone = file == nullptr;
        };
        const std::string header = options_.format->header();
        if (options_.emptyBatches) {
            begin();
            if (file) orThrow(file->append(header));
        }
        if (!isDone)
            write(run, options_.emptyBatches ? std::string() : header,
                  [&](const std::string& text) {
                      if (!file && !isDone) begin();
                      if (file) orThrow(file->append(text));
                  });
        if (file) orThrow(file->commit());
        return isDone ? Visibility::kBefore : Visibility::kNow;
    }

    // Calls piece(lines) with whole lines, piece by piece; `header` begins the first.
    template <class Piece>
    void write(BatchRun& run, std::string header, Piece piece) {
        const BatchStamp stamp = stampOf(run);
        std::string text = std::move(header);
        bool any = false;
        scanRows(*node_, run, kAllRows, [&](const Chunk& chunk, std::size_t row) {
            options_.format->append(text, stamp, chunk, row);
            any = true;
            if (text.size() < kPieceBytes) return;
            piece(text);
            text.clear();
        });
        if (any && !text.empty()) piece(text);
    }

    Node node_;
    const RowFiles options_;
    core::BatchFiles files_;
    std::optional<GrowingFiles> growing_;
};

}  // namespace

void print(const RowStream& stream, std::size_t rows, std::ostream& out, bool skipEmpty) {
    stream.job->graph.addOutput(std::make_unique<PrintRows>(stream.node, rows, out, skipEmpty));
}

void saveAsTextFiles(const RowStream& stream, const std::string& prefix, const std::string& suffix,
                     bool skipEmpty, Compression compression) {
    stream.job->graph.addOutput(std::make_unique<core::SaveAsTextFiles<Chunk>>(
        stream.node, *stream.job->files, prefix, suffix, appendLines, skipEmpty, compression));
}

void saveRows(const RowStream& stream, RowFiles files) {
    stream.job->graph.addOutput(
        std::make_unique<SaveRows>(stream.node, *stream.job->files, std::move(files)));
}

}  // namespace tidemill::rows
