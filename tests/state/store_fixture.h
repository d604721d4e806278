// A state store on a directory of its own, checkpoints included, for tests.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/file_system.h"
#include "state/state_store.h"

namespace tidemill::state {

inline constexpr core::OperatorId kOperator{7};

template <class T>
T must(core::Result<T> result) {
    if (!result) {
        ADD_FAILURE() << result.error().message;
        std::abort();
    }
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

inline core::BatchMark markOf(std::uint64_t batch) {
    core::BatchMark mark;
    mark.batch = core::BatchId(batch);
    mark.time = fromMillis(static_cast<std::int64_t>(1000 * batch));
    mark.endLsn = core::Lsn(10 * batch);
    return mark;
}

class StoreFixture : public testing::Test {
protected:
    StoreFixture() {
        std::string made = testing::TempDir() + "state-test-XXXXXX";
        if (::mkdtemp(made.data()) == nullptr) std::abort();
        root_ = made;
        must(files().createDirectory(work()));
        open();
    }
    ~StoreFixture() override {
        store_.reset();
        must(files().removeTree(root_));
    }

    static core::FileSystem& files() { return core::posixFileSystem(); }
    core::Path work() const { return root_ / "work"; }

    void open() {
        StateStoreOptions options;
        options.workDirectory = work();
        options.deltaBudgetBytes = budgetBytes_;
        options.blockCacheBytes = 8 << 20;
        store_ = must(StateStore::open(options));
    }

    // Freezes, ingests and links a generation; returns its directory.
    core::Path checkpoint(std::uint64_t batch) {
        auto frozen = store_->freeze(markOf(batch));
        must(store_->ingest(std::move(frozen)));
        return link();
    }
    core::Path link() {
        const auto into = root_ / ("generation-" + std::to_string(++generations_));
        must(files().createDirectory(into));
        linked_ = must(store_->linkInto(into));
        return into;
    }

    // Starts over from a generation, or from nothing.
    void restartFrom(const core::Path& generation) {
        store_.reset();
        must(files().removeTree(work()));
        must(files().createDirectory(work()));
        if (!generation.empty())
            for (const auto& name : must(files().list(generation)))
                std::filesystem::copy_file(generation / name, work() / name);
        open();
    }

    static core::KeyViews viewsOf(const std::vector<std::string_view>& keys) {
        return {reinterpret_cast<const char*>(keys.data())};
    }
    static void merge(StateTable& table, std::string_view key, std::uint64_t operand) {
        const core::KeyViews keys{reinterpret_cast<const char*>(&key)};
        must(table.rangeOf(key).merge(keys, 1, &operand));
    }
    static std::optional<std::uint64_t> number(StateTable& table, std::string_view key) {
        Lookup lookup;
        must(table.rangeOf(key).get({reinterpret_cast<const char*>(&key)}, 1, lookup));
        return lookup.found(0) ? std::optional(lookup.number(0)) : std::nullopt;
    }
    static std::optional<std::string> bytes(StateTable& table, std::string_view key) {
        Lookup lookup;
        must(table.rangeOf(key).get({reinterpret_cast<const char*>(&key)}, 1, lookup));
        return lookup.found(0) ? std::optional(std::string(lookup.bytes(0))) : std::nullopt;
    }
    static void put(StateTable& table, std::string_view key, std::string_view value) {
        must(table.rangeOf(key).put(key, value));
    }
    static void remove(StateTable& table, std::string_view key) {
        must(table.rangeOf(key).remove(key));
    }
    static std::map<std::string, std::string> rows(StateTable& table,
                                                   std::string_view prefix = {}) {
        std::map<std::string, std::string> rows;
        for (std::uint32_t range = 0; range < core::kKeyRanges; ++range) {
            auto walker = table.range(range).walk({prefix});
            while (must(walker.next())) {
                EXPECT_TRUE(rows.emplace(walker.key(), walker.value()).second) << walker.key();
            }
        }
        return rows;
    }

    core::Path root_;
    std::size_t budgetBytes_ = 256 << 20;
    std::unique_ptr<StateStore> store_;
    std::vector<core::CheckpointFile> linked_;
    int generations_ = 0;
};

inline std::string numberBytes(std::uint64_t number) {
    return std::string(reinterpret_cast<const char*>(&number), sizeof number);
}

}  // namespace tidemill::state
