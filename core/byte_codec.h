// Little-endian writing and bounded reading of small binary structures.
#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tidemill::core {

class ByteWriter {
public:
    void u8(std::uint8_t v) { raw(&v, sizeof v); }
    void u16(std::uint16_t v) { little(v); }
    void u32(std::uint32_t v) { little(v); }
    void u64(std::uint64_t v) { little(v); }
    void i64(std::int64_t v) { little(static_cast<std::uint64_t>(v)); }
    // u32 length, then the bytes. Throws std::length_error for 4 GiB or more.
    void string(std::string_view v) {
        if (v.size() > 0xffff'ffffU) throw std::length_error("4 GiB or more in one piece");
        u32(static_cast<std::uint32_t>(v.size()));
        raw(v.data(), v.size());
    }
    // u32 count, then write(element) of each.
    template <class List, class Write>
    void list(const List& list, Write write) {
        u32(static_cast<std::uint32_t>(list.size()));
        for (const auto& element : list) write(element);
    }
    void raw(const void* data, std::size_t size) {
        bytes_.append(static_cast<const char*>(data), size);
    }
    const std::string& bytes() const& { return bytes_; }
    std::string bytes() && { return std::move(bytes_); }

private:
    template <class T>
    void little(T v) {
        for (std::size_t i = 0; i < sizeof v; ++i)
            bytes_.push_back(static_cast<char>(v >> (8 * i) & 0xFF));
    }
    std::string bytes_;
};

// Reads what ByteWriter wrote. Past the end, or past a stated maximum, every read gives zero and
// ok() is false from then on; nothing is allocated before its length was checked.
class ByteReader {
public:
    explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

    std::uint8_t u8() { return little<std::uint8_t>(); }
    std::uint16_t u16() { return little<std::uint16_t>(); }
    std::uint32_t u32() { return little<std::uint32_t>(); }
    std::uint64_t u64() { return little<std::uint64_t>(); }
    std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
    // A view into the bytes read from.
    std::string_view string(std::size_t sizeBytesMax) {
        const std::size_t size = u32();
        if (size > sizeBytesMax) ok_ = false;
        return raw(size);
    }
    // A count of things of at least `eachBytesMin` bytes that must still follow.
    std::uint32_t count(std::size_t eachBytesMin) {
        const std::uint32_t n = u32();
        if (!ok_ || n > bytes_.size() / eachBytesMin) ok_ = false;
        return ok_ ? n : 0;
    }
    // What ByteWriter::list wrote, by read(element) of each; an element takes at least
    // `eachBytesMin` bytes.
    template <class List, class Read>
    void list(List& list, std::size_t eachBytesMin, Read read) {
        list.resize(count(eachBytesMin));
        for (auto& element : list) read(element);
    }
    std::string_view raw(std::size_t size) {
        if (!ok_ || size > bytes_.size()) {
            ok_ = false;
            return {};
        }
        const auto taken = bytes_.substr(0, size);
        bytes_.remove_prefix(size);
        return taken;
    }
    // Bytes not read yet.
    std::size_t left() const { return bytes_.size(); }
    bool ok() const { return ok_; }
    // True when everything was read and nothing was wrong.
    bool finished() const { return ok_ && bytes_.empty(); }

private:
    template <class T>
    T little() {
        const auto taken = raw(sizeof(T));
        T v = 0;
        for (std::size_t i = 0; i < taken.size(); ++i)
            v = static_cast<T>(v | static_cast<T>(static_cast<unsigned char>(taken[i])) << (8 * i));
        return v;
    }
    std::string_view bytes_;
    bool ok_ = true;
};

}  // namespace tidemill::core
