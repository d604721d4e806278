#include "tests/kafka/kafka_client.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <thread>

namespace tidemill::test {

using namespace rdkafka;

namespace {

constexpr int kAskMillis = 30'000;

std::unique_ptr<Handle> made(rd_kafka_type_t type, Properties properties) {
    auto handle = Handle::make(type, properties, {});
    if (!handle) {
        ADD_FAILURE() << handle.error().message;
        return nullptr;
    }
    return std::move(*handle);
}

std::optional<std::string> textOf(const void* data, std::size_t size) {
    if (data == nullptr) return std::nullopt;
    return std::string(static_cast<const char*>(data), size);
}

}  // namespace

KafkaClient::KafkaClient(std::string brokers) : brokers_(std::move(brokers)) {
    producer_ = made(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers_},
                                         {"enable.idempotence", "true"},
                                         {"linger.ms", "5"},
                                         {"topic.metadata.refresh.interval.ms", "1000"},
                                         {"reconnect.backoff.max.ms", "500"}});
}

KafkaClient::~KafkaClient() = default;

template <class Request>
Event KafkaClient::request(Request f, rd_kafka_admin_op_t operation) {
    using Options = Owned<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>;
    const Options options(rd_kafka_AdminOptions_new(client(), operation));
    std::array<char, 256> why{};
    rd_kafka_AdminOptions_set_request_timeout(options.get(), kAskMillis, why.data(), why.size());
    const Queue queue(rd_kafka_queue_new(client()));
    f(options.get(), queue.get());
    Event event(rd_kafka_queue_poll(queue.get(), kAskMillis));
    if (!event) ADD_FAILURE() << "no answer to an admin request";
    else if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
        ADD_FAILURE() << "admin request: " << rd_kafka_event_error_string(event.get());
    return event;
}

int KafkaClient::partitionCount(const std::string& topic) {
    const TopicHandle handle(rd_kafka_topic_new(client(), topic.c_str(), nullptr));
    const struct rd_kafka_metadata* answer = nullptr;
    if (rd_kafka_metadata(client(), 0, handle.get(), &answer, kAskMillis) !=
        RD_KAFKA_RESP_ERR_NO_ERROR)
        return -1;
    const Metadata owned(answer);
    if (answer->topic_cnt != 1 || answer->topics[0].err != RD_KAFKA_RESP_ERR_NO_ERROR) return 0;
    for (int i = 0; i < answer->topics[0].partition_cnt; ++i)
        if (answer->topics[0].partitions[i].leader < 0) return -1;
    return answer->topics[0].partition_cnt;
}

void KafkaClient::createTopic(const std::string& topic, int partitions,
                              const std::map<std::string, std::string>& configuration) {
    using NewTopic = Owned<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy>;
    std::array<char, 256> why{};
    const NewTopic wanted(
        rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, why.data(), why.size()));
    for (const auto& [name, value] : configuration)
        rd_kafka_NewTopic_set_config(wanted.get(), name.c_str(), value.c_str());
    const auto event = request(
        [&](auto* options, auto* queue) {
            rd_kafka_NewTopic_t* list[] = {wanted.get()};
            rd_kafka_CreateTopics(client(), list, 1, options, queue);
        },
        RD_KAFKA_ADMIN_OP_CREATETOPICS);
    std::size_t count = 0;
    const auto* results = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(event.get()), &count);
    ASSERT_EQ(count, 1u);
    ASSERT_EQ(rd_kafka_topic_result_error(results[0]), RD_KAFKA_RESP_ERR_NO_ERROR)
        << rd_kafka_topic_result_error_string(results[0]);
    for (int i = 0; partitionCount(topic) != partitions; ++i) {
        ASSERT_LT(i, 1000) << "topic " << topic << " was not made";
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

void KafkaClient::deleteTopic(const std::string& topic) {
    using DeleteTopic = Owned<rd_kafka_DeleteTopic_t, rd_kafka_DeleteTopic_destroy>;
    const DeleteTopic wanted(rd_kafka_DeleteTopic_new(topic.c_str()));
    request(
        [&](auto* options, auto* queue) {
            rd_kafka_DeleteTopic_t* list[] = {wanted.get()};
            rd_kafka_DeleteTopics(client(), list, 1, options, queue);
        },
        RD_KAFKA_ADMIN_OP_DELETETOPICS);
    for (int i = 0; partitionCount(topic) != 0; ++i) {
        ASSERT_LT(i, 1000) << "topic " << topic << " was not deleted";
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    // A producer remembers what it knew of a topic of this name.
    producer_ =
        made(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers_}, {"enable.idempotence", "true"}});
}

void KafkaClient::addPartitions(const std::string& topic, int newTotal) {
    using NewPartitions = Owned<rd_kafka_NewPartitions_t, rd_kafka_NewPartitions_destroy>;
    std::array<char, 256> why{};
    const NewPartitions wanted(rd_kafka_NewPartitions_new(
        topic.c_str(), static_cast<std::size_t>(newTotal), why.data(), why.size()));
    request(
        [&](auto* options, auto* queue) {
            rd_kafka_NewPartitions_t* list[] = {wanted.get()};
            rd_kafka_CreatePartitions(client(), list, 1, options, queue);
        },
        RD_KAFKA_ADMIN_OP_CREATEPARTITIONS);
    for (int i = 0; partitionCount(topic) != newTotal; ++i) {
        ASSERT_LT(i, 1000) << "topic " << topic << " has not got its partitions";
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    producer_ =
        made(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers_}, {"enable.idempotence", "true"}});
}

