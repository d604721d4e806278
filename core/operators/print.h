// print: the first elements of each batch on a stream, in Spark's format.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>

#include "core/batch.h"
#include "core/format.h"
#include "core/time.h"

namespace tidemill::core {

// 43 dashes / "Time: 1000 ms" / 43 dashes, each on a line of its own.
std::string printHeader(BatchTime time);

// Writes `text` to `out` at once and flushes; on standard output waits where it is non-blocking.
// Errors: TaskFailure when not all could be written.
void writeOut(std::ostream& out, const std::string& text);

// `skipEmpty`: nothing of a batch without elements, no header either.
template <class T>
void printBatch(std::ostream& out, Batch<T>& batch, std::size_t elementsMax,
                bool skipEmpty = false) {
    const auto elements = batch.take(elementsMax + 1);
    if (skipEmpty && elements.empty()) return;
    std::string text = printHeader(batch.time());
    for (std::size_t i = 0; i < elements.size() && i < elementsMax; ++i) {
        appendElement(text, elements[i]);
        text += '\n';
    }
    if (elements.size() > elementsMax) text += "...\n";
    text += '\n';
    writeOut(out, text);
}

}  // namespace tidemill::core
