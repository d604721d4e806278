#include "python/native/row_objects.h"

#include <utility>
#include <vector>

#include "python/native/row_values.h"

namespace tidemill::python {
namespace {

using rows::Chunk;

class RowObjectsNode final : public core::NarrowNode<Chunk, Object> {
public:
    RowObjectsNode(std::shared_ptr<core::StreamNode<Chunk>> parent, std::vector<Object> names)
        : core::NarrowNode<Chunk, Object>("dicts", std::move(parent)), names_(std::move(names)) {}
    bool holdsElements() const override { return false; }

private:
    class RowObjectsSink final : public core::Sink<Chunk> {
    public:
        RowObjectsSink(const std::vector<Object>& names, core::Downstream<Object> below)
            : names_(names), below_(std::move(below)) {}
        void take(std::span<Chunk> chunks) override {
            const GilScope gil;
            for (const Chunk& chunk : chunks) {
                rows::forEachRow(chunk, [&](std::size_t row) { out_.push_back(dict(chunk, row)); });
                below_->take(out_);
                out_.clear();
            }
        }
        void finish() override { below_->finish(); }
        std::size_t wanted() const override { return below_->wanted(); }
        bool flush() override { return below_->flush(); }

    private:
        Object dict(const Chunk& chunk, std::size_t row) const {
            auto made = orThrow(PyDict_New());
            for (std::size_t i = 0; i < names_.size(); ++i)
                if (PyDict_SetItem(made.get(), names_[i].get(),
                                   rowValue(chunk.columns[i], row).get()) != 0)
                    throwPythonError();
            return made;
        }

        const std::vector<Object>& names_;
        core::Downstream<Object> below_;
        std::vector<Object> out_;
    };

    std::unique_ptr<core::Sink<Chunk>> makeSink(core::TaskContext&,
                                                core::Downstream<Object> below) override {
        return std::make_unique<RowObjectsSink>(names_, std::move(below));
    }

    const std::vector<Object> names_;
};

}  // namespace

std::shared_ptr<core::StreamNode<Object>> makeRowObjects(const rows::RowStream& rows) {
    std::vector<Object> names;
    for (const auto& column : rows.schema.columns()) names.push_back(rowText(column.name));
    return std::make_shared<RowObjectsNode>(rows.node, std::move(names));
}

}  // namespace tidemill::python
