#include "state/change_digest.h"

#include <xxhash.h>

#include "core/mutant.h"
#include "state/delta.h"

namespace tidemill::state {
namespace {

// The kind of a change is the seed of its key's hash.
std::uint64_t hashKey(std::string_view key, Change kind) {
    return XXH3_64bits_withSeed(key.data(), key.size(), static_cast<std::uint64_t>(kind));
}

std::uint64_t hashBoth(std::uint64_t key, std::uint64_t value) {
    const std::uint64_t both[2] = {key, value};
    return XXH3_64bits(both, sizeof both);
}

std::uint64_t hashValue(std::string_view key, std::string_view value) {
    if (TM_MUTANT(digest_without_values)) value = {};
    return hashBoth(hashKey(key, Change::kValue), XXH3_64bits(value.data(), value.size()));
}

}  // namespace

void ChangeDigest::addOperands(core::KeyViews keys, std::size_t count,
                               const std::uint64_t* operands) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < count; ++i)
        sum += hashBoth(hashKey(keys[i], Change::kOperand), operands[i]);
    sum_ += sum;
    count_ += count;
}

void ChangeDigest::addValues(core::KeyViews keys, std::size_t count,
                             const std::string_view* values) {
    for (std::size_t i = 0; i < count; ++i) sum_ += hashValue(keys[i], values[i]);
    count_ += count;
}

void ChangeDigest::addValue(std::string_view key, std::string_view value) {
    sum_ += hashValue(key, value);
    ++count_;
}

void ChangeDigest::addRemoval(std::string_view key) {
    sum_ += hashBoth(hashKey(key, Change::kRemoved), 0);
    ++count_;
}

}  // namespace tidemill::state
