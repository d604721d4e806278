// What a flatMap function hands its results to.
#pragma once

#include <string_view>
#include <type_traits>
#include <utility>

#include "core/arena.h"
#include "core/chunk.h"
#include "core/store_views.h"

namespace tidemill {

// emit(x) adds x to the stream. A view must live as long as the batch: a part of the input does;
// bytes the function made do not, and go through store() first: emit(emit.store(bytes)). What owns
// its bytes (std::string) is stored so when the stream's elements are views of it.
// Valid only inside the call it was given to.
template <class T>
class Emit {
public:
    Emit(core::ChunkBuffer<T>& out, core::Arena& arena) : out_(out), arena_(arena) {}

    template <class U>
    void operator()(U&& element) {
        using Given = std::remove_cvref_t<U>;
        if constexpr (!std::is_same_v<Given, T> && core::kMayPointInto<T, Given>) {
            static_assert(core::StorableViews<T>,
                          "emit(x): x owns its bytes, and the stream's elements may hold views of "
                          "them that cannot be stored for it: give an element whose views live as "
                          "long as the batch, or make elements that own their bytes");
            T made(std::as_const(element));
            core::storeViews(made, arena_);
            out_.push(std::move(made));
        } else {
            out_.push(std::forward<U>(element));
        }
    }

    // A copy of `bytes` that lives until the batch is complete.
    std::string_view store(std::string_view bytes) { return arena_.copy(bytes); }

private:
    typename core::ChunkBuffer<T>::Pusher out_;
    core::Arena& arena_;
};

}  // namespace tidemill
