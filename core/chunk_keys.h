// The keys of a chunk as bytes, the only form the key table knows.
#pragma once

#include <concepts>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/key_codec.h"

namespace tidemill::core {

// Views of `count` keys, `strideBytes` apart.
struct KeyViews {
    const char* first = nullptr;
    std::size_t strideBytes = sizeof(std::string_view);

    std::string_view operator[](std::size_t i) const {
        std::string_view key;
        std::memcpy(&key, first + i * strideBytes, sizeof key);
        return key;
    }
};

// Encodes the keys of one chunk after another. Thread safety: worker-confined.
template <class K>
class ChunkKeys {
public:
    // `keyOf(i)` gives the i-th of `count` keys by reference. The views hold until the next call.
    template <class KeyOf>
    KeyViews encode(std::size_t count, KeyOf&& keyOf) {
        views_.resize(count);
        if constexpr (std::convertible_to<const K&, std::string_view>) {
            for (std::size_t i = 0; i < count; ++i) views_[i] = std::string_view(keyOf(i));
        } else if constexpr (KeyCodec<K>::kFixedWidth) {
            // All of one width: no appending, no ends.
            bytes_.resize(count * sizeof(K));
            for (std::size_t i = 0; i < count; ++i) {
                char* const to = bytes_.data() + i * sizeof(K);
                KeyCodec<K>::encodeAt(keyOf(i), to);
                views_[i] = std::string_view(to, sizeof(K));
            }
        } else {
            bytes_.clear();
            ends_.resize(count);
            for (std::size_t i = 0; i < count; ++i) {
                KeyCodec<K>::encode(keyOf(i), bytes_);
                ends_[i] = bytes_.size();
            }
            std::size_t begin = 0;
            for (std::size_t i = 0; i < count; begin = ends_[i++])
                views_[i] = std::string_view(bytes_).substr(begin, ends_[i] - begin);
        }
        return {reinterpret_cast<const char*>(views_.data())};
    }

private:
    std::vector<std::string_view> views_;
    std::string bytes_;
    std::vector<std::size_t> ends_;
};

// The keys of a chunk of pairs; views that lie in the pairs already are used where they are.
template <class K, class V>
KeyViews pairKeys(ChunkKeys<K>& keys, std::span<std::pair<K, V>> chunk) {
    if constexpr (std::is_same_v<K, std::string_view>) {
        return {reinterpret_cast<const char*>(&chunk.front().first), sizeof(std::pair<K, V>)};
    } else {
        return keys.encode(chunk.size(), [&](std::size_t i) -> const K& { return chunk[i].first; });
    }
}

}  // namespace tidemill::core
