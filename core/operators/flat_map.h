// flatMap, flatMapValues: any number of elements out for every element in.
//
// The function is f(x, emit), which allocates nothing, or f(x) that returns a range. A function
// may also work on whole pieces of text (splitWords): then lines are never cut. Other functions of
// lines get each line while it is in the nearest cache, instead of a chunk of them after they were
// cut: 37.8 -> 40.4 million words/s in words.lambda.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "core/cut_lines.h"
#include "core/emit.h"
#include "core/kept.h"
#include "core/stream_node.h"
#include "core/views.h"

namespace tidemill::core {

// A function with a form for many lines at once: f.splitText(text, take), where take is called
// with spans of string_view.
template <class F>
concept TextSplitter = requires(const F& f, std::string_view text) {
    f.splitText(text, [](std::span<std::string_view>) {});
};

// `kKeeps`: what is made may point into the elements, which are kept then.
template <class In, class Out, class F, bool kKeeps = kMayPointInto<Out, In>>
class FlatMapNode final : public NarrowNode<In, Out> {
public:
    // `keyed`: what is known of the elements made.
    FlatMapNode(std::string kind, std::shared_ptr<StreamNode<In>> parent, F function,
                Keyed keyed = Keyed::kNo)
        : NarrowNode<In, Out>(std::move(kind), std::move(parent)),
          function_(std::move(function)),
          keyed_(keyed) {
        this->setUserFunction(identityOf(function_));
    }

    Keyed keyed() const override { return keyed_; }
    bool holdsElements() const override { return kKeeps; }

private:
    class FlatMapSink : public Sink<In> {
    public:
        FlatMapSink(const F& function, RecordGuard guard, Arena& arena, Downstream<Out> below)
            : function_(function, arena),
              kept_(arena),
              guard_(guard),
              arena_(arena),
              below_(std::move(below)) {}

        void take(std::span<In> chunk) override {
            std::size_t madeBefore = out_.size();
            guard_.forEach(
                chunk,
                [&](In& element) {
                    Emit<Out> emit(out_, arena_);
                    if constexpr (std::invocable<F&, In, Emit<Out>&>) {
                        std::invoke(*function_, std::move(kept_(element)), emit);
                    } else {
                        for (auto&& made : std::invoke(*function_, std::move(kept_(element))))
                            emit(std::forward<decltype(made)>(made));
                    }
                },
                [&] { out_.truncate(madeBefore); },
                [&] {
                    if (out_.full()) out_.flushInto(*below_);
                    madeBefore = out_.size();
                });
            if (guard_.oneAtATime() && !out_.empty()) [[unlikely]]
                out_.flushInto(*below_);
        }
        void finish() override {
            if (!out_.empty()) out_.flushInto(*below_);
            below_->finish();
        }
        std::size_t wanted() const override {
            return below_->wanted() <= out_.size() ? 0 : static_cast<std::size_t>(-1);
        }
        bool flush() override {
            if (!out_.empty()) out_.flushInto(*below_);
            return below_->flush() && !(kMayHoldViews<In> && kRemembers);
        }

    protected:
        static constexpr bool kRemembers =
            kMayRemember<F, In> && kMayRemember<F, In, Emit<Out>&> && !TextSplitter<F>;

        TaskFunction<F, kMayHoldViews<Out>> function_;
        [[no_unique_address]] KeptElements<In, kKeeps> kept_;
        RecordGuard guard_;
        Arena& arena_;
        Downstream<Out> below_;
        ChunkBuffer<Out> out_;
    };

    class LineSink final : public FlatMapSink {
    public:
        using FlatMapSink::FlatMapSink;
        void takeText(std::string_view text) override {
            if (this->wanted() <= kChunkElements) return FlatMapSink::takeText(text);
            cutLines(text, [this](std::string_view line) {
                this->take(std::span(&line, 1));
                return true;
            });
        }
    };

    // Pieces of text come to it whole, so that take() is for streams of other strings only.
    // A splitter of text throws nothing, so no line of it need be left out.
    class TextSplitSink final : public FlatMapSink {
    public:
        using FlatMapSink::FlatMapSink;
        void takeText(std::string_view text) override {
            (*this->function_).splitText(text, [this](std::span<std::string_view> words) {
                this->below_->take(words);
            });
        }
    };

    std::unique_ptr<Sink<In>> makeSink(TaskContext& task, Downstream<Out> below) override {
        if constexpr (TextSplitter<F> && std::is_same_v<In, std::string_view> &&
                      std::is_same_v<Out, std::string_view>) {
            return std::make_unique<TextSplitSink>(function_, this->guard(task), task.arena,
                                                   std::move(below));
        } else if constexpr (std::is_same_v<In, std::string_view>) {
            return std::make_unique<LineSink>(function_, this->guard(task), task.arena,
                                              std::move(below));
        } else {
            return std::make_unique<FlatMapSink>(function_, this->guard(task), task.arena,
                                                 std::move(below));
        }
    }

    F function_;
    Keyed keyed_;
};

}  // namespace tidemill::core
