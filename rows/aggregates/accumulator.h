// Accumulators: what an aggregate function remembers of a group, in a few bytes of the group's
// record that are changed in place. The same bytes are merged between tasks, kept in windows and
// running state, and never taken apart on the way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/arena.h"
#include "core/error.h"
#include "rows/chunk.h"
#include "rows/row_failures.h"

namespace tidemill::rows {

// Rows of a chunk and the records of the groups they belong to.
struct GroupRows {
    std::size_t count = 0;
    const std::uint16_t* rows = nullptr;  // of the chunk; null pointer: 0 ... count - 1
    std::byte* const* records = nullptr;  // of the i-th row's group
};

// Where results go: row i is the i-th group's. Texts are kept in the arena.
struct ResultColumn {
    ColumnBuffer& values;
    core::Arena& arena;
    RowFailures& failures;  // a result that cannot be told
};

// One function with its argument's type. Its place in a record is bytes() long and any alignment;
// of zeros it has seen nothing. Thread safety: immutable; records belong to one task at a time.
class Accumulator {
public:
    virtual ~Accumulator() = default;

    virtual std::size_t bytes() const = 0;
    virtual Type resultType() const = 0;

    // One call per chunk. `column` is the argument; of functions without one it is empty. `offset`:
    // of its place in each record.
    virtual void update(const Column& column, const GroupRows& rows, std::size_t offset) const = 0;
    // Brings what `from` holds, which is later in the stream, into `into`.
    virtual void merge(std::byte* into, const std::byte* from) const = 0;
    virtual void result(const std::byte* const* records, std::size_t count, std::size_t offset,
                        ResultColumn& into) const = 0;

    // Of functions that remember more than fits: the record holds the address of an object, which
    // is stored as bytes behind the record.
    virtual bool ownsObject() const { return false; }
    virtual void destroy(std::byte* place) const { (void)place; }
    // Memory of the object, about.
    virtual std::size_t objectBytes(const std::byte* place) const {
        (void)place;
        return 0;
    }
    virtual void encode(const std::byte* place, std::string& out) const { (void)place, (void)out; }
    // Errors: kCorrupt.
    virtual core::Result<> decode(std::string_view bytes, std::byte* place) const {
        (void)bytes, (void)place;
        return {};
    }
};

template <class State>
State loadState(const std::byte* place) {
    State state;
    std::memcpy(&state, place, sizeof state);
    return state;
}
template <class State>
void storeState(std::byte* place, const State& state) {
    std::memcpy(place, &state, sizeof state);
}

// Calls f(record, row) for each row whose value is not null.
template <class F>
void forEachValue(const Column& column, const GroupRows& rows, F&& f) {
    if (rows.rows == nullptr && column.nulls == nullptr) {
        for (std::size_t i = 0; i < rows.count; ++i) f(rows.records[i], i);
        return;
    }
    for (std::size_t i = 0; i < rows.count; ++i) {
        const std::size_t row = rows.rows == nullptr ? i : rows.rows[i];
        if (!column.isNull(row)) f(rows.records[i], row);
    }
}

// Of a state that fits: State{} has seen nothing and is all zeros; it has
//   void add(Element);  void merge(const State&);
// `Element`: of the array that it is given.
template <class State, class Element>
class InPlaceAccumulator : public Accumulator {
public:
    std::size_t bytes() const final { return sizeof(State); }
    void update(const Column& column, const GroupRows& rows, std::size_t offset) const final {
        const auto* values = static_cast<const Element*>(column.values);
        forEachValue(column, rows, [&](std::byte* record, std::size_t row) {
            auto state = loadState<State>(record + offset);
            state.add(values[row]);
            storeState(record + offset, state);
        });
    }
    void merge(std::byte* into, const std::byte* from) const final {
        auto state = loadState<State>(into);
        state.merge(loadState<State>(from));
        storeState(into, state);
    }
    void result(const std::byte* const* records, std::size_t count, std::size_t offset,
                ResultColumn& into) const final {
        for (std::size_t i = 0; i < count; ++i)
            report(loadState<State>(records[i] + offset), i, into);
    }

protected:
    virtual void report(const State& state, std::size_t row, ResultColumn& into) const = 0;
};

template <class State, Type type>
using FixedAccumulator = InPlaceAccumulator<State, Held<type>>;

// Of a state that needs an object: it has
//   void merge(const Object&);  void encode(std::string&) const;
//   std::size_t heldBytes() const;                         what it has beside itself
//   static std::unique_ptr<Object> decode(std::string_view);   null: no such bytes
template <class Object>
class ObjectAccumulator : public Accumulator {
public:
    std::size_t bytes() const final { return sizeof(Object*); }
    bool ownsObject() const final { return true; }
    void merge(std::byte* into, const std::byte* from) const final {
        if (const Object* other = objectAt(from)) made(into).merge(*other);
    }
    void destroy(std::byte* place) const final {
        delete objectAt(place);
        storeState<Object*>(place, nullptr);
    }
    std::size_t objectBytes(const std::byte* place) const final {
        const Object* object = objectAt(place);
        return object == nullptr ? 0 : sizeof *object + object->heldBytes();
    }
    void encode(const std::byte* place, std::string& out) const final {
        if (const Object* object = objectAt(place)) object->encode(out);
    }
    core::Result<> decode(std::string_view bytes, std::byte* place) const final {
        if (bytes.empty()) return {};
        auto object = Object::decode(bytes);
        if (!object)
            return core::fail(core::ErrorKind::kCorrupt, "a stored aggregate does not parse");
        delete objectAt(place);
        storeState(place, object.release());
        return {};
    }
    void result(const std::byte* const* records, std::size_t count, std::size_t offset,
                ResultColumn& into) const final {
        for (std::size_t i = 0; i < count; ++i) report(objectAt(records[i] + offset), i, into);
    }

protected:
    // Null: nothing was seen.
    virtual void report(const Object* object, std::size_t row, ResultColumn& into) const = 0;

    static Object* objectAt(const std::byte* place) { return loadState<Object*>(place); }
    static Object& made(std::byte* place) {
        Object* object = objectAt(place);
        if (object == nullptr) {
            object = new Object();
            storeState(place, object);
        }
        return *object;
    }
};

}  // namespace tidemill::rows
