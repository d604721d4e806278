// A text of SQL as the user wrote it, which errors point into.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/error.h"

namespace tidemill::rows::sql {

// No place of the text is known.
inline constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

class SqlText {
public:
    // `text` must outlive it.
    explicit SqlText(std::string_view text) : text_(text) {}

    std::string_view text() const { return text_; }
    // 'character 12: …', of several lines 'line 2, character 5: …'; kInvalid. `at` counts bytes.
    [[nodiscard]] tl::unexpected<core::Error> fail(std::size_t at,
                                                   const std::string& message) const;

private:
    std::string_view text_;
};

}  // namespace tidemill::rows::sql
