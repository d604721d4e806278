// A source of lines for tests: batches of text as blocks of drawn sizes, which the log keeps and
// the scheduler cuts into partitions as it does with what sockets bring.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <utility>

#include "core/inputs/text_input.h"
#include "tidemill/tidemill.h"

namespace tidemill::test {

// Thread safety: thread-safe; fed before the job starts.
class TextFeed final : public core::Source {
public:
    explicit TextFeed(unsigned seed) : random_(seed) {}

    // One batch takes `text`: whole lines, or nothing.
    void push(std::string text) {
        std::lock_guard lock(mutex_);
        batches_.push_back(std::move(text));
    }

    static DStream<std::string_view> stream(StreamingContext& context,
                                            std::shared_ptr<TextFeed> feed) {
        SourceDeclaration source;
        source.kind = source.description = "textFeed";
        source.receive = [feed](const SourceEnvironment& environment)
            -> core::Result<std::shared_ptr<core::Source>> {
            feed->source_ = environment.id;
            feed->log_ = &environment.log;
            return feed;
        };
        const auto id = context.job()->addSource(std::move(source));
        return {context.job(),
                context.job()->graph.add(std::make_shared<core::TextInputNode>("textFeed", id))};
    }

    core::Result<> start() override { return {}; }
    void atBatchTime(BatchTime) override { poll(); }
    void pause() override {}
    void resume() override {}
    void stop(bool) override {}
    core::SourceStatistics statistics() const override { return {}; }

private:
    static constexpr std::size_t kBlockBytesMax = 96 << 10;

    void poll() {
        std::lock_guard lock(mutex_);
        if (batches_.empty() || log_ == nullptr) return;
        std::string_view text = batches_.front();
        while (!text.empty()) {
            std::size_t size = std::min<std::size_t>(text.size(), 1 + random_() % kBlockBytesMax);
            size = text.find('\n', size - 1) + 1;
            append(text.substr(0, size));
            text.remove_prefix(size);
        }
        batches_.pop_front();
    }

    void append(std::string_view text) {
        auto buffer = core::Buffer::unpooled(text.size());
        std::memcpy(buffer.data(), text.data(), text.size());
        core::BlockOrigin origin;
        origin.source = source_;
        origin.connection = (std::uint64_t{log_->epoch()} << 32) | 0x8000'0000U | source_.value;
        origin.firstLine = nextLine_;
        origin.lines = static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n'));
        nextLine_ += origin.lines;
        log_->append(std::make_shared<core::Block>(std::move(buffer), text.size(), origin));
    }

    std::mutex mutex_;
    std::mt19937 random_;
    std::deque<std::string> batches_;
    core::SourceId source_;
    core::BlockLog* log_ = nullptr;
    std::uint64_t nextLine_ = 1;
};

}  // namespace tidemill::test
