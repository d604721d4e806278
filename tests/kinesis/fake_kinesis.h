// Kinesis in a test's process, as far as a source uses it: shards that split and
// merge, iterators that expire, records that do, throttling, answers that are none. Against the
// service of others: kinesis_local.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/http_server.h"

namespace tidemill::test {

// One stream, called "t". Thread safety: thread-safe.
class FakeKinesis {
public:
    FakeKinesis();

    std::string url() const { return server_.url(); }

    void create(int shards);
    void remove();
    // Names of the shards that are made.
    std::vector<std::string> split(const std::string& shard);
    std::string merge(const std::string& one, const std::string& other);
    // The record's number.
    std::string put(const std::string& shard, const std::string& data,
                    const std::string& key = "k");
    // The oldest records expire; a shard without any that is closed is listed no more.
    void expire(const std::string& shard, std::size_t records);
    // Iterators that were given out are good no longer.
    void expireIterators();
    // A record changes, as if the stream were another one.
    void replaceLast(const std::string& shard, const std::string& data);

    // Looks at each call; an answer is given instead of the service's own.
    using Fault = std::function<std::optional<HttpReply>(const std::string& action)>;
    void failWith(Fault fault);
    static HttpReply error(const std::string& name, int code = 400);

    // How often an action was called.
    int calls(const std::string& action) const;
    // Keys that may ask; empty: all.
    void allow(std::set<std::string> keyIds);

private:
    struct Record {
        std::int64_t number = 0;
        double arrival = 0;
        std::string data, key;
    };
    struct Shard {
        std::string parent, otherParent;
        bool closed = false;
        std::int64_t first = 0;
        std::vector<Record> records;
    };
    using Json = nlohmann::json;

    HttpReply answer(const HttpAsked& asked);
    HttpReply served(const std::string& action, const Json& arguments);
    HttpReply listShards(const Json& arguments) const;
    HttpReply iteratorOf(const Json& arguments) const;
    HttpReply recordsOf(const Json& arguments);
    std::string add(const std::string& parent, const std::string& otherParent);
    std::string numberOf(std::int64_t number) const;

    mutable std::mutex mutex_;
    bool exists_ = false;
    double created_ = 0;
    int nextShard_ = 0;
    std::int64_t nextNumber_ = 1;
    int iteratorAge_ = 0;
    std::map<std::string, Shard> shards_;
    std::map<std::string, int> calls_;
    std::set<std::string> allowed_;
    Fault fault_;
    HttpServer server_;
};

}  // namespace tidemill::test
