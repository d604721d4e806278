#include "tests/kinesis/kinesis_local.h"

#include <cstdlib>
#include <system_error>
#include <thread>

#include "aws/json.h"
#include "aws/kinesis.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;

constexpr int kCannotBeHad = 77;
// Fetching its programs may take this long the first time.
constexpr std::chrono::minutes kPrepareLongest{10};
constexpr std::chrono::seconds kStartLongest{90};
constexpr std::size_t kAnswerBytesMax = 64 << 20;

// Half of two decimal numbers' sum.
std::string middleOf(std::string one, std::string other) {
    if (one.size() > other.size()) std::swap(one, other);
    one.insert(0, other.size() - one.size(), '0');
    std::string sum(other.size() + 1, '0');
    int carry = 0;
    for (std::size_t i = other.size(); i-- > 0;) {
        carry += (one[i] - '0') + (other[i] - '0');
        sum[i + 1] = static_cast<char>('0' + carry % 10);
        carry /= 10;
    }
    sum[0] = static_cast<char>('0' + carry);
    int rest = 0;
    for (auto& digit : sum) {
        rest = rest * 10 + (digit - '0');
        digit = static_cast<char>('0' + rest / 2);
        rest %= 2;
    }
    const auto first = sum.find_first_not_of('0');
    return first == sum.npos ? "0" : sum.substr(first);
}

}  // namespace

std::unique_ptr<KinesisLocal> KinesisLocal::start(std::string& why, bool& skips) {
    std::unique_ptr<KinesisLocal> made(new KinesisLocal());
    std::string pattern = (fs::temp_directory_path() / "tidemill-kinesis-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        why = "mkdtemp failed";
        return nullptr;
    }
    made->directory_ = pattern;
    const std::string log = (made->directory_ / "log").string();
    ChildProcess prepare({.arguments = {TIDEMILL_KINESIS_SERVICE, "prepare"},
                          .environment = {},
                          .outputFile = log,
                          .errorFile = log});
    const auto code = prepare.wait(kPrepareLongest);
    if (code != 0) {
        skips = code == kCannotBeHad;
        why = "the service's programs are not there: " + made->log();
        return nullptr;
    }
    made->port_ = freePort();
    const auto tlsPort = freePort();
    // The script becomes the service.
    made->process_ = std::make_unique<ChildProcess>(ChildProcess::Options{
        .arguments = {"/usr/bin/setpriv", "--pdeathsig", "KILL", TIDEMILL_KINESIS_SERVICE, "run",
                      std::to_string(made->port_), (made->directory_ / "data").string()},
        .environment = {{"TLS_PORT", std::to_string(tlsPort)}},
        .outputFile = log,
        .errorFile = log});
    const auto until = std::chrono::steady_clock::now() + kStartLongest;
    while (std::chrono::steady_clock::now() < until && !made->process_->poll()) {
        if (!made->call("ListStreams", Json::object()).is_null()) return made;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    why = "the service does not answer: " + made->log();
    return nullptr;
}

KinesisLocal::~KinesisLocal() {
    if (process_) process_->kill();
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
}

KinesisLocal::Json KinesisLocal::call(const std::string& action, const Json& arguments) const {
    const auto endpoint = aws::endpointOf(url(), "us-east-1");
    const auto answer = aws::callAnswerOf(
        aws::perform(aws::kinesisCall(*endpoint, {"test", "test-key"}, action, arguments.dump(),
                                      kAnswerBytesMax, aws::Clock::now())));
    if (answer.end != aws::CallEnd::kDone) return nullptr;
    return answer.body.empty() ? Json::object() : Json::parse(answer.body, nullptr, false);
}

bool KinesisLocal::create(const std::string& stream, int shards) {
    return !call("CreateStream", {{"StreamName", stream}, {"ShardCount", shards}}).is_null() &&
           awaitActive(stream);
}

bool KinesisLocal::awaitActive(const std::string& stream) const {
    for (int tries = 0; tries < 600; ++tries) {
        const auto answer = call("DescribeStreamSummary", {{"StreamName", stream}});
        if (!answer.is_null() && answer["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE")
            return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
}

std::map<std::string, std::string> KinesisLocal::openShards(const std::string& stream) const {
    std::map<std::string, std::string> open;
    const auto answer = call("ListShards", {{"StreamName", stream}});
    if (answer.is_null()) return open;
    for (const auto& shard : answer["Shards"]) {
        if (!shard["SequenceNumberRange"]["EndingSequenceNumber"].is_null()) continue;
        const auto& range = shard["HashKeyRange"];
        open[shard["ShardId"]] = middleOf(range["StartingHashKey"], range["EndingHashKey"]);
    }
    return open;
}

bool KinesisLocal::put(const std::string& stream, const std::vector<std::string>& lines) const {
    Json records = Json::array();
    for (const auto& line : lines)
        records.push_back({{"Data", aws::encodeBase64(line)}, {"PartitionKey", line}});
    const auto answer = call("PutRecords", {{"StreamName", stream}, {"Records", records}});
    return !answer.is_null() && answer["FailedRecordCount"] == 0;
}

}  // namespace tidemill::test
