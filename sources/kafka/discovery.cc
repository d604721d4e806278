#include "sources/kafka/discovery.h"

#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <span>

#include "core/logging.h"

namespace tidemill::sources::kafka {
namespace {

constexpr int kAskMillis = 3'000;

tl::unexpected<core::Error> refused(rd_kafka_resp_err_t error, const std::string& what) {
    return core::fail(kindOf(error), what + ": " + describe(error));
}

void noteTrouble(Discovered& into, std::string what) {
    if (into.trouble.empty()) into.trouble = std::move(what);
}

std::span<const rd_kafka_metadata_topic> topicsOf(const struct rd_kafka_metadata& answer) {
    return {answer.topics, static_cast<std::size_t>(answer.topic_cnt)};
}

}  // namespace

Discovery::Discovery(Handle& client, const KafkaOptions& options, std::function<bool()> ends)
    : client_(client), options_(options), ends_(std::move(ends)) {
    if (!options.pattern.empty())
        pattern_ = std::make_unique<const re2::RE2>(options.pattern, re2::RE2::Quiet);
}

Discovery::~Discovery() = default;

core::Result<Discovered> Discovery::ask() const {
    Discovered found;
    if (pattern_) {
        TM_TRY(askAll(found));
    } else {
        // One by one: a list of all topics may be long.
        for (const auto& topic : options_.topics) {
            TM_TRY(askTopic(topic, found));
            if (found.leaders.empty() && !found.trouble.empty()) break;  // each waits its seconds
            if (ends_()) {
                found.complete = false;
                break;
            }
        }
    }
    return found;
}

core::Result<Metadata> Discovery::ask(rd_kafka_topic_t* topic, Discovered& into) const {
    const struct rd_kafka_metadata* answer = nullptr;
    const auto error =
        rd_kafka_metadata(client_.get(), topic == nullptr, topic, &answer, kAskMillis);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return Metadata(answer);
    if (endsTheJob(error)) return refused(error, "the cluster refuses to say its topics");
    into.complete = false;
    into.nobody = true;
    noteTrouble(into, "no broker of " + options_.brokers + " answers: " + describe(error));
    return Metadata();
}

core::Result<> Discovery::askTopic(const std::string& topic, Discovered& into) const {
    const TopicHandle handle(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr));
    TM_ASSIGN(const auto answer, ask(handle.get(), into));
    if (!answer) return {};
    for (const auto& each : topicsOf(*answer))
        if (topic == each.topic) return add(each, into);
    noteTrouble(into, "topic \"" + topic + "\" does not exist");
    return {};
}

core::Result<> Discovery::askAll(Discovered& into) const {
    TM_ASSIGN(const auto answer, ask(nullptr, into));
    if (!answer) return {};
    for (const auto& each : topicsOf(*answer))
        if (!std::string_view(each.topic).starts_with("__") &&
            re2::RE2::FullMatch(each.topic, *pattern_))
            TM_TRY(add(each, into));
    return {};
}

core::Result<> Discovery::add(const rd_kafka_metadata_topic& topic, Discovered& into) const {
    const std::string name = topic.topic;
    if (topic.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        topic.err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) {
        noteTrouble(into, "topic \"" + name + "\" does not exist");
        return {};
    }
    if (topic.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (endsTheJob(topic.err)) return refused(topic.err, "topic \"" + name + "\"");
        into.complete = false;
        noteTrouble(into, "topic \"" + name + "\": " + describe(topic.err));
        return {};
    }
    for (const auto& each :
         std::span(topic.partitions, static_cast<std::size_t>(topic.partition_cnt))) {
        const PartitionName partition{name, each.id};
        if (each.leader >= 0) {
            into.leaders[partition] = each.leader;
            continue;
        }
        into.complete = false;
        noteTrouble(into, describe(partition) + " has no leader");
    }
    return {};
}

