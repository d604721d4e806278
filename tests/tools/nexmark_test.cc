// Nexmark's queries 0, 1, 2 and 7 as job files over a generated feed of bids, next to a plain
// program.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/support/batch_harness.h"
#include "tools/job_file.h"
#include "tools/job_plan.h"

namespace tidemill::tools {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Bid {
    std::int64_t auction, bidder, price, time;
};

std::vector<std::vector<Bid>> feed(std::size_t batches) {
    std::mt19937 random(11);
    std::vector<std::vector<Bid>> bids(batches);
    std::int64_t time = 1'700'000'000'000'000;
    for (auto& batch : bids)
        for (int i = 0; i < 500; ++i)
            batch.push_back({1000 + static_cast<std::int64_t>(random() % 500),
                             static_cast<std::int64_t>(random() % 100),
                             static_cast<std::int64_t>(random() % 1'000'000), time += 1000});
    return bids;
}

std::string lineOf(const Bid& bid) {
    return json{
        {"auction", bid.auction}, {"bidder", bid.bidder}, {"price", bid.price}, {"time", bid.time}}
        .dump();
}

const std::string kBids =
    "[[step]]\nname = \"bid\"\ndo = \"fields\"\nby = \"json\"\n"
    "fields = {auction = {type = \"int\"}, bidder = {type = \"int\"}, price = {type = \"int\"}, "
    "at = {at = \"/time\", type = \"int\"}}\n";

// The rows that the steps give of each batch.
std::vector<std::vector<json>> results(const std::string& steps,
                                       const std::vector<std::vector<Bid>>& bids) {
    test::TemporaryDirectory directory;
    const auto job = core::orThrow(parseJobFile(
        "[job]\nname = \"nexmark\"\non_error = \"stop\"\n[[source]]\nname = \"lines\"\ntype = "
        "\"listen\"\nport = 0\n" +
            kBids + steps + "[[output]]\nto = \"json_lines\"\npath = \"" +
            (directory / "out").string() + "\"\n",
        "nexmark.toml"));
    test::Life life(job.options);
    RecordQueue<std::string> queue;
    for (const auto& batch : bids) {
        std::vector<std::string> lines;
        for (const auto& bid : batch) lines.push_back(lineOf(bid));
        queue.push(lines);
    }
    const auto lines = life.context().queueStream(queue).map(
        [](const std::string& line) { return std::string_view(line); });
    core::orThrow(planJob(job, life.context(), {{"lines", lines}}));
    life.start();
    life.run(bids.size());
    life.context().stop();
    std::vector<std::vector<json>> rows(bids.size());
    for (std::size_t i = 0; i < bids.size(); ++i) {
        char name[40];
        std::snprintf(name, sizeof name, "out/%020zu.jsonl", i + 1);
        std::ifstream in(directory / name);
        for (std::string line; std::getline(in, line);) rows[i].push_back(json::parse(line));
    }
    return rows;
}

TEST(Nexmark, Query0PassesBidsThrough) {
    const auto bids = feed(3);
    const auto rows = results("", bids);
    for (std::size_t i = 0; i < bids.size(); ++i) {
        ASSERT_EQ(rows[i].size(), bids[i].size());
        for (std::size_t k = 0; k < bids[i].size(); ++k) {
            EXPECT_EQ(rows[i][k]["auction"], bids[i][k].auction);
            EXPECT_EQ(rows[i][k]["bidder"], bids[i][k].bidder);
            EXPECT_EQ(rows[i][k]["price"], bids[i][k].price);
            EXPECT_EQ(rows[i][k]["at"], bids[i][k].time);
        }
    }
}

TEST(Nexmark, Query1ConvertsPrices) {
    const auto bids = feed(2);
    const auto rows = results("[[step]]\ncompute = {price = \"0.908 * price\"}\n", bids);
    for (std::size_t i = 0; i < bids.size(); ++i) {
        ASSERT_EQ(rows[i].size(), bids[i].size());
        for (std::size_t k = 0; k < bids[i].size(); ++k)
            EXPECT_DOUBLE_EQ(rows[i][k]["price"].get<double>(),
                             0.908 * static_cast<double>(bids[i][k].price));
    }
}

TEST(Nexmark, Query2SelectsAuctions) {
    const auto bids = feed(3);
    const auto rows = results(
        "[[step]]\ndo = \"sql\"\nquery = \"select auction, price from bid where "
        "auction % 123 = 0\"\n",
        bids);
    for (std::size_t i = 0; i < bids.size(); ++i) {
        std::vector<std::pair<std::int64_t, std::int64_t>> expected, found;
        for (const auto& bid : bids[i])
            if (bid.auction % 123 == 0) expected.emplace_back(bid.auction, bid.price);
        for (const auto& row : rows[i]) found.emplace_back(row["auction"], row["price"]);
        EXPECT_EQ(found, expected);
        EXPECT_FALSE(found.empty());
    }
}

TEST(Nexmark, Query7FindsTheHighestPriceOfEachWindow) {
    const auto bids = feed(6);
    const auto rows = results(
        "[[step]]\nname = \"highest\"\ndo = \"sql\"\nquery = \"select max(price) as "
        "price, count(*) as bids from bid group by tumble('2 seconds')\"\n",
        bids);
    for (std::size_t i = 0; i < bids.size(); ++i) {
        if (i % 2 == 0) {
            EXPECT_TRUE(rows[i].empty());
            continue;
        }
        std::int64_t most = 0;
        for (const auto k : {i - 1, i})
            for (const auto& bid : bids[k]) most = std::max(most, bid.price);
        ASSERT_EQ(rows[i].size(), 1u);
        EXPECT_EQ(rows[i][0]["price"], most);
        EXPECT_EQ(rows[i][0]["bids"], 1000);
    }
}

}  // namespace
}  // namespace tidemill::tools
