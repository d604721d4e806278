#include "tests/simulation/simulated_sender.h"

#include "core/inputs/text_input.h"

namespace tidemill::test {
namespace {

constexpr const char* kSession = "sender";
constexpr std::uint64_t kLinesOfABlock = 3;

}  // namespace

// One connection of the sender, as the engine sees it.
class SimulatedSender::Connection final : public core::Source {
public:
    core::Result<> start() override {
        running_ = true;
        return {};
    }
    void atBatchTime(BatchTime time) override {
        if (running_ && atBatchTime_) atBatchTime_(time);
    }
    void onBatchTime(std::function<void(BatchTime)> send) { atBatchTime_ = std::move(send); }
    void pause() override {}
    void resume() override {}
    void stop(bool) override { running_ = false; }
    core::SourceStatistics statistics() const override { return {}; }

private:
    std::function<void(BatchTime)> atBatchTime_;
    bool running_ = false;
};

DStream<std::string_view> SimulatedSender::stream(StreamingContext& context) {
    SourceDeclaration declaration;
    declaration.kind = declaration.description = "simulated sender";
    declaration.receive =
        [self = shared_from_this()](
            const SourceEnvironment& environment) -> core::Result<std::shared_ptr<core::Source>> {
        auto connection = std::make_shared<Connection>();
        connection->onBatchTime([self, &log = environment.log, id = environment.id](
                                    BatchTime time) { self->send(log, id, time); });
        return connection;
    };
    auto& job = *context.job();
    const auto id = job.addSource(std::move(declaration));
    return {context.job(),
            job.graph.add(std::make_shared<core::TextInputNode>("simulated sender", id))};
}

void SimulatedSender::send(core::BlockLog& log, core::SourceId source, BatchTime time) {
    // Everything appended by an earlier poll was durable before its batch ran.
    const auto appended = log.sessionLines(kSession);
    if (log.durable() == log.last()) acknowledged_ = std::max(acknowledged_, appended);
    const std::uint64_t until = linesUntil_(time);
    for (std::uint64_t next = appended + 1; next <= until;) {
        const auto end = std::min(until + 1, next + kLinesOfABlock);
        std::string bytes;
        for (auto line = next; line < end; ++line) bytes += lineOf_(line) + "\n";
        auto buffer = core::Buffer::unpooled(bytes.size());
        bytes.copy(buffer.data(), bytes.size());
        core::BlockOrigin origin;
        origin.source = source;
        origin.firstLine = next;
        origin.lines = static_cast<std::uint32_t>(end - next);
        core::setLineLane(origin, kSession);
        if (log.append(std::make_shared<core::Block>(std::move(buffer), bytes.size(),
                                                     std::move(origin))) !=
            core::BlockLog::Outcome::kQueued)
            return;
        next = end;
    }
}

}  // namespace tidemill::test
