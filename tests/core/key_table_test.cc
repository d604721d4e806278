#include "core/key_table.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tidemill::core {
namespace {

using Views = std::vector<std::string_view>;

struct Located {
    std::array<KeyTable::Slot*, 1024> slots;
    std::array<std::uint64_t, 16> fresh;
    bool isFresh(std::size_t i) const { return fresh[i / 64] >> i % 64 & 1; }
};

void locate(KeyTable& table, const Views& keys, Located& located) {
    table.locate(reinterpret_cast<const char*>(keys.data()), sizeof keys[0], keys.size(),
                 located.slots.data(), located.fresh.data());
}

// Few different bytes, NUL among them, so that keys are often equal or differ in one place.
std::string randomKey(std::mt19937& random, std::size_t sizeMax) {
    std::string key(random() % (sizeMax + 1), '\0');
    for (auto& byte : key) byte = random() % 8 == 0 ? static_cast<char>(random() % 3) : 'a';
    return key;
}

// A map, and the keys in the order of their first appearance.
struct Model {
    std::unordered_map<std::string, std::uint64_t> counts;
    std::vector<std::string> order;
    bool add(const std::string& key) {
        const bool isNew = ++counts[key] == 1;
        if (isNew) order.push_back(key);
        return isNew;
    }
};

void expectEqual(const KeyTable& table, const Model& model) {
    ASSERT_EQ(table.size(), model.order.size());
    for (std::size_t rank = 0; rank < table.size(); ++rank) {
        const auto& slot = table.slotAt(rank);
        ASSERT_EQ(table.keyOf(slot), model.order[rank]);
        ASSERT_EQ(slot.rank, rank);
        ASSERT_EQ(slot.value, model.counts.at(model.order[rank]));
        ASSERT_EQ(table.find(model.order[rank]), &slot);
    }
}

void countChunk(KeyTable& table, Model& model, const std::vector<std::string>& keys) {
    Located located;
    locate(table, Views(keys.begin(), keys.end()), located);
    for (std::size_t i = 0; i < keys.size(); ++i) {
        ASSERT_EQ(located.isFresh(i), model.add(keys[i])) << i;
        ASSERT_TRUE(!located.isFresh(i) || located.slots[i]->value == 0);
        ++located.slots[i]->value;
    }
}

class KeyTableOfSize : public testing::TestWithParam<std::size_t> {};

TEST_P(KeyTableOfSize, AgreesWithAMapForKeysUpToThatLength) {
    std::mt19937 random(1);
    KeyTable table(random());
    for (int life = 0; life < 3; ++life) {
        Model model;
        for (int round = 0; round < 60; ++round) {
            std::vector<std::string> keys(1 + random() % 1024);
            for (auto& key : keys) key = randomKey(random, GetParam());
            countChunk(table, model, keys);
            const std::string one = randomKey(random, GetParam());
            bool fresh = false;
            ++table.insert(one, fresh).value;
            ASSERT_EQ(fresh, model.add(one));
            const std::string other = randomKey(random, GetParam());
            ASSERT_EQ(table.find(other) != nullptr, model.counts.contains(other));
        }
        expectEqual(table, model);
        table.clear();
        ASSERT_EQ(table.size(), 0u);
        ASSERT_EQ(table.find(model.order.front()), nullptr);
    }
}
INSTANTIATE_TEST_SUITE_P(All, KeyTableOfSize, testing::Values(0, 1, 3, 8, 9, 15, 16, 40, 300));

TEST(KeyTable, KeepsTheOrderOfInsertionWhileItGrowsToManyKeys) {
    KeyTable table;
    Model model;
    for (int chunk = 0; chunk < 200; ++chunk) {
        std::vector<std::string> keys;
        for (int i = 0; i < 1000; ++i) keys.push_back("key " + std::to_string(chunk * 700 + i));
        countChunk(table, model, keys);
    }
    expectEqual(table, model);
}

// Every seed another layout, so that keys lie around the end of the slots too when they double,
// and when 1024 keys at once make them four times as many.
TEST(KeyTable, EveryKeyIsFoundAfterEveryGrowthWhateverTheSeed) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        KeyTable table(seed);
        std::size_t bytes = 0;
        std::vector<std::string> keys;
        const auto expectAll = [&] {
            for (std::size_t rank = 0; rank < keys.size(); ++rank) {
                ASSERT_EQ(table.find(keys[rank]), &table.slotAt(rank)) << "seed " << seed;
                ASSERT_EQ(table.keyOf(table.slotAt(rank)), keys[rank]);
            }
        };
        const auto next = [&] {
            return std::string(keys.size() % 9 == 0 ? "a key of more than 15 bytes " : "key ") +
                   std::to_string(keys.size());
        };
        while (keys.size() < 1500) {
            keys.push_back(next());
            bool fresh = false;
            table.insert(keys.back(), fresh);
            ASSERT_TRUE(fresh);
            if (std::exchange(bytes, table.bytes()) != bytes) expectAll();
        }
        for (int chunk = 0; chunk < 4; ++chunk) {
            const std::size_t first = keys.size();
            for (int i = 0; i < 1024; ++i) keys.push_back(next());
            Located located;
            locate(table, Views(keys.begin() + static_cast<std::ptrdiff_t>(first), keys.end()),
                   located);
            expectAll();
        }
    }
}

