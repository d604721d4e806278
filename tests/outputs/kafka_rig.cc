#include "tests/outputs/kafka_rig.h"

#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "rdkafka/handle.h"

namespace tidemill::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::unique_ptr<rdkafka::Handle> client(rd_kafka_type_t type, const std::string& brokers,
                                        bool committedOnly) {
    rdkafka::Properties properties{{"bootstrap.servers", brokers}, {"log_level", "0"}};
    if (type == RD_KAFKA_CONSUMER)
        properties.insert(
            {{"isolation.level", committedOnly ? "read_committed" : "read_uncommitted"},
             {"enable.partition.eof", "true"},
             {"allow.auto.create.topics", "false"},
             {"fetch.wait.max.ms", "10"}});
    auto made = rdkafka::Handle::make(type, properties, {});
    if (!made) throw std::runtime_error(made.error().message);
    return std::move(*made);
}

// Partitions by topic; of all topics, or of one.
std::map<std::string, int> partitionsOf(rd_kafka_t* handle, rd_kafka_topic_t* topic) {
    const struct rd_kafka_metadata* metadata = nullptr;
    const auto code = rd_kafka_metadata(handle, topic == nullptr, topic, &metadata, 10'000);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(code));
    const rdkafka::Metadata owned(metadata);
    std::map<std::string, int> found;
    for (int i = 0; i < metadata->topic_cnt; ++i)
        found[metadata->topics[i].topic] = metadata->topics[i].partition_cnt;
    return found;
}

TopicRecord recordOf(const rd_kafka_message_t& message) {
    TopicRecord record;
    if (message.key != nullptr)
        record.key.assign(static_cast<const char*>(message.key), message.key_len);
    if (message.payload != nullptr)
        record.value.assign(static_cast<const char*>(message.payload), message.len);
    rd_kafka_headers_t* headers = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    if (rd_kafka_message_headers(&message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        rd_kafka_header_get_last(headers, "tidemill-batch", &value, &size) ==
            RD_KAFKA_RESP_ERR_NO_ERROR)
        record.batch.assign(static_cast<const char*>(value), size);
    return record;
}

void readPartition(rd_kafka_topic_t* topic, int partition, std::vector<TopicRecord>& into) {
    if (rd_kafka_consume_start(topic, partition, RD_KAFKA_OFFSET_BEGINNING) != 0)
        throw std::runtime_error("cannot consume");
    const auto until = std::chrono::steady_clock::now() + seconds(30);
    for (bool ended = false; !ended;) {
        if (const rdkafka::Message message(rd_kafka_consume(topic, partition, 200)); message) {
            ended = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
            if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) into.push_back(recordOf(*message));
        }
        if (std::chrono::steady_clock::now() > until) throw std::runtime_error("no end in 30 s");
    }
    rd_kafka_consume_stop(topic, partition);
}

}  // namespace

std::vector<TopicRecord> readTopic(const std::string& brokers, const std::string& name,
                                   bool committedOnly) {
    const auto consumer = client(RD_KAFKA_CONSUMER, brokers, committedOnly);
    const rdkafka::TopicHandle topic(rd_kafka_topic_new(consumer->get(), name.c_str(), nullptr));
    std::vector<TopicRecord> records;
    const int partitions = partitionsOf(consumer->get(), topic.get())[name];
    for (int i = 0; i < partitions; ++i) readPartition(topic.get(), i, records);
    return records;
}

std::vector<std::string> topicsOf(const std::string& brokers) {
    const auto consumer = client(RD_KAFKA_CONSUMER, brokers, true);
    std::vector<std::string> topics;
    for (const auto& [name, partitions] : partitionsOf(consumer->get(), nullptr))
        topics.push_back(name);
    return topics;
}

KafkaJobRig::KafkaJobRig(std::string brokers, std::string topic)
    : brokers_(std::move(brokers)), topic_(std::move(topic)) {
    std::filesystem::create_directory(directory_ / "input");
}

void KafkaJobRig::feed(std::size_t lines) {
    const auto path = directory_ / "input" / (std::to_string(++files_) + ".tmp");
    std::ofstream out(path);
    for (std::size_t i = 0; i < lines; ++i, ++lines_) {
        const std::string key = "k" + std::to_string(lines_ % 17);
        out << key << " r" << lines_ << "\n";
        ++keys_[key];
    }
    out.close();
    std::filesystem::rename(path, directory_ / "input" / (std::to_string(files_) + ".txt"));
}

