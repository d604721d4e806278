// What a flatMap function hands its results to.
#pragma once

#include <string_view>
#include <utility>

#include "core/arena.h"
#include "core/chunk.h"

namespace tidemill {

// emit(x) adds x to the stream. A string_view must live as long as the batch: a part of the input
// does; bytes the function made do not, and go through store() first: emit(emit.store(bytes)).
// Valid only inside the call it was given to.
template <class T>
class Emit {
public:
    Emit(core::ChunkBuffer<T>& out, core::Arena& arena) : out_(out), arena_(arena) {}

    template <class U>
    void operator()(U&& element) {
        out_.push(std::forward<U>(element));
    }

    // A copy of `bytes` that lives until the batch is complete.
    std::string_view store(std::string_view bytes) { return arena_.copy(bytes); }

private:
    typename core::ChunkBuffer<T>::Pusher out_;
    core::Arena& arena_;
};

}  // namespace tidemill
