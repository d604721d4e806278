// Plain clients of a cluster, for tools/demo --kafka and for those who try things by hand.
//   kafka_peer send BROKERS TOPIC FILE [LINES_PER_SECOND]   each line of FILE once, killed and
//                                                           begun again as often as you like
//   kafka_peer read BROKERS TOPIC      what a read_committed reader sees: KEY<tab>VALUE lines
#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

constexpr int kWaitMillis = 30'000;
constexpr std::size_t kLinesPerTransaction = 200;

void orThrow(rd_kafka_resp_err_t code) {
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(code));
}
void orThrow(rd_kafka_error_t* error) {
    if (error == nullptr) return;
    const std::string text = rd_kafka_error_string(error);
    rd_kafka_error_destroy(error);
    throw std::runtime_error(text);
}

class Client {
public:
    Client(rd_kafka_type_t type, const std::map<std::string, std::string>& settings) {
        char text[256];
        auto* conf = rd_kafka_conf_new();
        for (const auto& [name, value] : settings)
            if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text, sizeof text) !=
                RD_KAFKA_CONF_OK)
                throw std::runtime_error(text);
        handle_ = rd_kafka_new(type, conf, text, sizeof text);
        if (handle_ == nullptr) throw std::runtime_error(text);
    }
    ~Client() { rd_kafka_destroy(handle_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    rd_kafka_t* get() const { return handle_; }

private:
    rd_kafka_t* handle_ = nullptr;
};

// Calls f(key, value) for each committed record.
void readCommitted(const std::string& brokers, const std::string& topic,
                   const std::function<void(std::string, std::string)>& f) {
    const Client client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers},
                                            {"isolation.level", "read_committed"},
                                            {"enable.partition.eof", "true"},
                                            {"log_level", "2"}});
    auto* handle = rd_kafka_topic_new(client.get(), topic.c_str(), nullptr);
    const struct rd_kafka_metadata* metadata = nullptr;
    orThrow(rd_kafka_metadata(client.get(), 0, handle, &metadata, kWaitMillis));
    const int partitions = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    const auto text = [](const void* bytes, std::size_t size) {
        return bytes == nullptr ? std::string()
                                : std::string(static_cast<const char*>(bytes), size);
    };
    for (int i = 0; i < partitions; ++i) {
        rd_kafka_consume_start(handle, i, RD_KAFKA_OFFSET_BEGINNING);
        for (bool ended = false; !ended;) {
            auto* message = rd_kafka_consume(handle, i, 1000);
            if (message == nullptr) continue;
            ended = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
            if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
                f(text(message->key, message->key_len), text(message->payload, message->len));
            rd_kafka_message_destroy(message);
        }
        rd_kafka_consume_stop(handle, i);
    }
    rd_kafka_topic_destroy(handle);
}

// A transaction for some lines; what is in the topic says where to go on.
int send(const std::string& brokers, const std::string& topic, const std::string& path,
         std::size_t perSecond) {
    const Client client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers},
                                            {"transactional.id", "peer/" + topic},
                                            {"log_level", "2"}});
    // What another one of this name has left open is ended first.
    orThrow(rd_kafka_init_transactions(client.get(), kWaitMillis));
    std::size_t sent = 0;
    readCommitted(brokers, topic, [&](const std::string&, const std::string&) { ++sent; });
    if (sent != 0) std::cerr << "going on behind line " << sent << "\n";
    std::ifstream in(path);
    std::string line;
    for (std::size_t i = 0; i < sent; ++i) std::getline(in, line);
    bool more = static_cast<bool>(std::getline(in, line));
    while (more) {
        orThrow(rd_kafka_begin_transaction(client.get()));
        for (std::size_t i = 0; more && i < kLinesPerTransaction; ++i) {
            orThrow(rd_kafka_producev(client.get(), RD_KAFKA_V_TOPIC(topic.c_str()),
                                      RD_KAFKA_V_VALUE(line.data(), line.size()),
                                      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END));
            more = static_cast<bool>(std::getline(in, line));
        }
        orThrow(rd_kafka_commit_transaction(client.get(), kWaitMillis));
        if (perSecond != 0)
            std::this_thread::sleep_for(
                std::chrono::milliseconds(1000 * kLinesPerTransaction / perSecond));
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) try {
    const std::string what = argc > 1 ? argv[1] : "";
    if (what == "send" && argc >= 5)
        return send(argv[2], argv[3], argv[4], argc > 5 ? std::stoul(argv[5]) : 0);
    if (what == "read" && argc == 4) {
        readCommitted(argv[2], argv[3], [](const std::string& key, const std::string& value) {
            std::printf("%s\t%s\n", key.c_str(), value.c_str());
        });
        return 0;
    }
    std::cerr << "usage: kafka_peer send BROKERS TOPIC FILE [LINES_PER_SECOND]\n"
                 "       kafka_peer read BROKERS TOPIC\n";
    return 2;
} catch (const std::exception& error) {
    std::cerr << "kafka_peer: " << error.what() << "\n";
    return 1;
}
