#include "tools/kinesis_source_spec.h"

#include "rows/parse_value.h"
#include "sources/kinesis/check_options.h"

namespace tidemill::tools {
namespace {

constexpr std::int64_t kMicrosPerMilli = 1'000;

// "earliest", "latest" or a time.
void readStart(TomlTable& table, KinesisStart& start, JobFileErrors& errors) {
    const auto text = table.text("start", "earliest");
    if (text == "earliest") return;
    if (text == "latest") {
        start.from = KinesisStart::From::kLatest;
        return;
    }
    std::int64_t micros = 0;
    if (rows::parseTime(text, micros) != rows::Parsed::kValue)
        return errors.add(table.at("start"),
                          "start is \"" + text +
                              "\"; allowed are \"earliest\", \"latest\" and a time such as "
                              "\"2026-11-01T00:00:00Z\"");
    start.from = KinesisStart::From::kTime;
    start.time = fromMillis(micros / kMicrosPerMilli);
}

}  // namespace

void readKinesisSource(TomlTable& table, const std::string& jobName, SourceSpec& source,
                       JobFileErrors& errors) {
    auto& kinesis = source.kinesis;
    kinesis.stream = table.requiredText("stream");
    kinesis.region = table.text("region", "");
    kinesis.endpoint = table.text("endpoint", "");
    kinesis.profile = table.text("profile", "");
    kinesis.application =
        table.text("application", jobName + (source.name.empty() ? "" : "." + source.name));
    readStart(table, kinesis.start, errors);
    if (table.has("on_lost_data"))
        if (const auto lost = table.choice("on_lost_data", {"stop", "skip"}))
            kinesis.onLostData = static_cast<LostData>(*lost);
    kinesis.pollEvery = table.duration("poll_every", kinesis.pollEvery);
    kinesis.discoverEvery = table.duration("discover_every", kinesis.discoverEvery);
    if (kinesis.stream.empty()) return;
    if (const auto checked = sources::kinesis::checkOptions(kinesis); !checked)
        errors.add(table.at(), checked.error().message);
}

}  // namespace tidemill::tools