TEST(KeyTable, VisitsKeysGivenAsWordsOneAfterAnother) {
    for (const auto width : {KeyTable::Width::kNarrow, KeyTable::Width::kWide}) {
        KeyTable table(3, width);
        std::unordered_map<std::uint64_t, std::uint64_t> model;
        std::mt19937 random(5);
        for (int chunk = 0; chunk < 100; ++chunk) {
            std::vector<std::uint64_t> keys(1 + random() % 1024);
            for (auto& key : keys) key = random() % 20'000 << 32;
            std::size_t visited = 0;
            table.visitWords(
                keys.size(),
                [&](std::size_t i) {
                    return KeyGroupProbe::Words{keys[i], std::uint64_t{9} << 56};
                },
                [&](std::size_t i, KeyTable::Slot& slot, bool fresh) {
                    ASSERT_EQ(i, visited++);
                    ASSERT_EQ(fresh, !model.contains(keys[i]));
                    ASSERT_EQ(slot.value, model[keys[i]]++);
                    ++slot.value;
                });
            ASSERT_EQ(visited, keys.size());
        }
        ASSERT_EQ(table.size(), model.size());
        for (const auto& [key, count] : model) {
            const std::string_view bytes(reinterpret_cast<const char*>(&key), sizeof key);
            ASSERT_EQ(table.find(bytes)->value, count);
        }
    }
}

