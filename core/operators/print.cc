#include "core/operators/print.h"

#include <unistd.h>
#include <ext/stdio_sync_filebuf.h>

#include <cstdio>
#include <ostream>

#include "core/standard_streams.h"
#include "core/workers.h"

namespace tidemill::core {
namespace {

// True for std::cout with the buffer it begins with: a program may have replaced it.
bool isStandardOutput(std::ostream& out) {
    auto* buffer = dynamic_cast<__gnu_cxx::stdio_sync_filebuf<char>*>(out.rdbuf());
    return buffer != nullptr && buffer->file() == stdout;
}

}  // namespace

std::string printHeader(BatchTime time) {
    const std::string dashes(43, '-');
    return dashes + "\nTime: " + std::to_string(toMillis(time)) + " ms\n" + dashes + "\n";
}

void writeOut(std::ostream& out, const std::string& text) {
    if (isStandardOutput(out)) {
        // Not through the stream, which fails at the first short write and does not say why.
        std::fflush(stdout);
        auto written = writeFully(STDOUT_FILENO, text, "standard output");
        if (written) return;
        written.error().message =
            "writing results to the output stream failed: " + written.error().message;
        throw TaskFailure(std::move(written.error()));
    }
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.flush();
    if (!out)
        throw TaskFailure(Error{ErrorKind::kIo, "writing results to the output stream failed"});
}

}  // namespace tidemill::core
