// What peers send: to sources, to the page, as answers.
#include "core/byte_codec.h"
#include "core/csv_records.h"
#include "core/decompressor.h"
#include "sources/flume/protocol.h"
#include "sources/http/request_body.h"
#include "sources/record_assembler.h"
#include "sources/session_answer.h"
#include "sources/sessions.h"
#include "tests/fuzz/parsers.h"
#include "tests/support/compressed.h"
#include "tests/support/flume_client.h"
#include "tools/web/request_target.h"

namespace tidemill::fuzz {
namespace {

using namespace sources;

// As many events as it says, each of which can be read again.
void checkEvents(const flume::EventBatch& batch, const flume::EventLimits& limits) {
    require(batch.bytes().size() <= flume::encodedBytesMost(limits), "more bytes than allowed");
    require(batch.events() + batch.oversize() <= limits.eventsMax, "more events than allowed");
    std::uint32_t events = 0;
    for (core::ByteReader in(batch.bytes()); !in.finished(); ++events) {
        const auto event = flume::decodeEvent(in.string(in.left()));
        require(in.ok() && event.has_value(), "an event that cannot be read");
        std::size_t headerBytes = 0;
        event->headers.forEach([&](const FlumeHeader& header) {
            headerBytes += header.name.size() + header.value.size();
        });
        require(headerBytes <= limits.headerBytesMax && event->body.size() <= limits.bodyBytesMax,
                "an event over the limits");
    }
    require(events == batch.events(), "another number of events");
}

// The first byte says into which pieces the others are cut.
void parseFlume(FlumeProtocol kind, std::string_view bytes) {
    const flume::EventLimits limits{4'000, 50, 300, 500};
    const auto protocol = makeProtocol(kind, limits);
    const std::size_t pieceBytes = takeByte(bytes) + 1;
    flume::EventBatch batch(limits);
    while (!bytes.empty()) {
        auto piece = bytes.substr(0, pieceBytes);
        bytes.remove_prefix(piece.size());
        while (!piece.empty()) {
            const auto whole = protocol->take(piece);
            require(protocol->heldBytes() <= 2 * limits.requestBytesMax + 100, "too much is held");
            if (!whole) return;
            if (!*whole) break;
            batch.clear();
            if (!protocol->read(batch)) return;
            checkEvents(batch, limits);
            protocol->forget();
            require(!protocol->answer(pieceBytes % 2 == 0).empty(), "no answer");
            require(!protocol->isWithin(), "a request that does not end");
        }
    }
}
void parseAvro(std::string_view bytes) { parseFlume(FlumeProtocol::kAvro, bytes); }
void parseThrift(std::string_view bytes) { parseFlume(FlumeProtocol::kThrift, bytes); }

// The records of a connection, read in pieces as the first byte says: whole ones, in order, none
// longer than allowed; together with what is unfinished not more than came.
void assemble(std::string_view bytes, const std::optional<CsvRecords>& csv) {
    constexpr std::size_t kRecordBytesMax = 200;
    const auto pool = core::BufferPool::make(256 << 10);
    const auto assembler = makeAssembler(*pool, {kRecordBytesMax, 8 << 10}, csv);
    const std::size_t pieceBytes = takeByte(bytes) + 1;
    std::uint64_t next = 1;
    const auto take = [&] {
        const auto cut = assembler->take();
        require(cut.firstLine == next, "numbers with a hole");
        next += cut.lines + cut.oversize;
        require(cut.sizeBytes <= cut.buffer.capacity(), "a block larger than its buffer");
    };
    while (!bytes.empty()) {
        switch (assembler->makeRoom()) {
            case RecordAssembler::Room::kFull: take(); continue;
            case RecordAssembler::Room::kRefused: return require(false, "no room in the budget");
            case RecordAssembler::Room::kReady: break;
        }
        const auto room = assembler->room();
        require(!room.empty(), "room without bytes");
        const auto piece = bytes.substr(0, std::min(pieceBytes, room.size()));
        piece.copy(room.data(), piece.size());
        bytes.remove_prefix(piece.size());
        if (assembler->added(piece.size()) && pieceBytes % 3 == 0 && assembler->hasLines()) take();
    }
    if (assembler->hasLines()) take();
    if (assembler->insideLine()) assembler->finishLine();
    if (assembler->hasLines()) take();
    assembler->discard();
}
void assembleLines(std::string_view bytes) { assemble(bytes, {}); }
void assembleCsv(std::string_view bytes) {
    assemble(bytes, CsvRecords{.separator = ',', .trim = takeByte(bytes) % 2 == 0});
}

// Records of a file of CSV: all bytes but line ends are in one of them, or in a line too long.
void cutCsv(std::string_view bytes) {
    std::size_t taken = 0;
    core::cutCsvRecords(
        bytes, core::CsvCutter({}, 100),
        [&](std::string_view record) {
            taken += record.size();
            return true;
        },
        [] {});
    require(taken <= bytes.size(), "more bytes than there are");
}

void parseSessionLines(std::string_view bytes) {
    const auto answer = parseSessionAnswer(bytes);
    require(answer.text.size() <= bytes.size(), "a text longer than its line");
    if (isSessionName(bytes))
        require(!bytes.empty() && bytes.size() <= 128 && bytes.find(' ') == bytes.npos,
                "a session's name that is none");
}

// The first byte: gzip or not, and in which pieces.
void parseBody(std::string_view bytes) {
    constexpr std::size_t kBytesMax = 4 << 10;
    const auto first = takeByte(bytes);
    const auto skipped = takeByte(bytes);
    http::RequestBody body(first % 2 == 0, kBytesMax);
    const std::size_t pieceBytes = first / 2 + 1;
    while (!bytes.empty()) {
        const auto piece = bytes.substr(0, pieceBytes);
        bytes.remove_prefix(piece.size());
        if (const auto refusal = body.take(piece))
            return require(refusal->code >= 400, "no refusal");
    }
    if (body.finish()) return;
    require(body.text().size() <= kBytesMax + 1, "a body over its limit");
    require(body.text().empty() || body.text().ends_with('\n'), "a body without its last line end");
    const auto lines = http::linesOf(body.text(), 100);
    const auto behind = http::behindLines(body.text(), skipped);
    require(behind <= body.text().size(), "lines behind the end");
    require(lines.count <= body.text().size(), "more lines than bytes");
}

void decompress(std::string_view bytes) {
    const auto kind = takeByte(bytes) % 2 == 0 ? Compression::kGzip : Compression::kZstd;
    const auto stream = core::Decompressor::make(kind);
    char into[512];
    for (std::size_t made = 0; made < (1 << 20);) {
        core::Decompressor::Step step;
        const auto taken = stream->take(bytes, into, sizeof into, step);
        require(step.taken <= bytes.size() && step.made <= sizeof into, "more than there is");
        if (!taken) return;
        bytes.remove_prefix(step.taken);
        made += step.made;
        if (step.made < sizeof into && (bytes.empty() || step.taken + step.made == 0)) return;
    }
}

void parseTarget(std::string_view bytes) {
    const auto target = tools::parseTarget(bytes);
    if (!target) return require(!target.error().message.empty(), "a refusal without a reason");
    require(!target->path.empty(), "a target without a path");
    require(target->arguments.size() <= tools::RequestTarget::kArgumentsMax, "too many arguments");
}

}  // namespace

std::vector<Parser> connectionParsers() {
    const std::string longLine(250, 'x');
    const std::string piece = "\377";
    const auto avro = test::avroRequest(1, {{"one", {{"a", "1"}, {"b", ""}}}, {"two"}}, true, 7) +
                      test::avroAppend(2, {"three"});
    const auto thrift =
        test::thriftRequest(1, {{"one", {{"a", "1"}}}, {"two"}}) + test::thriftAppend(2, {"three"});
    return {
        {"flume_avro", parseAvro, {piece + avro, "\4" + avro}},
        {"flume_thrift", parseThrift, {piece + thrift, "\4" + thrift}},
        {"lines", assembleLines, {"\7one\ntwo\r\n\n" + longLine + "\nthree", "\2\n\n"}},
        {"csv_records", assembleCsv, {"\1\2a,\"b\nc\",d\n\"\"\"\"\n" + longLine + "\n"}},
        {"csv_cut", cutCsv, {"a,\"b\nc\",d\r\n\"open\n" + longLine}},
        {"session_line",
         parseSessionLines,
         {"resume 7", "durable 18446744073709551615", "skipped 3-4", "error no", "sender-1"}},
        {"http_body",
         parseBody,
         {"\3\1one\ntwo\nthree", "\6\1" + test::compressed(Compression::kGzip, "one\ntwo\n")}},
        {"compressed",
         decompress,
         {"\2" + test::compressed(Compression::kGzip, "one\ntwo\n"),
          "\1" + test::compressed(Compression::kZstd, "one\ntwo\n")}},
        {"request_target",
         parseTarget,
         {"/api/v1/status", "/api/v1/state/totals?prefix=%2Fa&limit=3", "/"}},
    };
}

}  // namespace tidemill::fuzz
