// SIGKILL of the real program at random moments while it reads compressed files, in pieces over
// batches, and writes compressed results. In the end every line is counted once, and is in each
// output once.
//
//   TIDEMILL_KILLS=200 TIDEMILL_FILES=500 compressed_kill_test     a longer run (default 10, 40)
//   TIDEMILL_SEED=17 compressed_kill_test                          another one (default 1)
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>

#include "tests/support/compressed.h"
#include "tests/support/environment_number.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

class CompressedKills : public ::testing::Test {
protected:
    CompressedKills() {
        fs::create_directory(incoming());
        rig_.writeJob("type = \"files\"\nname = \"in\"\nexisting = \"take\"\ndirectory = \"" +
                          incoming().string() + "\"",
                      "[[output]]\nto = \"text_files\"\nfrom = \"in\"\ncompress = \"zstd\"\n"
                      "skip_empty = true\nprefix = \"" +
                          (rig_.path() / "parts").string() +
                          "\"\n"
                          "[[output]]\nto = \"json_lines\"\nfrom = \"in\"\ncompress = \"gzip\"\n"
                          "path = \"" +
                          (rig_.path() / "lines").string() +
                          "\"\n"
                          "[[output]]\nto = \"json_lines\"\nfrom = \"counts\"\ngrowing = true\n"
                          "rotate = \"64KiB\"\ncompress = \"gzip\"\npath = \"" +
                          (rig_.path() / "growing").string() +
                          "\"\n"
                          "[limits]\nmax_batch_bytes = \"40KiB\"\n");
    }
    fs::path incoming() const { return rig_.path() / "incoming"; }

    // A file of some members, small or several batches long, moved in when it is complete.
    void put(unsigned number, std::mt19937& random) {
        const auto kind = static_cast<Compression>(random() % 3);
        std::string bytes;
        const unsigned lines = 1 + random() % (random() % 4 == 0 ? 20'000 : 300);
        std::string text;
        for (unsigned i = 0; i < lines; ++i) {
            const auto word = "f" + std::to_string(number) + "-" + std::to_string(i);
            expected_[word] = 1;
            text += word + "\n";
            if (kind != Compression::kNone && random() % 5000 == 0) {
                bytes += compressed(kind, text);
                text.clear();
            }
        }
        bytes += kind == Compression::kNone ? text : compressed(kind, text);
        const auto name = std::to_string(number) + std::string(core::suffixOf(kind));
        std::ofstream(incoming() / ("." + name), std::ios::binary) << bytes;
        fs::rename(incoming() / ("." + name), incoming() / name);
    }

    // How often each word is in the files below a directory whose names begin so; `before` and
    // `behind` stand around it in its line.
    Counts shown(const std::string& prefix, const std::string& before, char behind) const {
        Counts counts;
        for (const auto& entry : fs::recursive_directory_iterator(rig_.path())) {
            const auto path = fs::relative(entry.path(), rig_.path()).string();
            const auto compression = core::compressionOf(path);
            if (!path.starts_with(prefix) || compression == Compression::kNone) continue;
            std::istringstream text(decompressed(compression, contentOf(entry.path())));
            for (std::string line; std::getline(text, line);) {
                const auto begin = line.find(before);
                if (begin == line.npos) ADD_FAILURE() << path << ": " << line;
                line = line.substr(begin + before.size());
                ++counts[line.substr(0, line.find(behind))];
            }
        }
        return counts;
    }

    ProgramRig rig_;
    Counts expected_;
};

TEST_F(CompressedKills, EveryLineIsReadAndWrittenOnce) {
    const auto kills = environmentNumber("TIDEMILL_KILLS", 10);
    const auto files = static_cast<unsigned>(environmentNumber("TIDEMILL_FILES", 40));
    const auto seed = static_cast<unsigned>(environmentNumber("TIDEMILL_SEED", 1));
    std::mt19937 random(seed);
    unsigned put = 0;
    for (long killed = 0; killed < kills && !HasFailure(); ++killed) {
        const auto daemon = rig_.start();
        for (; put < files * static_cast<unsigned long>(killed + 1) / kills; ++put) {
            this->put(put, random);
            daemon->wait(milliseconds(random() % 50));
        }
        daemon->wait(milliseconds(random() % 5 == 0 ? random() % 60 : 100 + random() % 600));
        ASSERT_FALSE(daemon->poll()) << rig_.daemonErrors();
        daemon->kill();
    }
    const auto daemon = rig_.start();
    for (int i = 0; i < 600 && rig_.totals().size() < expected_.size(); ++i)
        ASSERT_FALSE(daemon->wait(milliseconds(200))) << rig_.daemonErrors();
    daemon->signal(SIGTERM);
    ASSERT_EQ(daemon->wait(std::chrono::seconds(30)), 0) << rig_.daemonErrors();
    EXPECT_TRUE(rig_.totals() == expected_) << "the totals are not those of the ledger";
    EXPECT_TRUE(shown("parts-", "", '\n') == expected_) << "text_files differ";
    EXPECT_TRUE(shown("lines", "\"value\": \"", '"') == expected_) << "json_lines differ";
    EXPECT_TRUE(shown("growing", "\"value\": \"", '"') == expected_) << "growing files differ";
    std::cout << "kills: " << kills << ", files: " << put << ", lines: " << expected_.size()
              << "\n";
    if (HasFailure()) std::cerr << "failed: TIDEMILL_SEED=" << seed << "\n";
}

}  // namespace
}  // namespace tidemill::test
