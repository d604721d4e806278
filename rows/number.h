// Numbers in the texts of fields: whole ones of 64 bits exactly, others as floating point.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace tidemill::rows {

struct Number {
    bool isWhole = true;
    std::int64_t whole = 0;  // of whole numbers
    double real = 0;         // of others; finite

    double asReal() const { return isWhole ? static_cast<double>(whole) : real; }

    // By size, exactly: a whole number is not rounded to be compared.
    friend std::strong_ordering operator<=>(const Number& a, const Number& b);
    friend bool operator==(const Number& a, const Number& b) { return (a <=> b) == 0; }

    template <class Archive>
    void serialize(Archive& archive) {
        archive(isWhole, whole, real);
    }
};

enum class NumberText {
    kNumber,
    kNone,      // no number, or one that is not finite
    kTooLarge,  // digits of a whole number that 64 bits do not hold; `number` is about as large
};
NumberText parseNumber(std::string_view text, Number& number);

// A sum of whole numbers, exact however many there are.
class WideSum {
public:
    WideSum() = default;
    // high * 2^64 + low
    static WideSum of(std::int64_t high, std::uint64_t low) {
        WideSum sum;
        sum.sum_ = static_cast<Wide>(static_cast<UnsignedWide>(high) << 64 | low);
        return sum;
    }
    void add(std::int64_t number) { sum_ += number; }
    void add(const WideSum& other) { sum_ += other.sum_; }
    bool fits() const { return sum_ == static_cast<std::int64_t>(sum_); }
    std::int64_t whole() const { return static_cast<std::int64_t>(sum_); }  // requires fits()
    double asReal() const { return static_cast<double>(sum_); }
    bool isNegative() const { return sum_ < 0; }
    std::string digits() const;

    template <class Archive>
    void save(Archive& archive) const {
        archive(static_cast<std::int64_t>(sum_ >> 64), static_cast<std::uint64_t>(sum_));
    }
    template <class Archive>
    void load(Archive& archive) {
        std::int64_t high = 0;
        std::uint64_t low = 0;
        archive(high, low);
        sum_ = static_cast<Wide>(static_cast<UnsignedWide>(high) << 64 | low);
    }

private:
    __extension__ using Wide = __int128;
    __extension__ using UnsignedWide = unsigned __int128;
    Wide sum_ = 0;
};

}  // namespace tidemill::rows
