// The steps that Python's streams are made of.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "python/native/step.h"

namespace tidemill::python {

template <class In, class Out>
using StepPtr = std::shared_ptr<Step<In, Out>>;

// Bytes that are no UTF-8 become U+FFFD.
StepPtr<std::string_view, Object> decodeText();
StepPtr<std::string_view, Object> copyBytes();
StepPtr<std::int64_t, Object> makeInt();
// Of str() of each, and a line's end.
StepPtr<Object, std::string> formatLine();

// The UTF-8 of str. `operation` is who wants it.
StepPtr<Object, std::string_view> encodeText(std::string operation);

StepPtr<Object, Object> map(Function function);
// The function gives an iterable.
StepPtr<Object, Object> flatMap(Function function);
StepPtr<Object, Object> filter(Function predicate);
// The parts of lists.
StepPtr<Object, Object> flatten();

// Of tuples (or lists) of two, to pairs and back. `operation` is who wants pairs.
StepPtr<Object, Pair> splitPair(std::string operation);
// Every element under the key None; with the value 1 under itself; with the value 1 under None.
StepPtr<Object, Pair> underOneKey();
StepPtr<Object, Pair> asKeys();
StepPtr<Object, Pair> asOnes();
StepPtr<Pair, Object> joinPair();
StepPtr<Pair, Object> withoutKey();

StepPtr<Pair, Pair> mapValues(Function function);
StepPtr<Pair, Pair> flatMapValues(Function function);
// A list of each value.
StepPtr<Pair, Pair> listOfValue();
// A pair with a list of values as the stateful operators take it.
StepPtr<Pair, Grouped> asGroup();

// (key, (values here, values there))
StepPtr<Cogrouped, Object> cogrouped();
// (key, (value here, value there)) for every two; `left`, `right`: also those of here, of there,
// without a partner, with None in its place.
StepPtr<Cogrouped, Object> joined(bool left, bool right);

}  // namespace tidemill::python