TEST(KeyTable, AWideTableKeepsAValueBehindEverySlot) {
    struct Value {
        std::uint64_t words[4];
    };
    KeyTable table(7, KeyTable::Width::kWide);
    const auto valueOf = [](KeyTable::Slot& slot) { return reinterpret_cast<Value*>(&slot + 1); };
    const auto textOf = [](std::uint64_t key) { return "key " + std::to_string(key); };
    std::vector<std::string> keys;
    for (std::uint64_t key = 0; key < 20'000; ++key) keys.push_back(textOf(key));
    Located located;
    for (std::size_t first = 0; first + 1000 <= keys.size(); first += 500) {
        // The second half comes back with the next chunk.
        const auto begin = keys.begin() + static_cast<std::ptrdiff_t>(first);
        locate(table, Views(begin, begin + 1000), located);
        for (std::uint64_t i = 0; i < 1000; ++i) {
            ASSERT_EQ(located.isFresh(i), first == 0 || i >= 500);
            const std::uint64_t key = first + i;
            // Looks like the next key's slot.
            const ProbeKey next = probeKey(textOf(key + 1), KeySeed{});
            const Value value{{next.a, next.b, key, ~key}};
            if (located.isFresh(i)) *valueOf(*located.slots[i]) = value;
            else ASSERT_EQ(std::memcmp(valueOf(*located.slots[i]), &value, sizeof value), 0);
        }
    }
    ASSERT_EQ(table.size(), keys.size());
    for (std::uint64_t key = 0; key < keys.size(); ++key) {
        ASSERT_EQ(table.find(keys[key]), &table.slotAt(key));
        ASSERT_EQ(valueOf(table.slotAt(key))->words[3], ~key);
    }
    table.clear();
    EXPECT_EQ(table.find(keys[0]), nullptr);
    EXPECT_EQ(table.size(), 0u);
}

TEST(KeyTable, OrderDoesNotDependOnTheSeed) {
    std::mt19937 random(2);
    KeyTable one(1), other(2);
    Located located;
    for (int round = 0; round < 50; ++round) {
        std::vector<std::string> keys(1024);
        for (auto& key : keys) key = randomKey(random, 20);
        const Views views(keys.begin(), keys.end());
        locate(one, views, located);
        locate(other, views, located);
    }
    ASSERT_EQ(one.size(), other.size());
    for (std::size_t rank = 0; rank < one.size(); ++rank)
        ASSERT_EQ(one.keyOf(one.slotAt(rank)), other.keyOf(other.slotAt(rank)));
}

TEST(KeyTable, TellsEmptyKeysNulKeysAndAbsentKeysApart) {
    KeyTable table;
    EXPECT_EQ(table.find(""), nullptr);
    const Views keys{"", std::string_view("\0", 1), std::string_view("\0\0", 2), {}};
    Located located;
    locate(table, keys, located);
    EXPECT_EQ(located.fresh[0], 0b0111u);
    EXPECT_EQ(located.slots[3], located.slots[0]);
    EXPECT_EQ(table.size(), 3u);
    EXPECT_EQ(table.find(std::string_view("\0\0\0", 3)), nullptr);
    EXPECT_EQ(table.keyOf(*located.slots[2]).size(), 2u);
}

TEST(KeyTable, NewKeysThatRepeatWithinAGroupAreFreshOnce) {
    KeyTable table;
    const std::string longKey(100, 'x');
    const Views keys{"a", "b", "a", longKey, longKey, "b", "c"};
    Located located;
    locate(table, keys, located);
    EXPECT_EQ(located.fresh[0], 0b1001011u);
    EXPECT_EQ(located.slots[3], located.slots[4]);
    EXPECT_EQ(located.slots[0], located.slots[2]);
}

TEST(KeyTable, TakesKeysOutOfPairsWhereTheyLie) {
    std::vector<std::pair<std::string_view, double>> pairs{{"one", 1}, {"two", 2}, {"one", 3}};
    KeyTable table;
    Located located;
    table.locate(reinterpret_cast<const char*>(&pairs[0].first), sizeof pairs[0], pairs.size(),
                 located.slots.data(), located.fresh.data());
    EXPECT_EQ(located.fresh[0], 0b011u);
    EXPECT_EQ(located.slots[0], located.slots[2]);
    EXPECT_EQ(table.keyOf(*located.slots[1]), "two");
}

TEST(KeyTable, CallersBytesStayWithTheirKeys) {
    KeyTable table;
    for (int i = 0; i < 1000; ++i) {
        bool fresh = false;
        auto& slot = table.insert(std::to_string(i), fresh);
        slot.value = static_cast<std::uint64_t>(i);
        slot.group = static_cast<std::uint8_t>(i);
        slot.flags = static_cast<std::uint8_t>(i * 3);
    }
    for (int i = 0; i < 1000; ++i) {
        const auto* slot = table.find(std::to_string(i));
        ASSERT_NE(slot, nullptr);
        ASSERT_EQ(slot->value, static_cast<std::uint64_t>(i));
        ASSERT_EQ(slot->group, static_cast<std::uint8_t>(i));
        ASSERT_EQ(slot->flags, static_cast<std::uint8_t>(i * 3));
    }
}

TEST(KeyTable, ClearKeepsMemoryForAsManyKeysAndGivesBackWhatWasFarTooMuch) {
    KeyTable table;
    const auto fill = [&](int keys) {
        bool fresh = false;
        for (int i = 0; i < keys; ++i) table.insert(std::to_string(i), fresh);
    };
    fill(100'000);
    const std::size_t full = table.bytes();
    table.clear();
    EXPECT_EQ(table.bytes(), full);
    fill(10);
    table.clear();
    EXPECT_LT(table.bytes(), full / 2);
    fill(1000);
    EXPECT_EQ(table.size(), 1000u);
    EXPECT_NE(table.find("999"), nullptr);
}

// A text that ends where the next page must not be touched.
class TextAtPageEnd {
public:
    explicit TextAtPageEnd(std::string_view text)
        : pageBytes_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))),
          pages_(static_cast<char*>(mmap(nullptr, 2 * pageBytes_, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
        mprotect(pages_ + pageBytes_, pageBytes_, PROT_NONE);
        view_ = {pages_ + pageBytes_ - text.size(), text.size()};
        std::memcpy(pages_ + pageBytes_ - text.size(), text.data(), text.size());
    }
    ~TextAtPageEnd() { munmap(pages_, 2 * pageBytes_); }
    std::string_view view() const { return view_; }

private:
    std::size_t pageBytes_;
    char* pages_;
    std::string_view view_;
};

TEST(KeyTable, ReadsNoPageBehindAKey) {
    for (std::size_t size = 0; size < 40; ++size) {
        const std::string key(size, 'k');
        const TextAtPageEnd text(key);
        KeyTable table;
        bool fresh = false;
        table.insert(key, fresh);
        Located located;
        locate(table, {text.view()}, located);
        EXPECT_EQ(located.fresh[0], 0u) << size;
    }
}

// Every form of the inner loop, against the slow way to a key.
TEST(KeyProbe, AllFormsAgree) {
    std::mt19937 random(4);
    const KeySeed seed{random(), random()};
    const auto forms = keyProbes();
    int tried = 0;
    for (const KeyProbe form : {forms.portable, forms.avx512}) {
        if (form == nullptr) continue;
        ++tried;
        // Two pairs only, so that both halves of a pair are found and many keys are not.
        std::vector<KeySlot> memory(6);
        auto* slots = reinterpret_cast<KeySlot*>(
            (reinterpret_cast<std::uintptr_t>(memory.data()) + 63) / 64 * 64);
        for (int round = 0; round < 3000; ++round) {
            std::vector<std::string> keys(1 + random() % 64);
            for (auto& key : keys) key = randomKey(random, round % 2 == 0 ? 15 : 4);
            if (round % 3 == 0) keys.front() = std::string(16 + random() % 20, 'l');
            for (int i = 0; i < 4; ++i) {
                const auto key = probeKey(keys[random() % keys.size()], seed);
                slots[i].a = key.a;
                slots[i].b = key.b == kLongKeyBits ? key.b + 1 : key.b;
            }
            Views views(keys.begin(), keys.end());
            KeyGroupProbe group;
            std::array<KeySlot*, 64> found;
            const std::uint64_t missed =
                form({slots, 2, seed, kBothHoldKeys}, reinterpret_cast<const char*>(views.data()),
                     sizeof views[0], views.size(), group, found.data());
            // In a wide table what looks like a key behind the first is a value.
            std::array<KeySlot*, 64> foundWide;
            const std::uint64_t missedWide =
                form({slots, 2, seed, kFirstHoldsKey}, reinterpret_cast<const char*>(views.data()),
                     sizeof views[0], views.size(), group, foundWide.data());
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const auto key = probeKey(keys[i], seed);
                ASSERT_EQ(group[i].a, key.a);
                ASSERT_EQ(group[i].b, key.b);
                ASSERT_EQ(group[i].hash, key.hash);
                const KeySlot* pair = slots + (key.hash & 2);
                const auto is = [&](const KeySlot& slot) {
                    return slot.a == key.a && slot.b == key.b;
                };
                ASSERT_EQ(missed >> i & 1, !is(pair[0]) && !is(pair[1]));
                ASSERT_EQ(missedWide >> i & 1, !is(pair[0]));
                ASSERT_TRUE(!is(pair[0]) || foundWide[i] == pair);
                ASSERT_TRUE(is(pair[0]) == is(pair[1]) ||
                            found[i] == (is(pair[0]) ? pair : pair + 1));
            }
        }
    }
    EXPECT_GE(tried, 1);
}

}  // namespace
}  // namespace tidemill::core