void KafkaClient::deleteRecords(const std::string& topic, std::int32_t partition,
                                std::int64_t before) {
    using DeleteRecords = Owned<rd_kafka_DeleteRecords_t, rd_kafka_DeleteRecords_destroy>;
    const auto list = makeTopicPartitions();
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = before;
    const DeleteRecords wanted(rd_kafka_DeleteRecords_new(list.get()));
    request(
        [&](auto* options, auto* queue) {
            rd_kafka_DeleteRecords_t* wantedList[] = {wanted.get()};
            rd_kafka_DeleteRecords(client(), wantedList, 1, options, queue);
        },
        RD_KAFKA_ADMIN_OP_DELETERECORDS);
}

void KafkaClient::allow(const std::string& user, rd_kafka_ResourceType_t type,
                        const std::string& name, rd_kafka_AclOperation_t operation) {
    using Binding = Owned<rd_kafka_AclBinding_t, rd_kafka_AclBinding_destroy>;
    std::array<char, 256> why{};
    const Binding wanted(rd_kafka_AclBinding_new(
        type, name.c_str(), RD_KAFKA_RESOURCE_PATTERN_PREFIXED, ("User:" + user).c_str(), "*",
        operation, RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW, why.data(), why.size()));
    ASSERT_NE(wanted, nullptr) << why.data();
    const auto event = request(
        [&](auto* options, auto* queue) {
            rd_kafka_AclBinding_t* list[] = {wanted.get()};
            rd_kafka_CreateAcls(client(), list, 1, options, queue);
        },
        RD_KAFKA_ADMIN_OP_CREATEACLS);
    ASSERT_NE(event, nullptr);
    std::size_t count = 0;
    const auto* const* results =
        rd_kafka_CreateAcls_result_acls(rd_kafka_event_CreateAcls_result(event.get()), &count);
    ASSERT_EQ(count, 1u);
    EXPECT_EQ(rd_kafka_acl_result_error(results[0]), nullptr);
}

void KafkaClient::produce(const std::string& topic, std::int32_t partition, std::string_view value,
                          std::optional<std::string_view> key,
                          const std::map<std::string, std::string>& headers) {
    Headers list;
    if (!headers.empty()) {
        list.reset(rd_kafka_headers_new(headers.size()));
        for (const auto& [name, text] : headers)
            rd_kafka_header_add(list.get(), name.data(), static_cast<ssize_t>(name.size()),
                                text.data(), static_cast<ssize_t>(text.size()));
    }
    const void* keyBytes = key ? key->data() : nullptr;
    const std::size_t keySize = key ? key->size() : 0;
    while (true) {
        const auto error = rd_kafka_producev(
            client(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
            RD_KAFKA_V_KEY(keyBytes, keySize), RD_KAFKA_V_HEADERS(list.get()), RD_KAFKA_V_END);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            (void)list.release();  // the message has them
            return;
        }
        if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            ADD_FAILURE() << "produce: " << describe(error);
            return;
        }
        producer_->poll(10);
    }
}

bool KafkaClient::flush(int waitMillis) {
    return rd_kafka_flush(client(), waitMillis) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

std::int64_t KafkaClient::endOffset(const std::string& topic, std::int32_t partition) {
    std::int64_t low = 0, high = -1;
    rd_kafka_query_watermark_offsets(client(), topic.c_str(), partition, &low, &high, kAskMillis);
    return high;
}

std::int64_t KafkaClient::committed(const std::string& group, const std::string& topic,
                                    std::int32_t partition) {
    const auto reader =
        made(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers_}, {"group.id", group}});
    const auto list = makeTopicPartitions();
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition);
    // A broker that has just started does not coordinate groups yet.
    auto error = rd_kafka_committed(reader->get(), list.get(), kAskMillis);
    for (int i = 0; error != RD_KAFKA_RESP_ERR_NO_ERROR && !needsPerson(error) && i < 100; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        error = rd_kafka_committed(reader->get(), list.get(), kAskMillis);
    }
    EXPECT_EQ(error, RD_KAFKA_RESP_ERR_NO_ERROR) << describe(error);
    return list->elems[0].offset < 0 ? -1 : list->elems[0].offset;
}

std::vector<ReadRecord> KafkaClient::readAll(const std::string& topic) {
    const int partitions = partitionCount(topic);
    const auto reader = made(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers_},
                                                 {"group.id", "tests-read-all"},
                                                 {"isolation.level", "read_committed"},
                                                 {"enable.auto.commit", "false"},
                                                 {"enable.partition.eof", "true"},
                                                 {"fetch.wait.max.ms", "20"}});
    std::vector<ReadRecord> records;
    for (int partition = 0; partition < partitions; ++partition) {
        const auto list = makeTopicPartitions();
        rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset =
            RD_KAFKA_OFFSET_BEGINNING;
        rd_kafka_assign(reader->get(), list.get());
        while (true) {
            const Message message(rd_kafka_consumer_poll(reader->get(), kAskMillis));
            if (!message || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
                EXPECT_TRUE(message) << "no end of " << topic;
                break;
            }
            if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
                ADD_FAILURE() << "reading " << topic << ": " << describe(message->err);
                return records;
            }
            ReadRecord record;
            record.partition = partition;
            record.offset = message->offset;
            record.key = textOf(message->key, message->key_len);
            record.value = textOf(message->payload, message->len);
            rd_kafka_headers_t* headers = nullptr;
            if (rd_kafka_message_headers(message.get(), &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
                const char* name = nullptr;
                const void* value = nullptr;
                std::size_t size = 0;
                for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) ==
                                        RD_KAFKA_RESP_ERR_NO_ERROR;
                     ++i)
                    record.headers[name] = std::string(static_cast<const char*>(value), size);
            }
            records.push_back(std::move(record));
        }
    }
    return records;
}

}  // namespace tidemill::test
