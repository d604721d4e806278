// What the engine does itself, without Python.
#include "core/operators/count.h"
#include "core/operators/persist.h"
#include "core/operators/union_with.h"
#include "python/native/steps.h"
#include "python/native/stream.h"

namespace tidemill::python {

TextNode Stream::texts() {
    if (!texts_) texts_ = add("text", makeValid(lines_));
    return texts_;
}

Stream::Ptr Stream::ofTexts(const char* operation, TextNode texts) {
    auto made = std::make_shared<Stream>(job_, TextNode());
    made->texts_ = add(operation, std::move(texts));
    return made;
}

Stream::Ptr Stream::ofCounts(const char* operation, CountNode counts, bool summed) {
    auto made = std::make_shared<Stream>(job_, TextNode());
    made->counts_ = add(operation, std::move(counts));
    made->summed_ = summed;
    return made;
}

Stream::Ptr Stream::nativeMap(const Function& function) {
    if (!isText()) return nullptr;
    switch (function.form()) {
        case Form::kPair: return ofCounts("map", makePairs(texts(), function.number()), false);
        case Form::kLower: return ofTexts("map", makeLower(texts()));
        case Form::kUpper: return ofTexts("map", makeUpper(texts()));
        case Form::kStrip: return ofTexts("map", makeStrip(texts()));
        default: return nullptr;
    }
}

Stream::Ptr Stream::nativeFlatMap(const Function& function) {
    if (!isText()) return nullptr;
    if (function.form() == Form::kSplit) return ofTexts("flatMap", makeSplit(texts()));
    if (function.form() == Form::kSplitAt && splitsNatively(function.text()))
        return ofTexts("flatMap", makeSplitAt(texts(), function.text().front()));
    return nullptr;
}

Stream::Ptr Stream::nativeFilter(const Function& predicate) {
    if (!isText() || !predicate.keepsNotEmpty()) return nullptr;
    return ofTexts("filter", makeNotEmpty(texts()));
}

Stream::Ptr Stream::nativeUnion(Stream& other) {
    if (!isText() || !other.isText()) return nullptr;
    return ofTexts("union",
                   std::make_shared<core::UnionNode<std::string_view>>(texts(), other.texts()));
}

Stream::Ptr Stream::nativePersist() {
    if (!isText()) return nullptr;
    return ofTexts("persist", std::make_shared<core::PersistNode<std::string_view>>(
                                  "persist", texts(), std::nullopt));
}

Stream::Ptr Stream::nativeCount() {
    if (!isText()) return nullptr;
    const auto counted =
        add("count", std::make_shared<core::CountNode<std::string_view>>(texts_ ? texts_ : lines_));
    return made(ObjectNode(add(
        "count", std::make_shared<StepNode<std::int64_t, Object>>("count", counted, makeInt()))));
}

Stream::Ptr Stream::nativeCountByValue() {
    if (!isText()) return nullptr;
    const auto pairs = add("countByValue", makePairs(texts(), 1));
    return ofCounts("countByValue", makeSums(pairs), true);
}

Stream::Ptr Stream::nativeReduceByKey(const Function& function) {
    // Sums of sums could leave 64 bits.
    if (!counts_ || summed_ || function.form() != Form::kAdd) return nullptr;
    return ofCounts("reduceByKey", makeSums(counts_), true);
}

}  // namespace tidemill::python
