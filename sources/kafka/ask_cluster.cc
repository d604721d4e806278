#include "sources/kafka/ask_cluster.h"

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "core/logging.h"
#include "sources/kafka/consumer_properties.h"
#include "sources/kafka/discovery.h"
#include "sources/kafka/kafka_block.h"
#include "sources/kafka/kafka_position.h"

namespace tidemill::sources::kafka {
namespace {

constexpr int kPollMillis = 50;
// Of partitions, for people; all are asked.
constexpr std::size_t kShown = 20;
// What is well is said in one line when there are so many topics.
constexpr std::size_t kTopicsShown = 20;

struct Asked {
    Position begin;  // where the source would go on
    bool isKnown = false;
    std::int64_t high = 0;
};

std::string plural(std::size_t count, const char* word) {
    return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

class Asking {
public:
    Asking(const KafkaOptions& options, const core::LanePositions& positions,
           const core::PeerQuestion& question)
        : options_(options), positions_(positions), question_(question) {}

    core::PeerAnswer ask() {
        auto properties = consumerProperties(options_);
        properties["enable.partition.eof"] = "true";  // it says that a partition may be read
        Handle::Callbacks callbacks;
        callbacks.onError = [this](rd_kafka_resp_err_t error, const std::string& reason) {
            noteError(error, reason);
        };
        auto made = Handle::make(RD_KAFKA_CONSUMER, properties, std::move(callbacks));
        if (!made) {
            trouble(made.error().message);
            return std::move(answer_);
        }
        client_ = std::move(*made);
        queue_.reset(rd_kafka_queue_get_consumer(client_->get()));
        if (findTopics()) {
            for (const auto& [name, leader] : found_.leaders) findBegin(name);
            readOne();
            sayBegins();
        }
        queue_.reset();
        return std::move(answer_);
    }

private:
    void fact(std::string text) { answer_.facts.push_back(std::move(text)); }
    void trouble(std::string text) { answer_.troubles.push_back(std::move(text)); }

    // The first that a person must mend; else the last.
    void noteError(rd_kafka_resp_err_t error, const std::string& reason) {
        if (refused_) return;
        if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !said_.empty()) return;
        refused_ = endsTheJob(error) || connectionNeedsPerson(error, reason);
        said_ = describe(error) + (reason.empty() ? "" : ": " + reason);
    }

    // False: there is nothing to go on with.
    bool findTopics() {
        const Discovery discovery(*client_, options_, [this] { return question_.isLate(); });
        while (true) {
            auto asked = discovery.ask();
            client_->poll();
            if (!asked) {
                trouble(asked.error().message);
                return false;
            }
            found_ = std::move(*asked);
            if (found_.nobody && !refused_ && !question_.isLate()) continue;
            break;
        }
        if (!found_.trouble.empty())
            trouble(found_.trouble + (said_.empty() ? "" : "; the client said: " + said_));
        std::map<std::string, std::size_t> topics;
        for (const auto& [name, leader] : found_.leaders) ++topics[name.first];
        if (topics.empty() && found_.trouble.empty())
            trouble("no topic matches the pattern \"" + core::escaped(options_.pattern, 60) + "\"");
        if (topics.size() > kTopicsShown) {
            fact(plural(topics.size(), "topic") + " with " +
                 plural(found_.leaders.size(), "partition"));
        } else {
            for (const auto& [topic, partitions] : topics)
                fact("topic \"" + topic + "\" has " + plural(partitions, "partition"));
        }
        discovery_.emplace(*client_, options_, [this] { return question_.isLate(); });
        return !topics.empty();
    }

    void findBegin(const PartitionName& name) {
        if (question_.isLate()) return;
        const auto lane = laneName(options_.group, name.first, name.second);
        const auto known = positions_.find(lane);
        Asked asked;
        if (known != positions_.end() && !known->second.empty()) {
            auto position = decodePosition(known->second);
            if (!position) return trouble(describe(name) + ": " + position.error().message);
            asked.begin = *position;
            asked.isKnown = true;
        } else {
            // As the options say only for what is there at the first start.
            const bool isFirst = !positions_.contains(laneName(options_.group, "", 0));
            const auto start = discovery_->startOf(name, isFirst);
            if (!start) return trouble(start.error().message);
            if (!*start) return trouble(describe(name) + ": its broker does not say its offsets");
            asked.begin.next = **start;
        }
        const auto has = askWatermarks(*client_, name);
        if (!has) return trouble(describe(name) + ": its broker does not say its offsets");
        asked.high = has->high;
        if (asked.isKnown) compare(name, asked, *has);
        asked_.emplace(name, asked);
    }

    void compare(const PartitionName& name, Asked& asked, const Watermarks& has) {
        const auto next = std::to_string(asked.begin.next);
        switch (decideOutOfRange(asked.begin, has)) {
            case OutOfRange::kAskAgain: return;
            case OutOfRange::kGoOn: asked.begin.anchor.reset(); return;
            case OutOfRange::kExpired:
                lost(name, "records from offset " + next + " to " + std::to_string(has.low - 1) +
                               " expired unread");
                break;
            case OutOfRange::kShortened:
                lost(name, "it ends at offset " + std::to_string(has.high) +
                               ", but was read up to " + next +
                               ": the topic was deleted and made anew, or cut");
                break;
        }
        asked.begin = {has.low, std::nullopt};
    }

    void lost(const PartitionName& name, const std::string& what) {
        const std::string whole = describe(name) + ": " + what;
        if (options_.onLostData == LostData::kSkip)
            fact(whole + "; it is begun anew (on_lost_data = \"skip\")");
        else trouble(whole + "; the job would end with that (on_lost_data = \"stop\")");
    }

    // At its anchor, or where it would begin, from each partition: that it may be read, and that it
    // is what it was.
    void readOne() {
        const auto list = makeTopicPartitions(static_cast<int>(asked_.size()));
        for (const auto& [name, asked] : asked_) {
            const auto offset = asked.begin.anchor ? asked.begin.anchor->offset : asked.begin.next;
            rd_kafka_topic_partition_list_add(list.get(), name.first.c_str(), name.second)->offset =
                offset;
            open_.insert(name);
        }
        if (const ErrorObject error(rd_kafka_incremental_assign(client_->get(), list.get())); error)
            return trouble(std::string("the partitions cannot be asked for: ") +
                           rd_kafka_error_string(error.get()));
        while (!open_.empty() && !question_.isLate()) {
            client_->poll();
            rd_kafka_message_t* raw = nullptr;
            if (rd_kafka_consume_batch_queue(queue_.get(), kPollMillis, &raw, 1) != 1) continue;
            look(*Message(raw));
        }
        for (const auto& name : open_)
            trouble(describe(name) + " could not be read in time" +
                    (said_.empty() ? "" : "; the client said: " + said_));
    }

    void look(const rd_kafka_message_t& message) {
        if (message.rkt == nullptr) {
            if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR)
                noteError(message.err, rd_kafka_message_errstr(&message));
            if (!refused_) return;
            open_.clear();
            return trouble("the partitions cannot be read: " + said_);
        }
        const PartitionName name(rd_kafka_topic_name(message.rkt), message.partition);
        if (open_.erase(name) == 0) return;
        const auto& anchor = asked_.at(name).begin.anchor;
        if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) return;
        if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR)
            return trouble(describe(name) + " cannot be read: " + describe(message.err));
        if (!anchor) return;
        const bool isSame =
            message.offset == anchor->offset &&
            rd_kafka_message_timestamp(&message, nullptr) == anchor->timestampMillis;
        if (isSame) return;
        const auto offset = std::to_string(anchor->offset);
        if (message.offset != anchor->offset && askCompacted(*client_, name.first).value_or(false))
            return;
        lost(name, "record " + offset + ", the last one read, is " +
                       (message.offset == anchor->offset ? "another one now" : "gone") +
                       ": the topic was deleted and made anew");
    }

    void sayBegins() {
        std::size_t shown = 0;
        for (const auto& [name, asked] : asked_) {
            if (++shown > kShown) continue;
            const auto left = asked.high - asked.begin.next;
            fact(describe(name) + " would be read from offset " + std::to_string(asked.begin.next) +
                 (asked.isKnown ? ", where the data directory has it" : "") + "; " +
                 (left > 0 ? "its end is " + std::to_string(left) + " offsets behind that"
                           : std::string("that is its end")));
        }
        if (shown > kShown) fact("and " + plural(shown - kShown, "more partition"));
    }

    const KafkaOptions& options_;
    const core::LanePositions& positions_;
    const core::PeerQuestion& question_;
    core::PeerAnswer answer_;
    std::string said_;
    bool refused_ = false;
    std::unique_ptr<Handle> client_;
    Queue queue_;
    std::optional<Discovery> discovery_;
    Discovered found_;
    std::map<PartitionName, Asked> asked_;
    std::set<PartitionName> open_;
};

}  // namespace

core::PeerAnswer askCluster(const KafkaOptions& options, const core::LanePositions& positions,
                            const core::PeerQuestion& question) {
    return Asking(options, positions, question).ask();
}

}  // namespace tidemill::sources::kafka
