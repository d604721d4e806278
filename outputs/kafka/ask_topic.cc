#include "outputs/kafka/ask_topic.h"

#include <utility>

#include "outputs/kafka/cluster.h"

namespace tidemill::outputs {
namespace {

std::string factsOf(const std::string& name, const TopicFacts& facts) {
    std::string text = "topic \"" + name + "\" has " + std::to_string(facts.partitions) +
                       (facts.partitions == 1 ? " partition" : " partitions");
    if (!facts.cleanupPolicy.empty()) text += ", cleanup.policy=" + facts.cleanupPolicy;
    if (facts.messageBytesMax != 0)
        text += ", takes " + std::to_string(facts.messageBytesMax) + " bytes as one record";
    return text;
}

// The topic as it is; none: it is not there, or cannot be asked for, which is said.
std::optional<TopicFacts> look(const Cluster& cluster, const TopicWish& wish,
                               core::PeerAnswer& answer) {
    const auto found = cluster.find(wish.name);
    if (!found) {
        answer.troubles.push_back(found.error().error.message);
        return std::nullopt;
    }
    if (*found) {
        answer.facts.push_back(factsOf(wish.name, **found));
        return **found;
    }
    if (!wish.create) {
        answer.troubles.push_back("topic \"" + wish.name +
                                  "\" does not exist: make it, or set create = true");
    } else if (const auto may = cluster.wouldCreate(wish); !may) {
        answer.troubles.push_back(may.error().error.message);
    } else {
        answer.facts.push_back("topic \"" + wish.name + "\" does not exist, and would be made");
    }
    return std::nullopt;
}

}  // namespace

core::PeerAnswer askTopic(const KafkaOutputOptions& options, const core::PeerQuestion& question) {
    core::PeerAnswer answer;
    const auto made = Cluster::make(options.brokers, options.properties);
    if (!made) {
        answer.troubles.push_back(made.error().message);
        return answer;
    }
    const auto& cluster = **made;
    for (auto id = cluster.id(); !id; id = cluster.id()) {
        if (id.error().trouble == Trouble::kPassing && !question.isLate()) continue;
        answer.troubles.push_back(id.error().error.message);
        return answer;
    }
    look(cluster,
         {options.topic, options.create, options.partitions, options.replication,
          options.topicConfig},
         answer);
    if (!options.exactlyOnce) return answer;
    const auto progress = look(cluster, progressWish(options.progressTopic), answer);
    if (!progress) return answer;
    if (const auto misfit = progressMisfit(options.progressTopic, *progress); !misfit.empty())
        answer.troubles.push_back(misfit);
    return answer;
}

}  // namespace tidemill::outputs
