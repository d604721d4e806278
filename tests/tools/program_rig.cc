#include "tests/tools/program_rig.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace tidemill::test {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::seconds kLongest{30};

// Polls until `done` says so.
template <class Done>
bool await(Done done) {
    const auto until = std::chrono::steady_clock::now() + kLongest;
    while (!done()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
}

}  // namespace

void countWords(Counts& counts, const std::string& text) {
    std::string word;
    for (const char c : text + "\n") {
        if (c != ' ' && c != '\t' && c != '\n') {
            word += c;
        } else if (!word.empty()) {
            ++counts[word];
            word.clear();
        }
    }
}

std::string fromBase64(const std::string& text) {
    const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    unsigned bits = 0;
    int count = 0;
    for (const char c : text) {
        if (c == '=') break;
        bits = bits << 6 | static_cast<unsigned>(digits.find(c));
        if ((count += 6) >= 8) bytes += static_cast<char>(bits >> (count -= 8));
    }
    return bytes;
}

std::string contentOf(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    return content.str();
}

TextServer::TextServer(std::uint16_t wanted) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(wanted);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 8) != 0)
        return;
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
}

TextServer::~TextServer() {
    if (connection_ >= 0) ::close(connection_);
    ::close(listener_);
}

void TextServer::accept() {
    if (connection_ >= 0) ::close(connection_);
    pollfd ready{listener_, POLLIN, 0};
    connection_ = -1;
    if (::poll(&ready, 1, static_cast<int>(std::chrono::milliseconds(kLongest).count())) == 1)
        connection_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    ASSERT_GE(connection_, 0) << "nobody dialled";
}

void TextServer::send(const std::string& text) {
    std::size_t sent = 0;
    while (sent < text.size()) {
        const auto count =
            ::send(connection_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        ASSERT_GT(count, 0) << "the connection is gone";
        sent += static_cast<std::size_t>(count);
    }
}

ProgramRig::ProgramRig(fs::path disk) : disk_(std::move(disk)) {
    std::string pattern = (fs::temp_directory_path() / "tidemill-program-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
}

ProgramRig::~ProgramRig() {
    if (::testing::Test::HasFailure()) {
        std::cerr << "kept for a look: " << path_ << "\nthe daemon's last words:\n"
                  << tailOf((path_ / "err").string());
        return;
    }
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

void ProgramRig::writeJob(const std::string& source, const std::string& more) {
    std::ofstream(path_ / "job.toml") << R"([job]
name = "program"
interval = "50ms"
[checkpoint]
interval = "300ms"
[[source]]
)" + source + R"(
[[step]]
do = "split"
name = "words"
[[step]]
do = "count"
name = "counts"
[[step]]
do = "running_totals"
name = "totals"
)" + more;
}

void ProgramRig::writeDialingJob(const TextServer& server, const std::string& more) {
    writeJob("type = \"socket\"\nhost = \"127.0.0.1\"\nport = " + std::to_string(server.port()),
             more);
}

std::unique_ptr<ChildProcess> ProgramRig::start(std::map<std::string, std::string> environment,
                                                const std::vector<std::string>& more) {
    std::vector<std::string> all{TIDEMILL_PROGRAM_PATH, "run", path_ / "job.toml", "--data-dir",
                                 data()};
    all.insert(all.end(), more.begin(), more.end());
    return std::make_unique<ChildProcess>(
        ChildProcess::Options{.arguments = all,
                              .environment = std::move(environment),
                              .outputFile = path_ / "out",
                              .errorFile = path_ / "err"});
}

std::string ProgramRig::daemonOutput() const { return contentOf(path_ / "out"); }
std::string ProgramRig::daemonErrors() const { return contentOf(path_ / "err"); }

Outcome ProgramRig::tidemill(const std::vector<std::string>& arguments) const {
    const fs::path out = path_ / "command.out";
    const fs::path err = path_ / "command.err";
    fs::remove(out);
    fs::remove(err);
    std::vector<std::string> all{TIDEMILL_PROGRAM_PATH};
    all.insert(all.end(), arguments.begin(), arguments.end());
    ChildProcess child({.arguments = all, .environment = {}, .outputFile = out, .errorFile = err});
    Outcome outcome;
    outcome.code = child.wait(kLongest).value_or(-1);
    outcome.out = contentOf(out);
    outcome.err = contentOf(err);
    return outcome;
}

Outcome ProgramRig::look(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--data-dir", data()});
    return tidemill(arguments);
}

bool ProgramRig::awaitLoggedLines(std::uint64_t lines) const {
    return await([&] {
        const auto dump = look({"wal", "dump", "--json"});
        std::uint64_t logged = 0;
        std::istringstream frames(dump.out);
        for (std::string frame; std::getline(frames, frame);)
            logged += nlohmann::json::parse(frame).value("lines", std::uint64_t{0});
        return logged >= lines;
    });
}

bool ProgramRig::awaitFile(const fs::path& path) const {
    return await([&] { return fs::exists(path); });
}

std::vector<std::pair<std::string, std::int64_t>> ProgramRig::exported() const {
    const auto result = look({"state", "export", "totals", "--json"});
    EXPECT_EQ(result.code, 0) << result.err;
    std::vector<std::pair<std::string, std::int64_t>> rows;
    std::istringstream lines(result.out);
    for (std::string line; std::getline(lines, line);) {
        const auto row = nlohmann::json::parse(line);
        EXPECT_EQ(row.size(), 2u) << line;
        const std::string key =
            row.contains("key") ? row["key"].get<std::string>() : fromBase64(row["key_base64"]);
        rows.emplace_back(key, row["value"].get<std::int64_t>());
    }
    return rows;
}

Counts ProgramRig::totals() const {
    const auto rows = exported();
    Counts counts(rows.begin(), rows.end());
    EXPECT_EQ(counts.size(), rows.size()) << "a key was exported twice";
    return counts;
}

std::map<std::string, std::string> ProgramRig::snapshot() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(data())) {
        // A process that holds the directory makes its socket anew, whether it then starts or not.
        if (entry.path().filename() == "CONTROL") continue;
        struct stat status {};
        ::lstat(entry.path().c_str(), &status);
        files[entry.path()] = std::to_string(status.st_size) + " bytes, changed " +
                              std::to_string(status.st_mtim.tv_sec) + "." +
                              std::to_string(status.st_mtim.tv_nsec);
    }
    return files;
}

}  // namespace tidemill::test
