#include "tools/connect/ask_peers.h"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "core/workers.h"
#include "sources/ask_address.h"
#include "sources/kafka/ask_cluster.h"
#include "sources/kinesis/ask_stream.h"

namespace tidemill::tools {
namespace {

using core::PeerAnswer;
using core::PeerQuestion;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kFirstWord{2'000};
constexpr milliseconds kNextWord{3'000};
// Of a question to a cluster: the last one is asked so long before the time is over.
constexpr milliseconds kLastQuestion{3'000};
// For what is under way then, and says more than that it is.
constexpr milliseconds kLate{1'500};

std::function<PeerAnswer(const PeerQuestion&)> askerOf(const SourceSpec& source,
                                                       const KnownDirectory& known) {
    switch (source.type) {
        case SourceSpec::Type::kSocket:
            return [source](const PeerQuestion&) {
                return sources::askToDial(source.host, source.port);
            };
        case SourceSpec::Type::kListen:
        case SourceSpec::Type::kListenAcknowledged:
        case SourceSpec::Type::kHttp:
            return [source](const PeerQuestion&) {
                return sources::askToListen(source.host, source.port);
            };
        case SourceSpec::Type::kKafka:
            return [source, lanes = known.lanes](const PeerQuestion& question) {
                return sources::kafka::askCluster(source.kafka, lanes, question);
            };
        case SourceSpec::Type::kKinesis:
            return [source, lanes = known.lanes](const PeerQuestion& question) {
                return sources::kinesis::askStream(source.kinesis, lanes, question);
            };
        case SourceSpec::Type::kFiles: break;
    }
    return {};
}

std::string numbered(const char* word, std::size_t place, const std::string& name) {
    return word + (" " + std::to_string(place + 1)) + (name.empty() ? "" : " \"" + name + "\"");
}

// What the threads and the one who waits share; lives as long as the last of them.
struct Answers {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<AskedPeer> all;
    std::size_t open = 0;
};

PeerAnswer answerOf(const PeerToAsk& peer, const PeerQuestion& question) {
    PeerAnswer answer;
    if (const auto asked = core::catchingAll([&] { answer = peer.ask(question); }); !asked)
        answer.troubles.push_back(asked.error().message);
    return answer;
}

}  // namespace

std::vector<PeerToAsk> peersOf(const JobFile& job, const std::shared_ptr<Job>& declared,
                               const KnownDirectory& known) {
    std::vector<PeerToAsk> peers;
    for (std::size_t i = 0; i < job.sources.size(); ++i)
        if (auto ask = askerOf(job.sources[i], known))
            peers.push_back({numbered("source", i, job.sources[i].name),
                             declared->sources.at(i).description, std::move(ask)});
    const auto& outputs = declared->graph.outputs();
    for (std::size_t i = 0; i < outputs.size(); ++i)
        if (auto* peer = dynamic_cast<core::AsksPeer*>(outputs[i].get()))
            peers.push_back({numbered("output", i, ""), outputs[i]->describe(),
                             [declared, peer](const PeerQuestion& question) {
                                 return peer->askPeer(question);
                             }});
    if (job.page) {
        const auto address = job.page->address;
        peers.push_back({"page", "listens on port " + std::to_string(address.port),
                         [address](const PeerQuestion&) {
                             return sources::askToListen(address.host, address.port);
                         }});
    }
    return peers;
}

std::vector<AskedPeer> askPeers(
    const std::vector<PeerToAsk>& peers, const std::string& identity, milliseconds limit,
    const std::function<void(const PeerToAsk&, milliseconds)>& waiting) {
    const auto begun = Clock::now();
    const PeerQuestion question{identity, begun + limit - kLastQuestion};
    const auto since = [begun] {
        return std::chrono::duration_cast<milliseconds>(Clock::now() - begun);
    };
    const auto answers = std::make_shared<Answers>();
    answers->all.resize(peers.size());
    answers->open = peers.size();
    for (std::size_t i = 0; i < peers.size(); ++i)
        std::thread([peer = peers[i], question, answers, since, i] {
            auto answer = answerOf(peer, question);
            const std::lock_guard lock(answers->mutex);
            answers->all[i] = {std::move(answer), since()};
            --answers->open;
            answers->changed.notify_all();
        }).detach();
    std::unique_lock lock(answers->mutex);
    const auto isOver = [&] { return answers->open == 0; };
    for (auto word = kFirstWord; !isOver() && since() < limit + kLate; word += kNextWord) {
        const auto until = begun + std::min(word, limit + kLate);
        if (answers->changed.wait_until(lock, until, isOver)) break;
        for (std::size_t i = 0; i < peers.size(); ++i)
            if (!answers->all[i].answer) waiting(peers[i], since());
    }
    auto all = answers->all;
    for (auto& asked : all)
        if (!asked.answer) asked.took = since();
    return all;
}

}  // namespace tidemill::tools
