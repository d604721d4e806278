#include "tools/kafka_source_spec.h"

#include "rows/parse_value.h"
#include "sources/kafka/consumer_properties.h"

namespace tidemill::tools {
namespace {

constexpr std::int64_t kMicrosPerMilli = 1'000;

// "earliest", "latest" or a time.
void readStart(TomlTable& table, KafkaStart& start, JobFileErrors& errors) {
    const auto text = table.text("start", "earliest");
    if (text == "earliest") return;
    if (text == "latest") {
        start.from = KafkaStart::From::kLatest;
        return;
    }
    std::int64_t micros = 0;
    if (rows::parseTime(text, micros) != rows::Parsed::kValue)
        return errors.add(table.at("start"),
                          "start is \"" + text +
                              "\"; allowed are \"earliest\", \"latest\" and a time such as "
                              "\"2026-11-01T00:00:00Z\"");
    start.from = KafkaStart::From::kTime;
    start.time = fromMillis(micros / kMicrosPerMilli);
}

}  // namespace

void readKafkaSource(TomlTable& table, const std::string& jobName, SourceSpec& source,
                     JobFileErrors& errors) {
    auto& kafka = source.kafka;
    kafka.brokers = table.requiredText("brokers");
    kafka.topics = table.texts("topics");
    kafka.pattern = table.text("pattern", "");
    kafka.group = table.text("group", jobName + (source.name.empty() ? "" : "." + source.name));
    readStart(table, kafka.start, errors);
    if (table.has("on_lost_data"))
        if (const auto lost = table.choice("on_lost_data", {"stop", "skip"}))
            kafka.onLostData = static_cast<LostData>(*lost);
    kafka.discoverEvery = table.duration("discover_every", kafka.discoverEvery);
    source.headers = table.texts("headers");
    for (auto& [name, value] : table.pairs("kafka")) kafka.properties[name] = value;
    if (kafka.brokers.empty()) return;
    if (const auto checked = sources::kafka::checkOptions(kafka); !checked)
        errors.add(table.at(), checked.error().message);
}

}  // namespace tidemill::tools
