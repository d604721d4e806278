// Keys and values as bytes: what comes back, in which order, and what hostile bytes give.
#include "core/value_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <unordered_map>

#include "core/key_codec.h"

namespace tidemill::core {
namespace {

enum class Colour : std::uint8_t { kRed = 3 };

struct Account {
    std::string name;
    std::vector<double> amounts;
    std::map<std::string, std::int64_t> totals;
    std::optional<std::uint32_t> limit;
    bool operator==(const Account&) const = default;
    template <class Archive>
    void serialize(Archive& archive, std::uint32_t version) {
        archive(name, amounts, totals);
        if (version >= 2) archive(limit);
    }
};

}  // namespace
}  // namespace tidemill::core

CEREAL_CLASS_VERSION(tidemill::core::Account, 2)

namespace tidemill::core {
namespace {

struct Reading {
    double value = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(value);
    }
    bool operator==(const Reading&) const = default;
};

template <class T>
std::string encoded(const T& value) {
    std::string bytes;
    ValueCodec<T>::encode(value, bytes);
    return bytes;
}
template <class T>
T returned(const T& value) {
    T back{};
    const auto result = ValueCodec<T>::decode(encoded(value), back);
    EXPECT_TRUE(result.has_value()) << result.error().message;
    return back;
}
template <class K>
std::string keyBytes(const K& key) {
    std::string bytes;
    KeyCodec<K>::encode(key, bytes);
    return bytes;
}

const Account kAccount{"name", {1.5, -0.0}, {{"a", -4}, {"b", 5}}, 7};

TEST(ValueCodec, NumbersAreFixedWidthLittleEndian) {
    EXPECT_EQ(encoded<std::int64_t>(-2), std::string("\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8));
    EXPECT_EQ(encoded<std::uint32_t>(0x01020304), std::string("\4\3\2\1", 4));
    EXPECT_EQ(encoded(true), std::string("\1", 1));
    EXPECT_EQ(encoded(std::string("a\0b", 3)), std::string("a\0b", 3));
}

TEST(ValueCodec, ValuesComeBack) {
    EXPECT_EQ(returned<std::int64_t>(std::numeric_limits<std::int64_t>::min()),
              std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(returned(1.25f), 1.25f);
    EXPECT_EQ(returned(false), false);
    EXPECT_EQ(returned(std::string("text")), "text");
    EXPECT_EQ(returned(kAccount), kAccount);
    EXPECT_EQ(returned(Colour::kRed), Colour::kRed);
    using Nested = std::vector<std::pair<std::string, std::optional<std::tuple<bool, int>>>>;
    const Nested nested{{"x", std::tuple(true, -1)}, {"", std::nullopt}};
    EXPECT_EQ(returned(nested), nested);
}

TEST(ValueCodec, EveryTruncationOfAValueIsCorrupt) {
    const auto bytes = encoded(kAccount);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        Account account;
        const auto result =
            ValueCodec<Account>::decode(std::string_view(bytes).substr(0, size), account);
        ASSERT_FALSE(result.has_value()) << size;
        ASSERT_EQ(result.error().kind, ErrorKind::kCorrupt);
    }
    Account account;
    EXPECT_FALSE(ValueCodec<Account>::decode(bytes + "x", account).has_value());
    std::int64_t number = 0;
    EXPECT_FALSE(ValueCodec<std::int64_t>::decode("1234567", number).has_value());
    bool flag = false;
    EXPECT_FALSE(ValueCodec<bool>::decode("\2", flag).has_value());
    EXPECT_FALSE(ValueCodec<bool>::decode("", flag).has_value());
}

TEST(ValueCodec, HostileSizesAreCorruptAndAllocateNothingLarge) {
    for (const std::uint64_t size :
         {std::uint64_t{1} << 62, ~std::uint64_t{0}, std::uint64_t{1} << 20}) {
        const auto bytes = encoded(size);
        std::vector<std::string> texts;
        std::vector<double> numbers;
        std::map<int, int> map;
        EXPECT_FALSE(ValueCodec<std::vector<std::string>>::decode(bytes, texts).has_value());
        EXPECT_FALSE(ValueCodec<std::vector<double>>::decode(bytes, numbers).has_value());
        EXPECT_FALSE((ValueCodec<std::map<int, int>>::decode(bytes, map).has_value()));
        EXPECT_LT(numbers.capacity(), 1u << 16);
    }
}

TEST(ValueCodec, AnyChangedByteIsReadOrRefusedButNeverThrows) {
    std::mt19937 random(7);
    const auto bytes = encoded(kAccount);
    for (int i = 0; i < 20000; ++i) {
        auto changed = bytes;
        changed[random() % changed.size()] = static_cast<char>(random());
        changed[random() % changed.size()] = static_cast<char>(random());
        Account account;
        EXPECT_NO_THROW((void)ValueCodec<Account>::decode(changed, account));
    }
}

TEST(ValueCodec, SignaturesNameTypesStably) {
    EXPECT_EQ(ValueCodec<long>::signature(), "i64");
    EXPECT_EQ(ValueCodec<long long>::signature(), "i64");
    EXPECT_EQ(ValueCodec<std::uint32_t>::signature(), "u32");
    EXPECT_EQ(ValueCodec<double>::signature(), "f64");
    EXPECT_EQ(ValueCodec<bool>::signature(), "bool");
    EXPECT_EQ(ValueCodec<std::string_view>::signature(), "string");
    EXPECT_EQ((ValueCodec<std::pair<std::string, std::vector<int>>>::signature()),
              "pair<string,vector<i32>>");
    EXPECT_EQ(ValueCodec<Account>::signature(),
              "cereal:tidemill::core::(anonymous namespace)::Account");
}

TEST(ValueCodec, UnorderedContainersAndPointersAreNoStorableValues) {
    static_assert(StorableValue<Account> && StorableValue<std::string>);
    static_assert(!StorableValue<std::unordered_map<int, int>>);
    static_assert(!StorableValue<std::vector<std::pair<int, std::unordered_map<int, int>>>>);
    static_assert(!StorableValue<const char*> && !StorableValue<std::string_view>);
    static_assert(StorableKey<std::string_view> && !StorableKey<std::unordered_set<int>>);
}

TEST(KeyCodec, TheOrderOfBytesIsTheOrderOfNumbers) {
    const std::vector<std::int64_t> numbers{
        std::numeric_limits<std::int64_t>::min(), -256, -1, 0, 1, 255, 256,
        std::numeric_limits<std::int64_t>::max()};
    for (std::size_t i = 0; i + 1 < numbers.size(); ++i)
        EXPECT_LT(keyBytes(numbers[i]), keyBytes(numbers[i + 1])) << numbers[i];
    const double infinity = std::numeric_limits<double>::infinity();
    const std::vector<double> reals{-infinity, -1e300, -2.5,  -1e-300, 0.0,
                                    1e-300,    1.0,    1e300, infinity};
    for (std::size_t i = 0; i + 1 < reals.size(); ++i)
        EXPECT_LT(keyBytes(reals[i]), keyBytes(reals[i + 1])) << reals[i];
    for (const auto number : numbers)
        EXPECT_EQ(KeyCodec<std::int64_t>::decode(keyBytes(number)), number);
    for (const auto real : reals) EXPECT_EQ(KeyCodec<double>::decode(keyBytes(real)), real);
    EXPECT_EQ(keyBytes<std::int16_t>(-2), std::string("\x7F\xFE", 2));
}

TEST(KeyCodec, EqualKeysHaveEqualBytes) {
    EXPECT_EQ(keyBytes(-0.0), keyBytes(0.0));
    EXPECT_EQ(keyBytes(-0.0f), keyBytes(0.0f));
    EXPECT_EQ(keyBytes(std::nan("1")), keyBytes(-std::nan("2")));
    EXPECT_EQ(keyBytes(Reading{-0.0}), keyBytes(Reading{0.0}));
    EXPECT_EQ(keyBytes(std::vector<double>{-0.0}), keyBytes(std::vector<double>{0.0}));
    EXPECT_NE(encoded(-0.0), encoded(0.0)) << "values keep their bits";
}

TEST(KeyCodec, PartsOfCompositeKeysDoNotRunIntoEachOther) {
    using Pair = std::pair<std::string, std::string>;
    EXPECT_NE(keyBytes(Pair("ab", "c")), keyBytes(Pair("a", "bc")));
    EXPECT_NE(keyBytes(std::vector<std::string>{"ab"}),
              keyBytes(std::vector<std::string>{"a", "b"}));
    EXPECT_NE(keyBytes(std::tuple(std::optional<int>(), 1)),
              keyBytes(std::tuple(std::optional(1), 1)));
}

TEST(KeyCodec, KeysComeBack) {
    using Key = std::tuple<std::string, std::int32_t, std::optional<double>, std::vector<bool>,
                           Colour, Reading, std::pair<bool, std::array<std::uint8_t, 2>>>;
    const Key key{std::string("a\0b", 3), -4,    2.5,           {true, false},
                  Colour::kRed,           {1.5}, {true, {1, 2}}};
    EXPECT_EQ(KeyCodec<Key>::decode(keyBytes(key)), key);
    EXPECT_EQ(KeyCodec<Reading>::decode(keyBytes(Reading{3})), Reading{3});
    EXPECT_EQ(keyBytes(std::string_view("plain")), "plain");
    const std::string bytes = keyBytes(std::pair(std::string_view("view"), 1));
    const auto viewed = KeyCodec<std::pair<std::string_view, int>>::decode(bytes);
    EXPECT_EQ(viewed.first, "view");
    EXPECT_EQ(viewed.first.data(), bytes.data() + 4);
}

TEST(KeyCodec, EveryTruncationOfAKeyIsCorrupt) {
    using Key = std::tuple<std::string, std::vector<std::int32_t>, Reading>;
    const auto bytes = keyBytes(Key{"abc", {1, 2}, {4.5}});
    Key key;
    for (std::size_t size = 0; size < bytes.size(); ++size)
        ASSERT_FALSE(
            KeyCodec<Key>::decodeInto(std::string_view(bytes).substr(0, size), key).has_value())
            << size;
    EXPECT_FALSE(KeyCodec<Key>::decodeInto(bytes + "x", key).has_value());
    EXPECT_THROW(KeyCodec<std::int64_t>::decode("short"), TaskFailure);
}

}  // namespace
}  // namespace tidemill::core
