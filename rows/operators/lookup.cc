// lookup: each row gets the columns of its partner in a table.
#include "rows/lookup.h"

#include <algorithm>

#include "rows/key_encoding.h"
#include "rows/lookup/lookup_source.h"
#include "rows/operators/text_of_json.h"
#include "rows/row_codec.h"

namespace tidemill::rows {
namespace {

using core::ErrorKind;
using core::fail;
using core::Result;

struct Lookup {
    std::vector<std::size_t> key;     // in the rows
    std::vector<std::size_t> others;  // in the table
    std::vector<Type> types;          // of these
    bool keepsAll = false;
};

class LookupNode final : public core::NarrowNode<Chunk, Chunk> {
public:
    LookupNode(std::shared_ptr<core::StreamNode<Chunk>> from, std::shared_ptr<LookupSource> source,
               Lookup how)
        : NarrowNode("lookup", std::move(from)), source_(std::move(source)), how_(std::move(how)) {}

    bool holdsElements() const override { return false; }

    // The table stays until the next batch: texts of the batch at hand lie in it.
    void beginBatch(core::BatchRun&) override {
        table_ = source_->table();
        TM_CHECK(table_ != nullptr, "a batch that is run has a table");
    }

private:
    class LookupSink final : public core::Sink<Chunk> {
    public:
        LookupSink(const LookupTable& table, const Lookup& how, core::Downstream<Chunk> below)
            : table_(table), how_(how), below_(std::move(below)), keys_(how.key) {
            for (const auto type : how.types) added_.emplace_back(type);
        }

        void take(std::span<Chunk> chunks) override {
            for (Chunk& chunk : chunks) take(chunk);
        }
        void finish() override { below_->finish(); }
        std::size_t wanted() const override { return below_->wanted(); }
        bool flush() override { return below_->flush(); }

    private:
        void take(Chunk& chunk) {
            for (auto& column : added_) column.clearNulls();
            const auto keys = keys_.encode(chunk);
            std::size_t count = 0, next = 0;
            forEachRow(chunk, [&](std::size_t row) {
                const auto found = table_.find(keys[next++]);
                if (!found && !how_.keepsAll) return;
                for (std::size_t i = 0; i < added_.size(); ++i) {
                    if (found) table_.copy(how_.others[i], *found, added_[i], row);
                    else setNull(added_[i], row);
                }
                selected_[count++] = static_cast<std::uint16_t>(row);
            });
            if (count == 0) return;
            columns_.assign(chunk.columns.begin(), chunk.columns.end());
            for (const auto& column : added_) columns_.push_back(column.column());
            chunk.columns = columns_;
            chunk.selectedCount = count;
            chunk.selected = count == chunk.rows ? nullptr : selected_;
            below_->take(std::span(&chunk, 1));
        }

        const LookupTable& table_;
        const Lookup& how_;
        core::Downstream<Chunk> below_;
        KeyEncoder keys_;
        std::vector<ColumnBuffer> added_;
        std::vector<Column> columns_;
        std::uint16_t selected_[kChunkRows];
    };

    std::unique_ptr<core::Sink<Chunk>> makeSink(core::TaskContext&,
                                                core::Downstream<Chunk> below) override {
        return std::make_unique<LookupSink>(*table_, how_, std::move(below));
    }

    const std::shared_ptr<LookupSource> source_;
    const Lookup how_;
    std::shared_ptr<const LookupTable> table_;
};

}  // namespace

Result<RowStream> lookup(const RowStream& given, LookupTableFile file,
                         const std::vector<std::string>& on, JoinKind kind) {
    if (kind != JoinKind::kInner && kind != JoinKind::kLeft)
        return fail(ErrorKind::kInvalid, "a lookup is inner or left");
    const Schema& table = file.reader->schema();
    for (const auto& name : on)
        if (!table.find(name))
            return fail(ErrorKind::kInvalid,
                        "the table has no field \"" + name + "\", but these: " + table.text());
    TM_ASSIGN(const RowStream from, withTextKeys(given, table, on));
    Lookup how;
    how.keepsAll = kind == JoinKind::kLeft;
    std::vector<std::size_t> tableKey;
    for (const auto& name : on) {
        TM_ASSIGN(const auto place, from.schema.indexOf(name));
        TM_ASSIGN(const auto other, table.indexOf(name));
        if (from.schema[place].type != table[other].type)
            return fail(ErrorKind::kInvalid,
                        "\"" + name + "\" is of type " + toString(from.schema[place].type) +
                            " in the rows and of type " + toString(table[other].type) +
                            " in the table: give both the same where they are read");
        how.key.push_back(place);
        tableKey.push_back(other);
    }
    auto columns = from.schema.columns();
    for (std::size_t place = 0; place < table.size(); ++place) {
        if (std::find(tableKey.begin(), tableKey.end(), place) != tableKey.end()) continue;
        columns.push_back(table[place]);
        columns.back().isLoose =
            std::find(file.loose.begin(), file.loose.end(), table[place].name) != file.loose.end();
        how.others.push_back(place);
        how.types.push_back(table[place].type);
    }
    TM_ASSIGN(auto schema, Schema::of(std::move(columns)));
    SourceDeclaration declared;
    declared.kind = "lookup";
    declared.description = "lookup reads the table " + file.path;
    declared.label = "table \"" + file.path + "\"";
    auto source =
        std::make_shared<LookupSource>(*from.job->files, std::move(file), std::move(tableKey));
    declared.replayable = source;
    from.job->addSource(std::move(declared));
    auto node = from.job->graph.add(
        std::make_shared<LookupNode>(from.node, std::move(source), std::move(how)));
    return RowStream{from.job, std::move(node), std::move(schema)};
}

}  // namespace tidemill::rows
