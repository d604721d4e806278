#include "core/key_group.h"

#include <xxhash.h>

namespace tidemill::core {

std::uint8_t keyGroup(std::string_view key) {
    return static_cast<std::uint8_t>(XXH3_64bits(key.data(), key.size()) % kKeyGroups);
}

}  // namespace tidemill::core
