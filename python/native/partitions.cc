#include "python/native/partitions.h"

#include <iterator>
#include <utility>
#include <vector>

#include "python/native/accumulators.h"
#include "python/native/step.h"
#include "python/native/worker_pool.h"

namespace tidemill::python {
namespace {

class PartitionsNode final : public core::NarrowNode<Object, Object>, public CallsFunction {
public:
    PartitionsNode(std::shared_ptr<core::StreamNode<Object>> parent, Function function)
        : core::NarrowNode<Object, Object>("mapPartitions", std::move(parent)),
          function_(std::move(function)) {
        this->setUserFunction(function_.identity());
    }
    void callIn(const std::shared_ptr<WorkerPool>& pool) override {
        function_.callIn(pool, AnswerAs::kPartition);
    }

private:
    class PartitionSink final : public core::Sink<Object> {
    public:
        PartitionSink(const Function& function, std::uint32_t node, const core::TaskContext& task,
                      core::Downstream<Object> below)
            : function_(function),
              node_(node),
              ordinal_(task.ordinal),
              addsOf_(addsOf(task)),
              partition_(task.partition),
              below_(std::move(below)) {}
        void take(std::span<Object> chunk) override {
            all_.insert(all_.end(), std::make_move_iterator(chunk.begin()),
                        std::make_move_iterator(chunk.end()));
        }
        void finish() override {
            call();
            below_->finish();
        }
        std::size_t wanted() const override {
            return below_->wanted() == 0 ? 0 : static_cast<std::size_t>(-1);
        }

    private:
        void call() {
            const GilScope gil;
            AddScope adds(addsOf_, node_, ordinal_);
            const auto list = orThrow(PyList_New(static_cast<Py_ssize_t>(all_.size())));
            for (std::size_t i = 0; i < all_.size(); ++i)
                PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), all_[i].release());
            all_.clear();
            const auto number = orThrow(PyLong_FromUnsignedLong(partition_));
            const auto made = madeOf(number, list);
            std::vector<Object> out;
            const auto handOn = [&] {
                adds.keep();
                const AddScope others(AddScope::Of::kElsewhere);
                if (!out.empty()) below_->take(out);
                out.clear();
            };
            forEachIn(made.get(), [&](Object element) {
                out.push_back(std::move(element));
                if (out.size() == core::kChunkElements) handOn();
            });
            handOn();
        }

        Object madeOf(const Object& number, const Object& list) const {
            if (!function_.isInWorkers()) {
                const auto iterator = orThrow(PyObject_GetIter(list.get()));
                return function_(number.get(), iterator.get());
            }
            const auto argument = orThrow(PyTuple_Pack(2, number.get(), list.get()));
            const WorkerCalls calls(function_, {argument.get()});
            return WorkerCalls::answerOf(function_, argument.get()).value();
        }

        const Function& function_;
        const std::uint32_t node_;
        const std::uint64_t ordinal_;
        const AddScope::Of addsOf_;
        const std::uint32_t partition_;
        core::Downstream<Object> below_;
        std::vector<Object> all_;
    };

    std::unique_ptr<core::Sink<Object>> makeSink(core::TaskContext& task,
                                                 core::Downstream<Object> below) override {
        return std::make_unique<PartitionSink>(function_, this->number(), task, std::move(below));
    }

    Function function_;
};

}  // namespace

std::shared_ptr<core::StreamNode<Object>> makePartitions(
    std::shared_ptr<core::StreamNode<Object>> parent, Function function) {
    return std::make_shared<PartitionsNode>(std::move(parent), std::move(function));
}

}  // namespace tidemill::python
