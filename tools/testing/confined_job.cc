#include "tools/testing/confined_job.h"

namespace tidemill::tools {

std::string outputName(std::size_t number) { return "output-" + std::to_string(number + 1); }

JobFile confined(JobFile job, const std::filesystem::path& scratch) {
    using Type = OutputSpec::Type;
    for (auto& source : job.sources) source.maxRate.reset();
    for (std::size_t i = 0; i < job.outputs.size(); ++i) {
        auto& output = job.outputs[i];
        // All but those that write files of lines.
        if (output.type != Type::kCsv && output.type != Type::kTsv && output.type != Type::kText)
            output.type = Type::kJsonLines;
        output.path = (scratch / outputName(i)).string();
        output.emptyBatches = false;
        output.growing.reset();
        output.compression = Compression::kNone;
    }
    job.page.reset();
    job.options.directory = scratch / "data";
    job.options.deadLetterDirectory.clear();
    return job;
}

}  // namespace tidemill::tools
