// Digests of texts.
#include <cstring>

#include "rows/expressions/call.h"
#include "rows/expressions/digest.h"
#include "rows/expressions/function_table.h"
#include "xxhash.h"

namespace tidemill::rows::expressions {
namespace {

using Text = std::string_view;
constexpr Type kInt = Type::kInt, kText = Type::kText;

template <std::size_t size>
Text hex(Call& call, const std::array<std::uint8_t, size>& bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    char* out = call.arena.allocate(2 * size);
    for (std::size_t i = 0; i < size; ++i) {
        out[2 * i] = kDigits[bytes[i] >> 4];
        out[2 * i + 1] = kDigits[bytes[i] & 15];
    }
    return {out, 2 * size};
}

Text md5Text(Call& call, Text text) { return hex(call, md5(text)); }
Text sha256Text(Call& call, Text text) { return hex(call, sha256(text)); }
std::int64_t hash64(Call&, Text text) {
    return static_cast<std::int64_t>(XXH3_64bits(text.data(), text.size()));
}

}  // namespace

Family hashFunctions() {
    std::vector<Function> all;
    all.push_back({"md5",
                   {kText},
                   kText,
                   "of its bytes, as 32 hexadecimal digits",
                   false,
                   false,
                   always(map<md5Text, kText, kText>())});
    all.push_back({"sha256",
                   {kText},
                   kText,
                   "of its bytes, as 64 hexadecimal digits",
                   false,
                   false,
                   always(map<sha256Text, kText, kText>())});
    all.push_back({"hash64",
                   {kText},
                   kInt,
                   "XXH3 of its bytes: the same for ever",
                   false,
                   false,
                   always(map<hash64, kInt, kText>())});
    return {"Hashes", std::move(all)};
}

}  // namespace tidemill::rows::expressions
