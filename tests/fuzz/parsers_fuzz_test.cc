// Each parser on its corpus, on mutations of it, and on random bytes.
//
//   TIDEMILL_FUZZ_MILLIS=60000 parsers_fuzz_test   so long a parser (default 60)
//   TIDEMILL_SEED=17 parsers_fuzz_test             other mutations (default 1)
//   TIDEMILL_WRITE_CORPUS=1 parsers_fuzz_test      writes the examples of parsers into the corpus
//
// A process that crashes says with which bytes, in hexadecimal; put into a file of the parser's
// corpus they are tried in every run from then on.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>

#include "core/logging.h"
#include "tests/fuzz/parsers.h"
#include "tests/support/campaign.h"
#include "tests/support/environment_number.h"

namespace tidemill::fuzz {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kInputBytesMax = 4096;

std::string_view atWork;  // for the handler of a crash

void sayWhichBytes(int signal) {
    constexpr char kDigits[] = "0123456789abcdef";
    static char text[2 * kInputBytesMax + 20] = "\nwith the bytes ";
    std::size_t length = 16;
    for (const char c : atWork.substr(0, kInputBytesMax)) {
        text[length++] = kDigits[static_cast<unsigned char>(c) / 16];
        text[length++] = kDigits[static_cast<unsigned char>(c) % 16];
    }
    text[length++] = '\n';
    [[maybe_unused]] const auto written = ::write(2, text, length);
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

fs::path corpusOf(const Parser& parser) { return fs::path(TIDEMILL_FUZZ_CORPUS) / parser.name; }

std::vector<std::string> corpus(const Parser& parser) {
    std::vector<std::string> inputs = parser.examples;
    std::vector<fs::path> paths;
    if (fs::exists(corpusOf(parser)))
        for (const auto& entry : fs::directory_iterator(corpusOf(parser)))
            paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return inputs;
}

// What libFuzzer does too, without knowing which ways an input takes.
std::string mutated(const std::vector<std::string>& inputs, std::mt19937_64& random) {
    std::string bytes;
    if (!inputs.empty() && random() % 8 != 0) bytes = inputs[random() % inputs.size()];
    else bytes.resize(random() % 64);
    if (inputs.empty() || random() % 16 == 0)
        for (char& c : bytes) c = static_cast<char>(random());
    for (auto changes = 1 + random() % 4; changes > 0; --changes) {
        const std::size_t at = bytes.empty() ? 0 : random() % bytes.size();
        switch (bytes.empty() ? 2 : random() % 6) {
            case 0: bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8)); break;
            case 1: bytes[at] = static_cast<char>(random()); break;
            case 2: bytes.insert(at, 1 + random() % 8, static_cast<char>(random())); break;
            case 3: bytes.erase(at, 1 + random() % 16); break;
            case 4: bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 32)); break;
            default:
                if (!inputs.empty())
                    bytes.replace(at, bytes.npos, inputs[random() % inputs.size()]);
        }
    }
    if (bytes.size() > kInputBytesMax) bytes.resize(kInputBytesMax);
    return bytes;
}

class Parsers : public ::testing::TestWithParam<Parser> {};

// In memory that ends where the bytes do, so that the address sanitizer sees who reads on.
void parse(const Parser& parser, const std::string& bytes) {
    const auto exact = std::make_unique<char[]>(bytes.size());
    bytes.copy(exact.get(), bytes.size());
    atWork = {exact.get(), bytes.size()};
    parser.parse(atWork);
}

TEST_P(Parsers, TakeOrRefuseWhateverComes) {
    const Parser& parser = GetParam();
    for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE}) std::signal(signal, sayWhichBytes);
    core::setLogLevel(core::LogLevel::kOff);
    const auto inputs = corpus(parser);
    for (const auto& input : inputs) parse(parser, input);
    const std::chrono::milliseconds length(test::environmentNumber("TIDEMILL_FUZZ_MILLIS", 60));
    std::mt19937_64 random(static_cast<std::uint64_t>(test::environmentNumber("TIDEMILL_SEED", 1)));
    const auto begin = Clock::now();
    test::CampaignProgress progress("seconds", length.count() / 1000);
    long executions = 0;
    // The clock is looked at once in a while: most parsers take less than a microsecond.
    for (auto now = begin; now - begin < length; now = Clock::now()) {
        for (int i = 0; i < 16; ++i, ++executions) parse(parser, mutated(inputs, random));
        progress.done(std::chrono::duration_cast<std::chrono::seconds>(now - begin).count());
    }
    test::CampaignProgress::fired("executions of " + parser.name, executions);
    core::setLogLevel(core::LogLevel::kInfo);
}

INSTANTIATE_TEST_SUITE_P(All, Parsers, ::testing::ValuesIn(parsers()),
                         [](const auto& tried) { return tried.param.name; });

TEST(ParsersCorpus, HasADirectoryForEachParser) {
    const bool writes = std::getenv("TIDEMILL_WRITE_CORPUS") != nullptr;
    for (const auto& parser : parsers()) {
        if (writes) {
            fs::create_directories(corpusOf(parser));
            for (std::size_t i = 0; i < parser.examples.size(); ++i)
                std::ofstream(corpusOf(parser) / ("example" + std::to_string(i + 1)),
                              std::ios::binary)
                    << parser.examples[i];
        }
        EXPECT_TRUE(fs::exists(corpusOf(parser))) << parser.name;
    }
    std::size_t directories = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(TIDEMILL_FUZZ_CORPUS))
        ++directories;
    EXPECT_EQ(directories, parsers().size()) << "a corpus without a parser";
}

}  // namespace
}  // namespace tidemill::fuzz
