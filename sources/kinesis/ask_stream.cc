#include "sources/kinesis/ask_stream.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "aws/credentials.h"
#include "aws/http.h"
#include "aws/kinesis.h"
#include "sources/kinesis/answers.h"
#include "sources/kinesis/record_block.h"
#include "sources/kinesis/shard_reader.h"

namespace tidemill::sources::kinesis {
namespace {

using aws::CallEnd;
using core::Result;

// Of shards, for people.
constexpr std::size_t kShown = 20;
// Asked for a record, to see that it may be read.
constexpr std::size_t kReadMost = 3;
constexpr std::size_t kShardsMax = 10'000;

std::string plural(std::size_t count, const char* word) {
    return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

std::string placeOf(const Position& position) {
    if (position.kind == Position::Kind::kRecord) return "behind record " + position.sequence;
    if (position.kind == Position::Kind::kTime) return "the time of its start on";
    return "its beginning on";
}

class Asking {
public:
    Asking(const KinesisOptions& options, const core::LanePositions& positions,
           const core::PeerQuestion& question)
        : options_(options), positions_(positions), question_(question) {}

    core::PeerAnswer ask() {
        if (const auto asked = askAll(); !asked) answer_.troubles.push_back(asked.error().message);
        return std::move(answer_);
    }

private:
    Result<> askAll() {
        const auto variables = aws::processEnvironment();
        auto region = aws::findRegion(variables, options_.region, options_.profile);
        if (!region && !options_.endpoint.empty()) region = "us-east-1";
        if (!region) return core::fail(region.error());
        TM_ASSIGN(endpoint_, aws::endpointOf(options_.endpoint, *region));
        TM_ASSIGN(auto found, aws::findCredentials(variables, options_.profile));
        fact("credentials are those of " + found.from);
        credentials_ = std::move(found.credentials);
        TM_ASSIGN(const auto body, call("DescribeStreamSummary", summaryRequest(options_.stream)));
        TM_ASSIGN(summary_, parseSummary(body));
        TM_TRY(listShards());
        const auto open = std::count_if(shards_.begin(), shards_.end(),
                                        [](const auto& shard) { return shard.second.isOpen; });
        fact("stream \"" + options_.stream + "\" is " + summary_.status + ", has " +
             plural(shards_.size(), "shard") + ", " + std::to_string(open) +
             " of them open, and keeps records for " +
             std::to_string(summary_.keptMillis / 3'600'000) + " h");
        checkIdentity();
        return askBegins();
    }

    void fact(std::string text) { answer_.facts.push_back(std::move(text)); }

    Result<std::string> call(const char* action, std::string body) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            question_.until - std::chrono::steady_clock::now());
        auto request = aws::kinesisCall(endpoint_, credentials_, action, std::move(body),
                                        kRecordsAnswerBytesMax, aws::Clock::now());
        request.limit = std::max(left, std::chrono::milliseconds(1'000));
        auto answer = aws::callAnswerOf(aws::perform(std::move(request)));
        end_ = answer.end;
        if (answer.end == CallEnd::kDone) return std::move(answer.body);
        return core::fail(core::ErrorKind::kIo, std::string(action) + " of stream \"" +
                                                    options_.stream + "\" on " + endpoint_.host +
                                                    ": " + answer.message);
    }

    Result<> listShards() {
        std::string token;
        do {
            TM_ASSIGN(const auto body, call("ListShards", shardsRequest(options_.stream, token)));
            TM_ASSIGN(auto page, parseShards(body));
            for (auto& shard : page.shards) shards_.emplace(shard.id, shard);
            token = page.next;
            if (shards_.size() > kShardsMax)
                return core::fail(core::ErrorKind::kInvalid,
                                  "the stream has more than " + std::to_string(kShardsMax) +
                                      " shards, which is as many as one source reads");
        } while (!token.empty());
        return {};
    }

    void checkIdentity() {
        const auto at = positions_.find(laneName(options_.application, options_.stream, ""));
        isFirst_ = at == positions_.end() || at->second.empty();
        if (isFirst_) return;
        const auto known = decodeStreamPosition(at->second);
        if (!known) return answer_.troubles.push_back(known.error().message);
        isAnew_ = known->createdMillis != summary_.createdMillis;
        if (isAnew_) lost("it was deleted and made anew since it was read last");
    }

    void lost(const std::string& what) {
        const std::string whole = "stream \"" + options_.stream + "\": " + what;
        if (options_.onLostData == LostData::kSkip)
            return fact(whole + "; the job goes on with what there is (on_lost_data = \"skip\")");
        answer_.troubles.push_back(whole +
                                   "; the job would end with that (on_lost_data = \"stop\")");
    }

    Result<> askBegins() {
        std::size_t shown = 0, finished = 0, read = 0;
        std::map<std::string, Position> begins;
        for (const auto& [name, shard] : shards_) {
            const auto lane = laneName(options_.application, options_.stream, name);
            const auto known = positions_.find(lane);
            Position position;
            if (!isAnew_ && known != positions_.end() && !known->second.empty()) {
                TM_ASSIGN(position, decodePosition(known->second));
            } else if (isFirst_ && options_.start.from == KinesisStart::From::kTime) {
                position.kind = Position::Kind::kTime;
                position.timeMillis = toMillis(options_.start.time);
            }
            begins[name] = position;
        }
        const auto isOpenParent = [&](const std::string& name) {
            const auto at = begins.find(name);
            return at != begins.end() && at->second.kind != Position::Kind::kFinished;
        };
        for (const auto& [name, position] : begins) {
            if (position.kind == Position::Kind::kFinished) {
                ++finished;
                continue;
            }
            const bool mayBegin = mayBeRead(shards_.at(name), isOpenParent);
            if (mayBegin && read++ < kReadMost && !question_.isLate())
                TM_TRY(readOne(name, position));
            if (++shown > kShown) continue;
            const bool isLatest = isFirst_ && options_.start.from == KinesisStart::From::kLatest;
            fact("shard " + name + " would be read from " +
                 (isLatest ? "the time of its start on" : placeOf(position)) +
                 (mayBegin ? "" : ", once the shards that it was made of are read"));
        }
        if (shown > kShown) fact("and " + plural(shown - kShown, "more shard"));
        if (finished != 0) fact(plural(finished, "shard") + " were read to their end");
        return {};
    }

    // At its anchor, or where it would begin: that it may be read, and that it is what it was.
    Result<> readOne(const std::string& name, const Position& position) {
        const auto asked =
            call("GetShardIterator", iteratorRequest(options_.stream, name, position));
        if (!asked) {
            const bool isRefused = end_ == CallEnd::kInvalid || end_ == CallEnd::kNotFound;
            if (!isRefused || position.kind != Position::Kind::kRecord)
                return core::fail(asked.error());
            lost("shard " + name + ": the service does not know record " + position.sequence +
                 ", the last one read");
            return {};
        }
        TM_ASSIGN(const auto iterator, parseIterator(*asked));
        TM_ASSIGN(const auto body, call("GetRecords", recordsRequest(iterator, 1)));
        TM_ASSIGN(const auto page, parseRecords(body));
        if (position.kind != Position::Kind::kRecord || page.records.empty()) return {};
        const auto& first = page.records.front();
        const FoundRecord found{first.sequence, hashOfRecord(first.partitionKey, first.data)};
        const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                             std::chrono::system_clock::now().time_since_epoch())
                             .count();
        switch (decideFirst(position, found, now, summary_.keptMillis)) {
            case FirstRecord::kExpired:
                lost("shard " + name + ": records may have expired unread");
                break;
            case FirstRecord::kDifferent:
                lost("shard " + name + ": record " + position.sequence +
                     ", the last one read, is another one now");
                break;
            default: break;
        }
        return {};
    }

    const KinesisOptions& options_;
    const core::LanePositions& positions_;
    const core::PeerQuestion& question_;
    core::PeerAnswer answer_;
    aws::Endpoint endpoint_;
    aws::Credentials credentials_;
    CallEnd end_ = CallEnd::kDone;
    StreamSummary summary_;
    std::map<std::string, ShardInfo> shards_;
    bool isFirst_ = true, isAnew_ = false;
};

}  // namespace

core::PeerAnswer askStream(const KinesisOptions& options, const core::LanePositions& positions,
                           const core::PeerQuestion& question) {
    return Asking(options, positions, question).ask();
}

}  // namespace tidemill::sources::kinesis
