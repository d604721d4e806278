#include "outputs/kafka/output.h"
#include "rows/format/value_text.h"
#include "rows/outputs.h"
#include "rows/outputs/scan_rows.h"

namespace tidemill::rows {
namespace {

using core::Result;

// Columns by place.
struct Places {
    std::vector<std::string> names;  // of all columns
    std::vector<std::size_t> key;
    std::optional<std::size_t> value;
    std::vector<std::pair<std::string, std::size_t>> headers;
};

Result<Places> placesOf(const Schema& schema, const RowKafka& kafka) {
    Places places;
    for (const auto& column : schema.columns()) places.names.push_back(column.name);
    for (const auto& name : kafka.key) {
        TM_ASSIGN(const auto place, schema.indexOf(name));
        places.key.push_back(place);
    }
    if (!kafka.value.empty()) {
        TM_ASSIGN(places.value, schema.indexOf(kafka.value));
    }
    for (const auto& [header, name] : kafka.headers) {
        TM_ASSIGN(const auto place, schema.indexOf(name));
        places.headers.emplace_back(header, place);
    }
    return places;
}

void appendObject(std::string& out, const Places& places, std::span<const std::size_t> which,
                  const Chunk& chunk, std::size_t row) {
    out += '{';
    for (std::size_t i = 0; i < which.size(); ++i) {
        if (i != 0) out += ", ";
        appendJsonMember(out, places.names[which[i]], chunk.columns[which[i]], row);
    }
    out += '}';
}

void fill(KafkaMessage& message, const Places& places, std::span<const std::size_t> all,
          const Chunk& chunk, std::size_t row) {
    message.clear();
    if (places.key.size() == 1) {
        const auto& column = chunk.columns[places.key.front()];
        message.hasKey = !column.isNull(row);
        if (message.hasKey) appendValue(message.key, column, row);
    } else if (!places.key.empty()) {
        message.hasKey = true;
        appendObject(message.key, places, places.key, chunk, row);
    }
    if (places.value) {
        const auto& column = chunk.columns[*places.value];
        message.hasValue = !column.isNull(row);
        if (message.hasValue) appendValue(message.value, column, row);
    } else {
        appendObject(message.value, places, all, chunk, row);
    }
    for (const auto& [name, place] : places.headers) {
        if (chunk.columns[place].isNull(row)) continue;
        appendValue(message.headers.emplace_back(name, std::string()).second, chunk.columns[place],
                    row);
    }
}

}  // namespace

Result<> sendToKafka(const RowStream& stream, RowKafka kafka) {
    TM_ASSIGN(auto places, placesOf(stream.schema, kafka));
    std::vector<std::size_t> all(places.names.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    stream.node->require();
    outputs::addKafkaOutput(
        stream.job->graph, std::move(kafka.options),
        [node = stream.node, places = std::move(places), all = std::move(all)](
            core::BatchRun& run, const std::function<void(const KafkaMessage&)>& send) {
            if (!run.isActive(node->slide())) return;
            KafkaMessage message;
            scanRows(*node, run, kAllRows, [&](const Chunk& chunk, std::size_t row) {
                fill(message, places, all, chunk, row);
                send(message);
            });
        });
    return {};
}

}  // namespace tidemill::rows
