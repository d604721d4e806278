#include "tools/testing/test_case.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "core/file_system.h"
#include "core/suggestion.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kBatchesMax = 100'000;
constexpr std::uint64_t kInputBytesMax = std::uint64_t{1} << 30;
constexpr std::string_view kBatchPrefix = "batch-";
constexpr std::string_view kLines = ".txt";

std::optional<std::uint64_t> batchNumber(std::string_view text) {
    std::uint64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || number == 0 ||
        number > kBatchesMax)
        return std::nullopt;
    return number;
}

std::vector<std::string> linesOf(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        auto line = text.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        lines.emplace_back(line);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

class Reader {
public:
    Reader(const JobFile& job, const fs::path& path) : job_(job) {
        case_.path = path;
        case_.name = path.filename().string();
        case_.inputs.resize(job.sources.size());
        for (std::size_t i = 0; i < job.sources.size(); ++i) names_.push_back(testNameOf(job, i));
    }

    Result<TestCase> read() {
        for (const auto& entry : sorted(case_.path)) {
            const auto name = entry.filename().string();
            if (name.starts_with(kBatchPrefix)) TM_TRY(readBatch(entry));
            else if (name == "batches") TM_TRY(readBatches(entry));
            else if (name == "expected") TM_TRY(readExpected(entry));
            else if (!name.starts_with("."))
                return wrong(entry, "belongs to no case: it has batch-N directories, expected, " +
                                        std::string("and batches"));
        }
        for (auto& batches : case_.inputs) batches.resize(case_.batches);
        return std::move(case_);
    }

private:
    static std::vector<fs::path> sorted(const fs::path& directory) {
        std::vector<fs::path> all;
        std::error_code unreadable;
        for (const auto& entry : fs::directory_iterator(directory, unreadable))
            all.push_back(entry.path());
        std::sort(all.begin(), all.end());
        return all;
    }

    static tl::unexpected<core::Error> wrong(const fs::path& path, const std::string& what) {
        return core::fail(ErrorKind::kInvalid, path.string() + " " + what);
    }

    Result<std::string> contentOf(const fs::path& path) {
        TM_ASSIGN(auto text,
                  core::readWholeFile(core::posixFileSystem(), path, kInputBytesMax - bytes_));
        bytes_ += text.size();
        return text;
    }

    Result<> readBatch(const fs::path& directory) {
        const auto name = directory.filename().string();
        const auto number = batchNumber(std::string_view(name).substr(kBatchPrefix.size()));
        if (!number || !fs::is_directory(directory))
            return wrong(directory,
                         "must be a directory batch-N, N from 1 to " + std::to_string(kBatchesMax));
        case_.batches = std::max(case_.batches, *number);
        for (const auto& file : sorted(directory)) {
            if (file.filename().string().starts_with(".")) continue;
            const auto source = std::find(names_.begin(), names_.end(), file.stem().string());
            if (file.extension() != kLines || source == names_.end())
                return wrong(file, "is named after no source of the job: it must be SOURCE" +
                                       std::string(kLines) +
                                       core::suggestion(file.stem().string(), names_));
            auto& batches = case_.inputs[static_cast<std::size_t>(source - names_.begin())];
            if (batches.size() < *number) batches.resize(*number);
            TM_ASSIGN(const auto text, contentOf(file));
            batches[*number - 1] = linesOf(text);
        }
        return {};
    }

    Result<> readBatches(const fs::path& file) {
        TM_ASSIGN(auto text, contentOf(file));
        while (text.ends_with('\n')) text.pop_back();
        const auto number = batchNumber(text);
        if (!number)
            return wrong(file,
                         "must hold a number of batches, 1 to " + std::to_string(kBatchesMax));
        case_.batches = std::max(case_.batches, *number);
        return {};
    }

    Result<> readExpected(const fs::path& directory) {
        case_.hasExpected = true;
        for (const auto& file : sorted(directory)) {
            const auto name = file.filename().string();
            if (name.starts_with(".")) continue;
            TM_ASSIGN(case_.expected[name], contentOf(file));
        }
        return {};
    }

    const JobFile& job_;
    std::vector<std::string> names_;
    TestCase case_;
    std::uint64_t bytes_ = 0;
};

bool isCase(const fs::path& path) {
    std::error_code unreadable;
    for (const auto& entry : fs::directory_iterator(path, unreadable)) {
        const auto name = entry.path().filename().string();
        if (name.starts_with(kBatchPrefix) || name == "batches") return true;
    }
    return false;
}

}  // namespace

std::string testNameOf(const JobFile& job, std::size_t source) {
    const auto& name = job.sources[source].name;
    return name.empty() ? "source-" + std::to_string(source + 1) : name;
}

Result<std::vector<TestCase>> readTestCases(const JobFile& job, const fs::path& path) {
    std::vector<fs::path> directories;
    std::error_code unreadable;
    const auto whole = fs::absolute(path, unreadable).lexically_normal();
    const auto root = whole.filename().empty() ? whole.parent_path() : whole;
    if (isCase(root)) directories.push_back(root);
    else
        for (const auto& entry : fs::directory_iterator(root, unreadable))
            if (isCase(entry.path())) directories.push_back(entry.path());
    if (directories.empty())
        return core::fail(ErrorKind::kNotFound,
                          path.string() +
                              " holds no case: a directory with batch-1/SOURCE.txt, the lines "
                              "that a source gives to the first batch");
    std::sort(directories.begin(), directories.end());
    std::vector<TestCase> cases;
    for (const auto& directory : directories) {
        TM_ASSIGN(auto read, Reader(job, directory).read());
        cases.push_back(std::move(read));
    }
    return cases;
}

}  // namespace tidemill::tools
