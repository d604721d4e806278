// A Reader whose RowReaders are CuttingReaders.
#pragma once

#include <memory>
#include <utility>

#include "rows/reader.h"
#include "rows/readers/field_columns.h"

namespace tidemill::rows {

// Row is constructed from (plan, shared): `shared` is what the reader's kind prepares once.
template <class Row, class Shared>
class PlannedReader final : public Reader {
public:
    PlannedReader(std::shared_ptr<const FieldPlan> plan, Shared shared)
        : plan_(std::move(plan)), shared_(std::make_shared<const Shared>(std::move(shared))) {}

    const Schema& schema() const override { return plan_->schema(); }
    std::unique_ptr<RowReader> makeRowReader() const override {
        return std::make_unique<Row>(plan_, shared_);
    }

private:
    std::shared_ptr<const FieldPlan> plan_;
    std::shared_ptr<const Shared> shared_;
};

}  // namespace tidemill::rows
