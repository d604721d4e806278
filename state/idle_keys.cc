#include "state/idle_keys.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "core/byte_codec.h"

namespace tidemill::state {

using core::Result;

Result<> IdleKeys::touch(BatchTime time, core::KeyViews keys, std::size_t count) {
    const auto millis = static_cast<std::uint64_t>(toMillis(time));
    operands_.assign(count, millis);
    TM_TRY(touched_.merge(keys, count, operands_.data()));
    core::ByteWriter row;
    for (std::size_t i = 0; i < count; ++i) {
        std::string_view key;
        std::memcpy(&key, keys.first + i * keys.strideBytes, sizeof key);
        row.string(key);
    }
    return times_.append(millis, row.bytes());
}

Result<> IdleKeys::takeIdle(BatchTime before,
                            const std::function<Result<>(std::string_view key)>& idle) {
    const auto end = static_cast<std::uint64_t>(std::max<std::int64_t>(toMillis(before), 0));
    bool any = false;
    TM_TRY(times_.visit(0, end, [&](std::uint64_t time, std::string_view bytes) -> Result<> {
        any = true;
        const std::string row(bytes);  // the function may change rows
        std::vector<std::string_view> keys;
        core::ByteReader in(row);
        while (in.ok() && !in.finished()) keys.push_back(in.string(row.size()));
        if (!in.ok())
            return core::fail(core::ErrorKind::kCorrupt,
                              "a stored list of the keys that a batch touched does not parse");
        return takeFrom(time, keys, idle);
    }));
    return any ? times_.removeBefore(end) : Result<>();
}

Result<> IdleKeys::takeFrom(std::uint64_t time, std::span<const std::string_view> keys,
                            const std::function<Result<>(std::string_view key)>& idle) {
    Lookup lookup;
    std::vector<std::string_view> found;
    while (!keys.empty()) {
        const auto chunk = keys.first(std::min(keys.size(), core::kChunkElements));
        keys = keys.subspan(chunk.size());
        TM_TRY(touched_.get({reinterpret_cast<const char*>(chunk.data())}, chunk.size(), lookup));
        found.clear();
        for (std::size_t i = 0; i < chunk.size(); ++i)
            // Touched again since, or found already.
            if (lookup.found(i) && lookup.number(i) == time) found.push_back(chunk[i]);
        for (const auto key : found) {
            TM_TRY(touched_.remove(key));
            TM_TRY(idle(key));
        }
    }
    return {};
}

}  // namespace tidemill::state
