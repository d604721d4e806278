#include "core/operators/print.h"

#include <ostream>

#include "core/workers.h"

namespace tidemill::core {

std::string printHeader(BatchTime time) {
    const std::string dashes(43, '-');
    return dashes + "\nTime: " + std::to_string(toMillis(time)) + " ms\n" + dashes + "\n";
}

void writeOut(std::ostream& out, const std::string& text) {
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.flush();
    if (!out)
        throw TaskFailure(Error{ErrorKind::kIo, "writing results to the output stream failed"});
}

}  // namespace tidemill::core
