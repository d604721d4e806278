// One batch of a stream, as an output operation sees it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "core/batch_run.h"
#include "core/stream_node.h"
#include "core/time.h"

namespace tidemill {

// Elements are made when asked for, and each time anew. Views in them live until the output
// operation returns. Thread safety: for the thread that runs the output operation.
template <class T>
class Batch {
public:
    Batch(core::StreamNode<T>& node, core::BatchRun& run) : node_(node), run_(run) {}

    // Dense from 1 in a data directory; the same number means the same batch, also after a crash.
    std::uint64_t id() const { return run_.record().batch.value; }
    BatchTime time() const { return run_.record().time; }

    // Calls f(element) for each, one after another.
    template <class F>
    void forEach(F f) const {
        class Each final : public core::Sink<T> {
        public:
            explicit Each(F& f) : f_(f) {}
            void take(std::span<T> chunk) override {
                for (T& element : chunk) std::invoke(f_, element);
            }
            void finish() override {}

        private:
            F& f_;
        } each(f);
        scanInOrder(each);
    }

    // The first `count` elements; operators before it that can stop make no more (Sink::wanted).
    std::vector<T> take(std::size_t count) const {
        class First final : public core::Sink<T> {
        public:
            explicit First(std::size_t count) : count_(count) {}
            void take(std::span<T> chunk) override {
                const std::size_t n = std::min(chunk.size(), wanted());
                taken.insert(taken.end(), std::make_move_iterator(chunk.begin()),
                             std::make_move_iterator(chunk.begin() + static_cast<long>(n)));
            }
            void finish() override {}
            std::size_t wanted() const override { return count_ - taken.size(); }
            std::vector<T> taken;

        private:
            std::size_t count_;
        } first(count);
        scanInOrder(first);
        return std::move(first.taken);
    }

    // All elements, made by all workers.
    std::vector<T> collect() const {
        std::vector<std::vector<T>> parts(node_.partitions(run_));
        scanInParallel([&](std::uint32_t partition) {
            return std::make_unique<core::AppendSink<T>>(parts[partition]);
        });
        std::vector<T> all;
        for (auto& part : parts)
            all.insert(all.end(), std::make_move_iterator(part.begin()),
                       std::make_move_iterator(part.end()));
        return all;
    }

    std::uint64_t count() const {
        class Count final : public core::Sink<T> {
        public:
            explicit Count(std::uint64_t& into) : into_(into) {}
            void take(std::span<T> chunk) override { into_ += chunk.size(); }
            void finish() override {}
            bool flush() override { return true; }

        private:
            std::uint64_t& into_;
        };
        std::vector<std::uint64_t> parts(node_.partitions(run_));
        scanInParallel(
            [&](std::uint32_t partition) { return std::make_unique<Count>(parts[partition]); });
        std::uint64_t all = 0;
        for (const auto part : parts) all += part;
        return all;
    }

    bool isEmpty() const { return take(1).empty(); }

    std::uint32_t partitions() const { return node_.partitions(run_); }

    // One task per partition, on the workers; makeSink(partition) gives each its sink.
    template <class MakeSink>
    void scanInParallel(MakeSink makeSink) const {
        const std::uint32_t count = node_.partitions(run_);
        const auto scanNumber = run_.newScan();
        core::orThrow(run_.workers().run(count, [&](std::size_t partition) {
            const auto sink = makeSink(static_cast<std::uint32_t>(partition));
            scan(scanNumber, static_cast<std::uint32_t>(partition), *sink);
        }));
    }

private:
    void scanInOrder(core::Sink<T>& sink) const {
        const std::uint32_t count = node_.partitions(run_);
        const auto scanNumber = run_.newScan();
        for (std::uint32_t partition = 0; partition < count && sink.wanted() != 0; ++partition)
            scan(scanNumber, partition, sink);
    }

    void scan(std::uint32_t scanNumber, std::uint32_t partition, core::Sink<T>& sink) const {
        core::TaskContext task{run_.newArena(), 0, partition, run_.failedRecords(), scanNumber};
        task.marker = run_.marker();
        node_.scan(task, run_, sink);
        if (task.marker != nullptr) task.marker->noRecord();
        sink.finish();
    }

    core::StreamNode<T>& node_;
    core::BatchRun& run_;
};

}  // namespace tidemill
