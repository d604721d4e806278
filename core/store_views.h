// Copying the bytes that views point to into memory of the batch.
#pragma once

#include <optional>
#include <tuple>
#include <type_traits>
#include <variant>

#include "core/arena.h"
#include "core/views.h"

namespace tidemill::core {
namespace view_detail {

template <class T>
consteval bool isStorable() {
    if constexpr (!kMayHoldViews<T>) return true;
    else if constexpr (std::is_const_v<T> || kHoldsOtherViews<T> || kHoldsOpaque<T>) return false;
    else if constexpr (kIsTextView<T>) return std::is_same_v<T, std::string_view>;
    else if constexpr (Container<T>)
        return isStorable<std::remove_reference_t<decltype(*std::declval<T&>().begin())>>();
    else
        return []<class... Parts>(Types<Parts...>) {
            return (isStorable<Parts>() && ...);
        }(PartsOf<T>());
}

}  // namespace view_detail

// Types all of whose views storeViews can reach: text views, and pairs, tuples, optionals,
// variants, vectors, arrays and aggregates of them.
template <class T>
concept StorableViews = view_detail::isStorable<T>();

// Every view in `value` points to a copy in `arena` then.
template <StorableViews T>
void storeViews(T& value, Arena& arena) {
    using namespace view_detail;
    if constexpr (!kMayHoldViews<T>) {
        return;
    } else if constexpr (kIsTextView<T>) {
        value = arena.copy(value);
    } else if constexpr (kIsOptional<T>) {
        if (value) storeViews(*value, arena);
    } else if constexpr (TupleLike<T>) {
        std::apply([&](auto&... parts) { (storeViews(parts, arena), ...); }, value);
    } else if constexpr (kIsVariant<T>) {
        std::visit([&](auto& part) { storeViews(part, arena); }, value);
    } else if constexpr (Container<T> || std::is_array_v<T>) {
        for (auto& part : value) storeViews(part, arena);
    } else {
        withFields(value, [&](auto&... fields) { (storeViews(fields, arena), ...); });
    }
}

}  // namespace tidemill::core
