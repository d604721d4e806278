// State<S>: a key's state in the hands of a mapWithState function.
#pragma once

#include <concepts>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "core/lossless.h"

namespace tidemill {

// Valid inside the call it is given to. Thread safety: worker-confined.
template <class S>
class State {
public:
    // `timingOut`: this is the last call for the key.
    State(std::optional<S> value, bool timingOut)
        : value_(std::move(value)), timingOut_(timingOut) {}

    bool exists() const { return value_.has_value(); }

    // Throws std::logic_error when there is no state.
    const S& get() const {
        if (!value_) throw std::logic_error("State::get: the key has no state; ask exists() first");
        return *value_;
    }
    std::optional<S> getOption() const { return value_; }

    // Both throw std::logic_error after remove() in the same call, and when the key times out: its
    // state goes anyhow.
    template <class U>
    requires(!std::is_same_v<std::remove_cvref_t<U>, S> &&
             std::convertible_to<U, S>) void update(U&& value) {
        static_assert(core::isLossless<U, S>(),
                      "State::update: the value does not fit into the type of the state without "
                      "loss: convert it where it is given, or keep a state of its type");
        update(S(std::forward<U>(value)));
    }
    void update(S value) {
        requireOpen("State::update");
        value_ = std::move(value);
        changed_ = true;
    }
    void remove() {
        requireOpen("State::remove");
        value_.reset();
        changed_ = removed_ = true;
    }

    bool isTimingOut() const { return timingOut_; }

    // Whether update() or remove() was called.
    bool changed() const { return changed_; }

private:
    void requireOpen(const char* what) const {
        if (removed_)
            throw std::logic_error(std::string(what) + ": the state was removed in this call");
        if (timingOut_) throw std::logic_error(std::string(what) + ": the key is timing out");
    }

    std::optional<S> value_;
    const bool timingOut_;
    bool changed_ = false;
    bool removed_ = false;
};

}  // namespace tidemill
