#include "rows/key_encoding.h"

#include <bit>
#include <cstring>

#include "core/key_codec.h"

namespace tidemill::rows {
namespace {

constexpr std::size_t kFixedBytesMax = 10;  // of a value without a text's bytes

char* putInt(char* to, std::int64_t value) {
    const auto sign = static_cast<std::uint64_t>(value >> 63);  // all ones or none
    const auto size =
        static_cast<unsigned>((std::bit_width(static_cast<std::uint64_t>(value) ^ sign) + 7) / 8);
    *to++ = static_cast<char>(value < 0 ? 0x7F - size : 0x80 + size);
    for (unsigned i = size; i-- != 0;)
        *to++ = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
    return to;
}

char* putFloat(char* to, double value) {
    *to++ = 1;
    core::storeBigEndian(core::key_detail::orderedBits(value), to);
    return to + sizeof value;
}

char* putText(char* to, std::string_view text, bool isLast) {
    if (isLast) {
        *to++ = 1;
    } else {
        std::uint64_t rest = text.size() + 1;
        for (; rest >= 0x80; rest >>= 7) *to++ = static_cast<char>(rest | 0x80);
        *to++ = static_cast<char>(rest);
    }
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    return to + text.size();
}

char* put(char* to, const Column& column, std::size_t row, bool isLast) {
    if (column.isNull(row)) {
        *to = 0;
        return to + 1;
    }
    switch (column.type) {
        case Type::kInt:
        case Type::kTime: return putInt(to, column.as<Type::kInt>()[row]);
        case Type::kFloat: return putFloat(to, column.as<Type::kFloat>()[row]);
        case Type::kBool:
            *to = static_cast<char>(1 + (column.as<Type::kBool>()[row] != 0));
            return to + 1;
        case Type::kText:
        case Type::kJson: break;
    }
    return putText(to, column.as<Type::kText>()[row], isLast);
}

// Takes one value off the front of `key`.
bool take(std::string_view& key, std::size_t row, ColumnBuffer& column, bool isLast) {
    if (key.empty()) return false;
    const auto tag = static_cast<unsigned char>(key.front());
    if (tag == 0) {
        key.remove_prefix(1);
        column.setNull(row);
        if (isTextual(column.type())) column.as<Type::kText>()[row] = {};
        return true;
    }
    switch (column.type()) {
        case Type::kInt:
        case Type::kTime: {
            const bool isNegative = tag < 0x80;
            const auto size = static_cast<std::size_t>(isNegative ? 0x7F - tag : tag - 0x80);
            if (size > 8 || key.size() < 1 + size) return false;
            std::uint64_t bits = isNegative ? ~std::uint64_t{0} : 0;
            for (std::size_t i = 1; i <= size; ++i)
                bits = bits << 8 | static_cast<unsigned char>(key[i]);
            column.as<Type::kInt>()[row] = static_cast<std::int64_t>(bits);
            key.remove_prefix(1 + size);
            return true;
        }
        case Type::kFloat: {
            key.remove_prefix(1);
            std::uint64_t bits = 0;
            if (tag != 1 || !core::takeBigEndian(key, bits)) return false;
            column.as<Type::kFloat>()[row] = core::key_detail::fromOrderedBits<double>(bits);
            return true;
        }
        case Type::kBool:
            if (tag > 2) return false;
            column.as<Type::kBool>()[row] = tag == 2;
            key.remove_prefix(1);
            return true;
        case Type::kText:
        case Type::kJson: break;
    }
    std::uint64_t size = 0;
    if (isLast) {
        if (tag != 1) return false;
        size = key.size();
        key.remove_prefix(1);
    } else {
        for (unsigned shift = 0;; shift += 7) {
            if (key.empty() || shift > 56) return false;
            const auto byte = static_cast<unsigned char>(key.front());
            key.remove_prefix(1);
            size |= std::uint64_t{byte & 0x7Fu} << shift;
            if (byte < 0x80) break;
        }
    }
    if (size == 0 || size - 1 > key.size()) return false;
    column.as<Type::kText>()[row] = key.substr(0, size - 1);
    key.remove_prefix(size - 1);
    return true;
}

}  // namespace

// Memory for the keys of all rows of the chunk.
char* KeyEncoder::room(const Chunk& chunk) {
    std::size_t size = chunk.selectedCount * places_.size() * kFixedBytesMax;
    for (const auto place : places_) {
        const Column& column = chunk.columns[place];
        if (!isTextual(column.type)) continue;
        const auto* texts = column.as<Type::kText>();
        forEachRow(chunk, [&](std::size_t row) { size += texts[row].size(); });
    }
    if (size > capacity_) {
        capacity_ = size + size / 4;
        bytes_ = std::make_unique_for_overwrite<char[]>(capacity_);
    }
    return bytes_.get();
}

std::span<const std::string_view> KeyEncoder::encode(const Chunk& chunk) {
    keys_.resize(kChunkRows);
    std::string_view* key = keys_.data();
    char* to = room(chunk);
    if (places_.size() == 1 && isTextual(chunk.columns[places_[0]].type) &&
        chunk.columns[places_[0]].nulls == nullptr) {
        const auto* texts = chunk.columns[places_[0]].as<Type::kText>();
        forEachRow(chunk, [&](std::size_t row) {
            char* const end = putText(to, texts[row], true);
            *key++ = {to, static_cast<std::size_t>(end - to)};
            to = end;
        });
    } else {
        forEachRow(chunk, [&](std::size_t row) {
            char* end = to;
            for (std::size_t i = 0; i < places_.size(); ++i)
                end = put(end, chunk.columns[places_[i]], row, i + 1 == places_.size());
            *key++ = {to == nullptr ? "" : to, static_cast<std::size_t>(end - to)};
            to = end;
        });
    }
    return {keys_.data(), static_cast<std::size_t>(key - keys_.data())};
}

void appendKeyValue(std::string& out, const Column& column, std::size_t row) {
    const std::size_t before = out.size();
    const bool isText = isTextual(column.type) && !column.isNull(row);
    out.resize(before + kFixedBytesMax + (isText ? column.as<Type::kText>()[row].size() : 0));
    const char* end = put(out.data() + before, column, row, true);
    out.resize(static_cast<std::size_t>(end - out.data()));
}

bool decodeKey(std::string_view key, std::size_t row, std::span<ColumnBuffer> columns) {
    for (std::size_t i = 0; i < columns.size(); ++i)
        if (!take(key, row, columns[i], i + 1 == columns.size())) return false;
    return key.empty();
}

}  // namespace tidemill::rows
