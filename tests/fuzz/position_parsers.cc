// How far sources and outputs are, as state, batch records and peers keep it.
#include "outputs/kafka/progress.h"
#include "sources/file_range.h"
#include "sources/flume/event_batch.h"
#include "sources/follow/follow_position.h"
#include "sources/kafka/kafka_block.h"
#include "sources/kafka/kafka_position.h"
#include "state/rocks_store.h"
#include "tests/fuzz/parsers.h"

namespace tidemill::fuzz {
namespace {

using namespace sources;

void parseFileRange(std::string_view bytes) {
    roundTrip(bytes, decodeFileRange, [](const FileRange& range) { return encode(range); });
}

void parseKnownFile(std::string_view bytes) {
    const FileId id{3, 4};
    const auto known = decodeKnownFile(id, bytes);
    if (!known) return;
    const auto again = decodeKnownFile(id, encode(*known));
    require(again && again->file == known->file && again->readTo == known->readTo &&
                again->done == known->done && again->path == known->path,
            "another file");
}

void parseFollowPosition(std::string_view bytes) {
    roundTrip(bytes, follow::decodeFollowPosition,
              [](const follow::FollowPosition& position) { return encode(position); });
    roundTrip(bytes, follow::decodeBegun, follow::encodeBegun);
}

void parseLane(std::string_view bytes) {
    const auto prefix = follow::lanePrefix("/var/log");
    if (const auto key = follow::keyOfLane(prefix, bytes))
        require(follow::keyOfLane(prefix, follow::laneOf(prefix, *key)) == key, "another file");
    FileId id;
    if (parseFileId(bytes, id)) {
        FileId again;
        require(parseFileId(toString(id), again) && again == id, "another id");
    }
    if (const auto parts = kafka::partsOfLane(bytes))
        require(parts->topic.size() < bytes.size(), "a topic longer than its lane");
}

void parseKafkaPosition(std::string_view bytes) {
    roundTrip(bytes, kafka::decodePosition, kafka::encodePosition);
}

void parseKafkaRecord(std::string_view bytes) {
    const auto record = kafka::decodeRecord(bytes);
    if (!record) return;
    std::size_t headers = 0;
    record->headers.forEach([&](const KafkaHeader& header) {
        headers += header.name.size() + header.value.value_or("").size();
    });
    require(headers <= bytes.size(), "headers longer than their record");
    std::string again(kafka::encodedBytes(*record), '\0');
    kafka::encodeRecord(*record, again.data());
    const auto same = kafka::decodeRecord(again);
    require(same && same->key == record->key && same->value == record->value &&
                same->offset == record->offset && same->timestamp == record->timestamp &&
                same->headers.encoded == record->headers.encoded,
            "another record");
}

void parseProgress(std::string_view bytes) {
    roundTrip(bytes, outputs::parseProgress, outputs::encodeProgress);
}

void parseFlumeEvent(std::string_view bytes) {
    const auto event = flume::decodeEvent(bytes);
    if (!event) return;
    std::size_t headers = 0;
    event->headers.forEach(
        [&](const FlumeHeader& header) { headers += header.name.size() + header.value.size(); });
    require(headers + event->body.size() <= bytes.size(), "an event longer than its bytes");
}

void parseStoredRow(std::string_view bytes) {
    const auto value = state::decodeRowValue(bytes);
    if (value) require(value->bytes.size() < bytes.size(), "a value longer than its row");
    for (const auto kind : {state::ValueKind::kBytes, state::ValueKind::kSum})
        (void)state::decodeRowValue(bytes, kind);
}

std::string kafkaRecordExample() {
    std::string headers;
    kafka::appendHeader(headers, {"name", "value"});
    kafka::appendHeader(headers, {"none", {}});
    KafkaRecord record;
    record.offset = 12;
    record.key = "key";
    record.value = "value";
    record.headers.encoded = headers;
    std::string bytes(kafka::encodedBytes(record), '\0');
    kafka::encodeRecord(record, bytes.data());
    return bytes;
}

std::string flumeEventExample() {
    flume::EventBatch batch(flume::EventLimits{});
    (void)batch.begin();
    (void)batch.header("host", "a");
    batch.end("body");
    return std::string(batch.bytes().substr(4));
}

}  // namespace

std::vector<Parser> positionParsers() {
    const FileMark mark{{1, 2}, 3, 4, 5, 4, 6};
    const FilePiece piece{mark, "/in/a", 0, 4, true, 9, Compression::kGzip};
    const FileRange range{100, true, 7, {piece}, {mark}, {{8, 9}}};
    follow::FollowPosition follows;
    follows.offset = 70;
    follows.lines = 3;
    const auto prefix = follow::lanePrefix("/var/log");
    return {
        {"file_range", parseFileRange, {encode(range)}},
        {"known_file", parseKnownFile, {encode(KnownFile{mark, 4, false, "/in/a"})}},
        {"follow_position", parseFollowPosition, {encode(follows), follow::encodeBegun(7)}},
        {"lane",
         parseLane,
         {follow::laneOf(prefix, {{1, 2}, 3}), kafka::laneName("g", "t", 3), "2a-1f"}},
        {"kafka_position",
         parseKafkaPosition,
         {kafka::encodePosition({7, kafka::Anchor{6, 5, 4}}), kafka::encodePosition({})}},
        {"kafka_record", parseKafkaRecord, {kafkaRecordExample()}},
        {"kafka_progress", parseProgress, {outputs::encodeProgress({7, 6, 5, 4, 3, 2})}},
        {"flume_event", parseFlumeEvent, {flumeEventExample()}},
        {"stored_row", parseStoredRow, {std::string("\0abc", 4), std::string(9, '\1')}},
    };
}

}  // namespace tidemill::fuzz
