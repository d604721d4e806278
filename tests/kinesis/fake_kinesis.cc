#include "tests/kinesis/fake_kinesis.h"

#include <algorithm>
#include <chrono>

#include "aws/json.h"

namespace tidemill::test {
namespace {

constexpr int kShardsInAPage = 2;

double now() {
    return static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count()) /
           1'000;
}

HttpReply good(const nlohmann::json& json) { return {200, json.dump()}; }

}  // namespace

FakeKinesis::FakeKinesis() : server_([this](const HttpAsked& asked) { return answer(asked); }) {}

void FakeKinesis::create(int shards) {
    const std::lock_guard lock(mutex_);
    exists_ = true;
    ++iteratorAge_;
    // Never that of the stream before.
    created_ = std::max(created_ + 0.001, now());
    shards_.clear();
    nextShard_ = 0;
    for (int i = 0; i < shards; ++i) add("", "");
}

void FakeKinesis::remove() {
    const std::lock_guard lock(mutex_);
    exists_ = false;
    shards_.clear();
}

std::string FakeKinesis::add(const std::string& parent, const std::string& otherParent) {
    const auto number = std::to_string(nextShard_++);
    auto name = "shardId-" + std::string(12 - number.size(), '0') + number;
    Shard shard;
    shard.parent = parent;
    shard.otherParent = otherParent;
    shards_[name] = std::move(shard);
    return name;
}

std::vector<std::string> FakeKinesis::split(const std::string& shard) {
    const std::lock_guard lock(mutex_);
    shards_.at(shard).closed = true;
    const auto one = add(shard, "");
    return {one, add(shard, "")};
}

std::string FakeKinesis::merge(const std::string& one, const std::string& other) {
    const std::lock_guard lock(mutex_);
    shards_.at(one).closed = shards_.at(other).closed = true;
    return add(one, other);
}

// Long, as those of the service, and of different lengths.
std::string FakeKinesis::numberOf(std::int64_t number) const {
    return std::to_string(number) + "00000000000000000000000000000000000000000000";
}

std::string FakeKinesis::put(const std::string& shard, const std::string& data,
                             const std::string& key) {
    const std::lock_guard lock(mutex_);
    shards_.at(shard).records.push_back({nextNumber_, now(), data, key});
    return numberOf(nextNumber_++);
}

void FakeKinesis::expire(const std::string& shard, std::size_t records) {
    const std::lock_guard lock(mutex_);
    auto& all = shards_.at(shard).records;
    all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(records));
    if (all.empty() && shards_.at(shard).closed) shards_.erase(shard);
}

void FakeKinesis::expireIterators() {
    const std::lock_guard lock(mutex_);
    ++iteratorAge_;
}

void FakeKinesis::replaceLast(const std::string& shard, const std::string& data) {
    const std::lock_guard lock(mutex_);
    shards_.at(shard).records.back().data = data;
}

void FakeKinesis::failWith(Fault fault) {
    const std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
}

HttpReply FakeKinesis::error(const std::string& name, int code) {
    return {code, R"({"__type":")" + name + R"(","message":"as the test has it"})"};
}

int FakeKinesis::calls(const std::string& action) const {
    const std::lock_guard lock(mutex_);
    const auto at = calls_.find(action);
    return at == calls_.end() ? 0 : at->second;
}

void FakeKinesis::allow(std::set<std::string> keyIds) {
    const std::lock_guard lock(mutex_);
    allowed_ = std::move(keyIds);
}

HttpReply FakeKinesis::answer(const HttpAsked& asked) {
    const std::lock_guard lock(mutex_);
    const auto target = asked.headers.find("x-amz-target");
    const auto who = asked.headers.find("authorization");
    if (asked.method != "POST" || asked.path != "/" || target == asked.headers.end() ||
        who == asked.headers.end())
        return error("MissingAuthenticationTokenException", 403);
    const auto action = target->second.substr(target->second.find('.') + 1);
    ++calls_[action];
    constexpr std::string_view kCredential = "Credential=";
    const auto begin = who->second.find(kCredential) + kCredential.size();
    const auto id = who->second.substr(begin, who->second.find('/', begin) - begin);
    if (!allowed_.empty() && !allowed_.contains(id)) return error("UnrecognizedClientException");
    if (fault_)
        if (auto instead = fault_(action)) return *instead;
    if (!exists_) return error("ResourceNotFoundException");
    return served(action, Json::parse(asked.body));
}

