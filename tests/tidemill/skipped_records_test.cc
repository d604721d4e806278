// Records that a batch went on without are left out again when it is replayed, and no others,
// whatever functions and policy are by then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/support/batch_harness.h"

namespace tidemill::test {
namespace {

using Words = std::vector<std::string>;
using Seen = std::map<std::uint64_t, Words>;
using ::testing::HasSubstr;

// The function as it was when batches were shown, and as it is once it has been mended: without a
// new StreamingOptions::version.
class SkippedRecords : public ::testing::Test {
protected:
    // Throws for what ends in "bad"; mended, for what ends in "good".
    int one(const std::string& word) const {
        if (word.ends_with(isMended_ ? "good" : "bad"))
            throw std::runtime_error("cannot count " + word);
        return 1;
    }
    std::pair<std::string, int> counted(const std::string& word) const { return {word, one(word)}; }

    // "" or what the start or the job said. What comes out at last is in seen_.
    template <class Build>
    std::string live(const std::vector<Words>& inputs, Build build, ErrorPolicy policy,
                     bool graceful = false) {
        StreamingOptions options;
        options.directory = directory_ / "data";
        options.workers = 3;
        options.checkpointInterval = checkpointInterval_;
        options.checkpointBytes = 0;
        options.errorPolicy = policy;
        Life life(options, fromMillis(static_cast<std::int64_t>(1000 * batches_)));
        RecordQueue<std::string> queue;
        for (const auto& input : inputs) queue.push(input);
        life.collect(build(life.context().queueStream(queue)), seen_);
        try {
            life.start();
            life.run(inputs.size());
        } catch (const StreamingError& error) {
            return error.what();
        }
        life.context().stop(graceful);
        batches_ += inputs.size();
        return "";
    }

    // Counts are the same whether the job was mended and killed between or not.
    template <class Build>
    void check(Build build, ErrorPolicy then = ErrorPolicy::kSkip) {
        const std::vector<Words> shown{
            {"a", "bad", "b bad a"}, {"x bad"}, {"fine", "b", "bad bad"}};
        Words reference;
        for (const bool changed : {false, true}) {
            SCOPED_TRACE(changed ? "mended" : "as it was");
            std::filesystem::remove_all(directory_ / "data");
            seen_.clear();
            batches_ = 0;
            isMended_ = false;
            ASSERT_EQ(live(shown, build, ErrorPolicy::kSkip), "");
            // The last recorded batch holds nothing that functions differ on.
            ASSERT_EQ(live({{"c"}}, build, ErrorPolicy::kSkip), "");
            EXPECT_FALSE(seen_[4].empty());
            isMended_ = changed;
            ASSERT_EQ(live({{"c"}}, build, then, true), "");
            if (!changed) reference = seen_[5];
            EXPECT_EQ(seen_[5], reference);
        }
    }

    TemporaryDirectory directory_;
    Duration checkpointInterval_{0};
    std::size_t batches_ = 0;
    bool isMended_ = false;
    Seen seen_;
};

Words split(const std::string& line) {
    Words words;
    std::size_t begin = 0;
    for (std::size_t end; (end = line.find(' ', begin)) != line.npos; begin = end + 1)
        words.push_back(line.substr(begin, end - begin));
    words.push_back(line.substr(begin));
    return words;
}

TEST_F(SkippedRecords, OfMap) {
    check([this](auto s) {
        return s.map([this](const std::string& w) { return counted(w); }).runningTotals("t").all();
    });
}

TEST_F(SkippedRecords, PartsOfALine) {
    check([this](auto s) {
        return s.flatMap(split)
            .map([this](const std::string& w) { return counted(w); })
            .runningTotals("t")
            .all();
    });
}

TEST_F(SkippedRecords, OfFlatMapAndFilter) {
    check([this](auto s) {
        return s.filter([this](const std::string& w) { return one(w) == 1; })
            .template flatMap<std::string>([this](const std::string& w, Emit<std::string>& emit) {
                emit(w);
                (void)one(w);
            })
            .map([](const std::string& w) { return std::pair(w, 1); })
            .runningTotals("t")
            .all();
    });
}

TEST_F(SkippedRecords, BehindAShuffle) {
    check([this](auto s) {
        return s.flatMap(split)
            .countByValue()
            .map([this](const std::pair<std::string, std::int64_t>& pair) {
                return std::pair(pair.first, pair.second * one(pair.first));
            })
            .runningTotals("t")
            .all();
    });
}

TEST_F(SkippedRecords, OfAStreamThatComesTwoWays) {
    check([this](auto s) {
        const auto words = s.flatMap(split);
        const auto first = words.map([](const std::string& w) { return "1" + w; });
        return first.unionWith(words)
            .map([this](const std::string& w) { return counted(w); })
            .unionWith(
                words.unionWith(words).map([this](const std::string& w) { return counted(w); }))
            .runningTotals("t")
            .all();
    });
}

TEST_F(SkippedRecords, WhatATransformReads) {
    check([this](auto s) {
        const auto counts =
            s.flatMap(split).map([this](const std::string& w) { return counted(w); });
        return counts.unionWith(counts)
            .transform([](Batch<std::pair<std::string, int>>& batch) {
                auto all = batch.collect();
                batch.forEach([&](const auto& pair) { all.push_back(pair); });
                return all;
            })
            .runningTotals("t")
            .all();
    });
}

TEST_F(SkippedRecords, UnderAnotherPolicyToo) {
    check(
        [this](auto s) {
            return s.map([this](const std::string& w) { return counted(w); })
                .runningTotals("t")
                .all();
        },
        ErrorPolicy::kStop);
}

// A function that throws now for a record that was counted.
TEST_F(SkippedRecords, OthersAreNotLeftOut) {
    const auto build = [this](auto s) {
        return s.map([this](const std::string& w) { return counted(w); }).runningTotals("t").all();
    };
    ASSERT_EQ(live({{"a", "bad"}, {"b", "a good"}}, build, ErrorPolicy::kSkip), "");
    ASSERT_EQ(live({{"c"}}, build, ErrorPolicy::kSkip), "");
    isMended_ = true;
    EXPECT_THAT(live({{"c"}}, build, ErrorPolicy::kSkip),
                ::testing::AllOf(HasSubstr("batch 2 failed"), HasSubstr("had come to its end")));
    isMended_ = false;
    ASSERT_EQ(live({{"c"}}, build, ErrorPolicy::kSkip), "");
    EXPECT_EQ(seen_[4], (Words{"(a good,1)", "(a,1)", "(b,1)", "(c,2)"}));
}

// The batch behind a checkpoint with which the process began has nothing to say of the one before.
TEST_F(SkippedRecords, BehindACheckpoint) {
    checkpointInterval_ = Duration(1000);
    check([this](auto s) {
        return s.map([this](const std::string& w) { return counted(w); }).runningTotals("t").all();
    });
}

}  // namespace
}  // namespace tidemill::test
