#include "rows/expression.h"

#include "rows/expressions/binder.h"
#include "rows/expressions/node.h"
#include "rows/sql/bind.h"
#include "rows/sql/syntax.h"

namespace tidemill::rows {

using core::Result;
using expressions::NodePtr;

namespace {

class NodeEvaluator final : public Evaluator {
public:
    explicit NodeEvaluator(NodePtr node)
        : node_(std::move(node)), root_(expressions::operandOf(*node_)) {}

    Column evaluate(const Chunk& chunk, core::Arena& arena, RowFailures& failures) override {
        expressions::Frame frame{chunk, arena, failures};
        const expressions::Rows rows{chunk.rows, chunk.selected,
                                     chunk.selected == nullptr ? chunk.rows : chunk.selectedCount};
        return root_.run(frame, rows);
    }

private:
    NodePtr node_;  // has the constants
    expressions::Operand root_;
};

class NodeExpression final : public Expression {
public:
    explicit NodeExpression(NodePtr node) : node_(std::move(node)) {}
    Type type() const override { return node_->type; }
    std::unique_ptr<Evaluator> makeEvaluator() const override {
        return std::make_unique<NodeEvaluator>(node_);
    }
    std::string text() const override { return node_->text; }

private:
    NodePtr node_;
};

}  // namespace

Result<std::shared_ptr<const Expression>> parseExpression(std::string_view sql,
                                                          const Schema& schema) {
    TM_ASSIGN(const sql::Term term, sql::parseTerm(sql));
    return expressionOf(term, schema, sql);
}

Result<std::shared_ptr<const Expression>> expressionOf(const sql::Term& term, const Schema& schema,
                                                       std::string_view sql) {
    const sql::SqlText text(sql);
    expressions::Binder binder(schema, text);
    TM_ASSIGN(NodePtr node, binder.expression(term));
    return std::shared_ptr<const Expression>(std::make_shared<NodeExpression>(std::move(node)));
}

}  // namespace tidemill::rows
