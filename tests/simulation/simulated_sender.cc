#include "tests/simulation/simulated_sender.h"

#include "core/operators/text_input.h"

namespace tidemill::test {
namespace {

constexpr const char* kSession = "sender";
constexpr std::uint64_t kLinesOfABlock = 3;

}  // namespace

// One connection of the sender, as the engine sees it.
class SimulatedSender::Connection final : public core::Receiver {
public:
    core::Result<> start() override {
        running_ = true;
        return {};
    }
    void sealOpenBlocks() override {}
    void pause() override {}
    void resume() override {}
    void stop(bool) override { running_ = false; }
    core::ReceiverStatistics statistics() const override { return {}; }
    bool running() const { return running_; }

private:
    bool running_ = false;
};

DStream<std::string_view> SimulatedSender::stream(StreamingContext& context) {
    struct Link {
        std::shared_ptr<Connection> connection = std::make_shared<Connection>();
        core::BlockLog* log = nullptr;
        core::SourceId source;
    };
    auto link = std::make_shared<Link>();
    SourceDeclaration declaration;
    declaration.kind = declaration.description = "simulated sender";
    declaration.receive =
        [link](
            const SourceEnvironment& environment) -> core::Result<std::shared_ptr<core::Receiver>> {
        link->log = &environment.log;
        link->source = environment.id;
        return link->connection;
    };
    declaration.poll = [self = shared_from_this(), link](BatchTime time) {
        if (link->connection->running()) self->send(*link->log, link->source, time);
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
        origin.session = kSession;
        origin.firstLine = next;
        origin.lines = static_cast<std::uint32_t>(end - next);
        if (log.append(std::make_shared<core::Block>(std::move(buffer), bytes.size(),
                                                     std::move(origin))) !=
            core::BlockLog::Outcome::kQueued)
            return;
        next = end;
    }
}

}  // namespace tidemill::test
