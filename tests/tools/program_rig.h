// The rig of the program's tests: a directory with a job, a server that the job dials, and the
// program's commands as a user types them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/child_process.h"

namespace tidemill::test {

// How often each word occurs.
using Counts = std::map<std::string, std::int64_t>;
void countWords(Counts& counts, const std::string& text);

// A TCP server that sends what it is told to whoever is connected. Thread safety: externally
// synchronized.
class TextServer {
public:
    // On `wanted`, or on any free port; port() is 0 when somebody else has `wanted`.
    explicit TextServer(std::uint16_t wanted = 0);
    ~TextServer();
    std::uint16_t port() const { return port_; }
    // Waits for the next connection; what is sent goes there from now on.
    void accept();
    void send(const std::string& text);

private:
    int listener_ = -1;
    int connection_ = -1;
    std::uint16_t port_ = 0;
};

struct Outcome {
    int code = -1;
    std::string out;
    std::string err;
};

// A directory with job.toml in it, removed at the end. Thread safety: externally synchronized.
class ProgramRig {
public:
    // The data directory stands in `disk`; empty: beside the job.
    explicit ProgramRig(std::filesystem::path disk = {});
    ~ProgramRig();

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path data() const { return (disk_.empty() ? path_ : disk_) / "data"; }

    // A word count of `source` (the lines of a [[source]] table) with running totals in "totals";
    // `more` is appended.
    void writeJob(const std::string& source, const std::string& more = "");
    // The same that dials `server`.
    void writeDialingJob(const TextServer& server, const std::string& more = "");

    // `tidemill run job.toml --data-dir data`; output and errors go to files "out" and "err".
    std::unique_ptr<ChildProcess> start(std::map<std::string, std::string> environment = {},
                                        const std::vector<std::string>& more = {});
    std::string daemonOutput() const;
    std::string daemonErrors() const;

    // The program with these arguments, to its end.
    Outcome tidemill(const std::vector<std::string>& arguments) const;
    // The same with `--data-dir data` behind them.
    Outcome look(std::vector<std::string> arguments) const;

    // Until the log of the data directory holds so many lines; false when it takes too long.
    bool awaitLoggedLines(std::uint64_t lines) const;
    bool awaitFile(const std::filesystem::path& path) const;

    // `state export totals --json`, each line's key in the order of printing.
    std::vector<std::pair<std::string, std::int64_t>> exported() const;
    Counts totals() const;

    // Every file below data() with its size and time of change.
    std::map<std::string, std::string> snapshot() const;

private:
    std::filesystem::path path_;
    std::filesystem::path disk_;
};

std::string contentOf(const std::filesystem::path& path);
std::string fromBase64(const std::string& text);

}  // namespace tidemill::test