core::Result<std::optional<std::int64_t>> Discovery::startOf(const PartitionName& partition,
                                                             bool asOptionsSay) const {
    const auto from = asOptionsSay ? options_.start.from : KafkaStart::From::kEarliest;
    if (from == KafkaStart::From::kTime) {
        const auto list = makeTopicPartitions();
        rd_kafka_topic_partition_list_add(list.get(), partition.first.c_str(), partition.second)
            ->offset = toMillis(options_.start.time);
        const auto error = rd_kafka_offsets_for_times(client_.get(), list.get(), kAskMillis);
        const auto& answer = list->elems[0];
        const auto why = error != RD_KAFKA_RESP_ERR_NO_ERROR ? error : answer.err;
        if (why != RD_KAFKA_RESP_ERR_NO_ERROR) {
            if (!endsTheJob(why)) return std::nullopt;
            return core::fail(kindOf(why), describe(partition) + ": " + describe(why));
        }
        if (answer.offset >= 0) return answer.offset;
        // All its records are older: it begins at its end.
    }
    const auto has = askWatermarks(client_, partition);
    if (!has) return std::nullopt;
    return from == KafkaStart::From::kEarliest ? has->low : has->high;
}

std::optional<PartitionName> failedFetch(std::string_view facility, std::string_view text) {
    if (facility != "BROKERUA") return std::nullopt;
    // "[thrd:…]: TOPIC [3]: broker unavailable: fetch: …"
    if (text.starts_with("[thrd:"))
        text.remove_prefix(std::min(text.find("]: "), text.size() - 3) + 3);
    const auto open = text.find(" [");
    const auto close = text.find("]: ", open);
    if (open == text.npos || close == text.npos) return std::nullopt;
    PartitionName name{text.substr(0, open), 0};
    const char* end = text.data() + close;
    const auto [at, error] = std::from_chars(text.data() + open + 2, end, name.second);
    if (error != std::errc() || at != end) return std::nullopt;
    return name;
}

std::optional<Watermarks> askWatermarks(Handle& client, const PartitionName& partition) {
    Watermarks has;
    const auto error = rd_kafka_query_watermark_offsets(
        client.get(), partition.first.c_str(), partition.second, &has.low, &has.high, kAskMillis);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR || has.low < 0 || has.high < 0) return std::nullopt;
    return has;
}

std::optional<bool> askCompacted(Handle& client, const std::string& topic) {
    using Resource = Owned<rd_kafka_ConfigResource_t, rd_kafka_ConfigResource_destroy>;
    using Options = Owned<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>;
    const Resource resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
    const Options options(
        rd_kafka_AdminOptions_new(client.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS));
    rd_kafka_AdminOptions_set_request_timeout(options.get(), kAskMillis, nullptr, 0);
    const Queue queue(rd_kafka_queue_new(client.get()));
    rd_kafka_ConfigResource_t* list[] = {resource.get()};
    rd_kafka_DescribeConfigs(client.get(), list, 1, options.get(), queue.get());
    const Event event(rd_kafka_queue_poll(queue.get(), 2 * kAskMillis));
    if (!event || rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return std::nullopt;
    const auto* result = rd_kafka_event_DescribeConfigs_result(event.get());
    std::size_t count = 0;
    const auto* resources = rd_kafka_DescribeConfigs_result_resources(result, &count);
    if (count != 1 || rd_kafka_ConfigResource_error(resources[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return std::nullopt;
    std::size_t entries = 0;
    const auto* configs = rd_kafka_ConfigResource_configs(resources[0], &entries);
    for (const auto* entry : std::span(configs, entries))
        if (std::string_view(rd_kafka_ConfigEntry_name(entry)) == "cleanup.policy") {
            const char* value = rd_kafka_ConfigEntry_value(entry);
            return value != nullptr &&
                   std::string_view(value).find("compact") != std::string_view::npos;
        }
    return std::nullopt;
}

std::string describe(const PartitionName& partition) {
    return "partition " + std::to_string(partition.second) + " of topic \"" +
           core::escaped(partition.first) + "\"";
}

}  // namespace tidemill::sources::kafka
