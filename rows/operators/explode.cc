// explode: a row for each part of a text or element of a JSON array.
#include <functional>

#include "rows/operators/rejects.h"
#include "rows/row_codec.h"
#include "rows/row_stream.h"

namespace tidemill::rows {
namespace {

// Calls piece(text) for each of the pieces between separators.
bool cutText(std::string_view text, const std::string& separator,
             const std::function<void(std::string_view)>& piece) {
    if (text.empty()) return true;
    for (;;) {
        const auto end = text.find(separator);
        piece(text.substr(0, end));
        if (end == text.npos) return true;
        text.remove_prefix(end + separator.size());
    }
}

bool isJsonSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The elements of an array in JSON that is known to be valid; false when it is no array.
bool cutJson(std::string_view json, const std::function<void(std::string_view)>& piece) {
    const auto trim = [](std::string_view text) {
        while (!text.empty() && isJsonSpace(text.front())) text.remove_prefix(1);
        while (!text.empty() && isJsonSpace(text.back())) text.remove_suffix(1);
        return text;
    };
    json = trim(json);
    if (json.size() < 2 || json.front() != '[') return false;
    json = trim(json.substr(1, json.size() - 2));
    if (json.empty()) return true;
    int depth = 0;
    bool isQuoted = false;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (isQuoted) {
            if (c == '\\') ++i;
            else isQuoted = c != '"';
        } else if (c == '"') {
            isQuoted = true;
        } else if (c == '[' || c == '{') {
            ++depth;
        } else if (c == ']' || c == '}') {
            --depth;
        } else if (c == ',' && depth == 0) {
            piece(trim(json.substr(begin, i - begin)));
            begin = i + 1;
        }
    }
    piece(trim(json.substr(begin)));
    return true;
}

class ExplodeNode final : public core::NarrowNode<Chunk, Chunk> {
public:
    ExplodeNode(std::shared_ptr<core::StreamNode<Chunk>> from, Schema schema, std::size_t place,
                std::string separator)
        : NarrowNode("explode", std::move(from)),
          schema_(std::move(schema)),
          place_(place),
          separator_(std::move(separator)) {}

    bool holdsElements() const override { return false; }

private:
    class ExplodeSink final : public core::Sink<Chunk> {
    public:
        ExplodeSink(const ExplodeNode& node, core::RecordGuard guard, core::Downstream<Chunk> below)
            : node_(node),
              rejects_(std::move(guard)),
              below_(std::move(below)),
              rows_(node.schema_) {}

        void take(std::span<Chunk> chunks) override {
            for (Chunk& chunk : chunks) take(chunk);
        }
        void finish() override { below_->finish(); }
        std::size_t wanted() const override { return below_->wanted(); }
        bool flush() override { return below_->flush(); }

    private:
        void take(Chunk& chunk) {
            const Column& column = chunk.columns[node_.place_];
            const auto* texts = column.as<Type::kText>();
            forEachRow(chunk, [&](std::size_t row) {
                if (column.isNull(row)) return;
                const auto piece = [&](std::string_view part) { add(chunk, row, part); };
                const bool good = column.type == Type::kText
                                      ? cutText(texts[row], node_.separator_, piece)
                                      : cutJson(texts[row], piece);
                if (!good)
                    failures_.add(row, "field \"" + node_.schema_[node_.place_].name +
                                           "\" must be a JSON array");
            });
            rejects_.take(chunk, failures_);
            rows_.flushInto(*below_);
        }

        void add(const Chunk& chunk, std::size_t row, std::string_view part) {
            const std::size_t to = rows_.rows();
            for (std::size_t i = 0; i < chunk.columns.size(); ++i) {
                if (i == node_.place_) rows_.columns()[i].as<Type::kText>()[to] = part;
                else copyValue(chunk.columns[i], row, rows_.columns()[i], to);
            }
            rows_.next();
            if (rows_.isFull()) rows_.flushInto(*below_);
        }

        const ExplodeNode& node_;
        Rejects rejects_;
        RowFailures failures_;
        core::Downstream<Chunk> below_;
        RowBuilder rows_;
    };

    std::unique_ptr<core::Sink<Chunk>> makeSink(core::TaskContext& task,
                                                core::Downstream<Chunk> below) override {
        return std::make_unique<ExplodeSink>(*this, guard(task), std::move(below));
    }

    const Schema schema_;
    const std::size_t place_;
    const std::string separator_;
};

}  // namespace

core::Result<RowStream> explode(const RowStream& from, const std::string& name,
                                const std::string& separator) {
    TM_ASSIGN(const auto place, from.schema.indexOf(name));
    const Type type = from.schema[place].type;
    if (!isTextual(type))
        return core::fail(core::ErrorKind::kInvalid,
                          "explode takes a text or a JSON array, but \"" + name + "\" is of type " +
                              toString(type));
    if (type == Type::kText && separator.empty())
        return core::fail(core::ErrorKind::kInvalid,
                          "\"" + name + "\" is a text: say at which separator it is cut");
    auto node = from.job->graph.add(
        std::make_shared<ExplodeNode>(from.node, from.schema, place, separator));
    return RowStream{from.job, std::move(node), from.schema};
}

}  // namespace tidemill::rows