void KafkaJobRig::feedLine(const std::string& key, const std::string& line) {
    const auto path = directory_ / "input" / (std::to_string(++files_) + ".tmp");
    std::ofstream(path) << line << "\n";
    ++keys_[key];
    std::filesystem::rename(path, directory_ / "input" / (std::to_string(files_) + ".txt"));
}

std::unique_ptr<ChildProcess> KafkaJobRig::start(const std::vector<std::string>& more,
                                                 const std::string& failpoint,
                                                 const std::string& data) const {
    ChildProcess::Options options;
    options.arguments = {TIDEMILL_KAFKA_JOB_PATH, directory_ / data, directory_ / "input", brokers_,
                         topic_};
    options.arguments.insert(options.arguments.end(), more.begin(), more.end());
    if (!failpoint.empty()) options.environment["TIDEMILL_FAILPOINT"] = failpoint;
    options.outputFile = directory_ / "out";
    options.errorFile = directory_ / "log";
    return std::make_unique<ChildProcess>(options);
}

bool KafkaJobRig::await(seconds longest) const {
    const auto until = std::chrono::steady_clock::now() + longest;
    while (std::chrono::steady_clock::now() < until) {
        try {
            if (readTopic(brokers_, topic_).size() >= lines_) return true;
        } catch (const std::runtime_error&) {
        }
        std::this_thread::sleep_for(milliseconds(100));
    }
    return false;
}

// What was started a moment ago and has nothing left to do may not have come to its first line.
void KafkaJobRig::awaitHandler(const ChildProcess& job) {
    const std::string caught = "SigCgt:";
    for (int i = 0; i < 4000; ++i) {
        std::ifstream status("/proc/" + std::to_string(job.pid()) + "/status");
        for (std::string line; std::getline(status, line);) {
            if (line.starts_with("State:\tZ")) return;
            if (line.starts_with(caught) &&
                (std::stoull(line.substr(caught.size()), nullptr, 16) >> (SIGTERM - 1) & 1) != 0)
                return;
        }
        std::this_thread::sleep_for(milliseconds(5));
    }
}

int KafkaJobRig::stop(ChildProcess& job) const {
    awaitHandler(job);
    job.signal(SIGTERM);
    return job.wait(seconds(60)).value_or(-1);
}

std::string KafkaJobRig::allWords() const {
    std::ifstream in(directory_ / "log");
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string KafkaJobRig::problems() const {
    std::ostringstream said;
    std::map<std::string, int> lines;
    for (const auto& record : readTopic(brokers_, topic_)) {
        ++lines[record.value];
        if (record.key != record.value.substr(0, record.value.find(' ')) || record.batch.empty())
            said << "key or batch of " << record.value << "\n";
    }
    std::size_t missing = 0, doubled = 0;
    for (std::size_t i = 0; i < lines_; ++i) {
        const auto found = lines.find("k" + std::to_string(i % 17) + " r" + std::to_string(i));
        if (found == lines.end()) ++missing;
        else if (found->second != 1) ++doubled;
    }
    if (missing + doubled != 0) said << missing << " missing, " << doubled << " doubled\n";

    std::map<std::string, std::int64_t> totals;
    std::map<std::string, std::set<std::string>> batches;
    for (const auto& record : readTopic(brokers_, topic_ + ".totals")) {
        totals[record.key] = std::stoll(record.value);
        if (!batches[record.key].insert(record.batch).second)
            said << "total of " << record.key << " twice in batch " << record.batch << "\n";
    }
    if (totals != keys_) said << "the topic of totals is wrong\n";

    int code = 0;
    const auto exported = outputOf({TIDEMILL_PROGRAM_PATH, "state", "export", "totals", "--json",
                                    "--data-dir", directory_ / "data"},
                                   code);
    std::map<std::string, std::int64_t> state;
    static const std::regex kLine(R"re(\{"key": ?"([^"]*)", ?"value": ?(-?[0-9]+)\})re");
    for (std::sregex_iterator i(exported.begin(), exported.end(), kLine), end; i != end; ++i)
        state[(*i)[1]] = std::stoll((*i)[2]);
    if (state != keys_) said << "the state is wrong, exit code " << code << "\n";
    return said.str();
}

}  // namespace tidemill::test