HttpReply FakeKinesis::served(const std::string& action, const Json& arguments) {
    if (action == "DescribeStreamSummary")
        return good({{"StreamDescriptionSummary",
                      {{"StreamName", "t"},
                       {"StreamStatus", "ACTIVE"},
                       {"RetentionPeriodHours", 24},
                       {"KeyId", nullptr},
                       {"StreamCreationTimestamp", created_}}}});
    if (action == "ListShards") return listShards(arguments);
    if (action == "GetShardIterator") return iteratorOf(arguments);
    if (action == "GetRecords") return recordsOf(arguments);
    return error("UnknownOperationException");
}

HttpReply FakeKinesis::listShards(const Json& arguments) const {
    auto at = shards_.begin();
    if (arguments.contains("NextToken")) at = shards_.upper_bound(arguments["NextToken"]);
    Json list = Json::array();
    std::string last;
    const auto orNull = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
    for (; at != shards_.end() && list.size() < kShardsInAPage; ++at) {
        const auto& [name, shard] = *at;
        last = name;
        list.push_back({{"ShardId", name},
                        {"ParentShardId", orNull(shard.parent)},
                        {"AdjacentParentShardId", orNull(shard.otherParent)},
                        {"SequenceNumberRange",
                         {{"StartingSequenceNumber", "1"},
                          {"EndingSequenceNumber", shard.closed ? Json("9") : Json()}}}});
    }
    return good({{"Shards", list}, {"NextToken", at == shards_.end() ? Json() : Json(last)}});
}

// "AGE/SHARD/NUMBER": at the first record of that number or a later one.
HttpReply FakeKinesis::iteratorOf(const Json& arguments) const {
    const auto shard = shards_.find(arguments.at("ShardId"));
    if (shard == shards_.end()) return error("ResourceNotFoundException");
    const std::string type = arguments.at("ShardIteratorType");
    std::int64_t number = 0;
    if (type == "AT_SEQUENCE_NUMBER") {
        const std::string wanted = arguments.at("StartingSequenceNumber");
        number = std::stoll(wanted.substr(0, wanted.size() - 44));
        if (number >= nextNumber_) return error("InvalidArgumentException");
    } else if (type == "AT_TIMESTAMP") {
        const double time = arguments.at("Timestamp");
        number = nextNumber_;
        for (const auto& record : shard->second.records)
            if (record.arrival >= time) number = std::min(number, record.number);
    } else if (type != "TRIM_HORIZON") {
        return error("ValidationException");
    }
    return good({{"ShardIterator", std::to_string(iteratorAge_) + "/" + shard->first + "/" +
                                       std::to_string(number)}});
}

HttpReply FakeKinesis::recordsOf(const Json& arguments) {
    const std::string iterator = arguments.at("ShardIterator");
    const auto first = iterator.find('/'), last = iterator.rfind('/');
    if (std::stoi(iterator.substr(0, first)) != iteratorAge_)
        return error("ExpiredIteratorException");
    const auto name = iterator.substr(first + 1, last - first - 1);
    if (!shards_.contains(name)) return error("ResourceNotFoundException");
    const auto& shard = shards_.at(name);
    auto next = std::stoll(iterator.substr(last + 1));
    const std::size_t limit = arguments.at("Limit");
    Json records = Json::array();
    std::size_t left = 0;
    for (const auto& record : shard.records) {
        if (record.number < next) continue;
        if (records.size() == limit) {
            ++left;
            continue;
        }
        records.push_back({{"SequenceNumber", numberOf(record.number)},
                           {"ApproximateArrivalTimestamp", record.arrival},
                           {"Data", aws::encodeBase64(record.data)},
                           {"PartitionKey", record.key},
                           {"EncryptionType", nullptr}});
    }
    if (!records.empty()) {
        const std::string number = records.back()["SequenceNumber"];
        next = std::stoll(number.substr(0, number.size() - 44)) + 1;
    }
    const bool isEnd = shard.closed && left == 0;
    return good({{"Records", records},
                 {"MillisBehindLatest", left == 0 ? 0 : 1'000},
                 {"ChildShards", nullptr},
                 {"NextShardIterator",
                  isEnd ? Json() : Json(iterator.substr(0, last + 1) + std::to_string(next))}});
}

}  // namespace tidemill::test
