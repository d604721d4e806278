#include "tests/support/private_postgres.h"

#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;

const std::string kPrograms = "/usr/lib/postgresql/15/bin/";

// PostgreSQL refuses to run as root. The server also ends when this process does.
std::vector<std::string> asPlainUser(std::vector<std::string> arguments) {
    std::vector<std::string> whole = {"/usr/bin/setpriv", "--pdeathsig", "KILL"};
    if (::geteuid() == 0) {
        const passwd* user = ::getpwnam("postgres");
        if (user == nullptr) user = ::getpwnam("nobody");
        if (user != nullptr)
            whole.insert(whole.end(),
                         {"--reuid=" + std::to_string(user->pw_uid),
                          "--regid=" + std::to_string(user->pw_gid), "--clear-groups"});
    }
    whole.insert(whole.end(), arguments.begin(), arguments.end());
    return whole;
}

std::string contentOf(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

bool PrivatePostgres::isInstalled() {
    return ::access((kPrograms + "postgres").c_str(), X_OK) == 0 &&
           ::access((kPrograms + "psql").c_str(), X_OK) == 0 &&
           ::access("/usr/bin/setpriv", X_OK) == 0;
}

std::unique_ptr<PrivatePostgres> PrivatePostgres::start(std::string& why) {
    std::unique_ptr<PrivatePostgres> made(new PrivatePostgres());
    char path[] = "/tmp/tidemill-postgres-XXXXXX";
    if (::mkdtemp(path) == nullptr) {
        why = "mkdtemp failed";
        return nullptr;
    }
    made->directory_ = path;
    const std::string& directory = made->directory_;
    if (::geteuid() == 0) {
        const passwd* user = ::getpwnam("postgres");
        if (user == nullptr) user = ::getpwnam("nobody");
        if (user == nullptr || ::chown(path, user->pw_uid, user->pw_gid) != 0) {
            why = "there is no plain user to run PostgreSQL as";
            return nullptr;
        }
    }
    const std::string log = directory + "/log";
    ChildProcess init(
        {.arguments =
             asPlainUser({kPrograms + "initdb", "-D", directory + "/data", "--no-sync", "-E",
                          "UTF8", "--locale=C", "--lc-ctype=C.UTF-8", "-A", "trust", "-U", "test"}),
         .environment = {},
         .outputFile = log,
         .errorFile = log});
    if (const auto code = init.wait(std::chrono::seconds(60)); code != 0) {
        why = "initdb failed: " + tailOf(log);
        return nullptr;
    }
    made->launch();
    if (made->awaitAnswer()) return made;
    why = "the server does not answer: " + tailOf(log);
    return nullptr;
}

void PrivatePostgres::launch() {
    const std::string log = directory_ + "/log";
    server_ = std::make_unique<ChildProcess>(ChildProcess::Options{
        .arguments = asPlainUser({kPrograms + "postgres", "-D", directory_ + "/data", "-k",
                                  directory_, "-c", "listen_addresses=", "-c", "fsync=off", "-c",
                                  "TimeZone=UTC", "-c", "shared_buffers=8MB"}),
        .environment = {},
        .outputFile = log,
        .errorFile = log});
}

bool PrivatePostgres::awaitAnswer() {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (std::string answer; std::chrono::steady_clock::now() < until;) {
        if (server_->poll()) return false;
        if (run("select 1;", answer) == "1\n") return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
}

void PrivatePostgres::kill() { server_->kill(); }

bool PrivatePostgres::restart() {
    // The processes of the one that was killed may still be going.
    for (int attempt = 0; attempt < 50; ++attempt) {
        launch();
        if (awaitAnswer()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
}

PrivatePostgres::~PrivatePostgres() {
    if (server_ != nullptr && !server_->poll()) {
        server_->signal(SIGQUIT);  // at once
        if (!server_->wait(std::chrono::seconds(10))) server_->kill();
    }
    std::error_code ignored;
    if (!directory_.empty()) fs::remove_all(directory_, ignored);
}

std::string PrivatePostgres::run(const std::string& script, std::string& why) {
    char path[] = "/tmp/tidemill-script-XXXXXX";
    const int fd = ::mkstemp(path);
    ::close(fd);
    std::ofstream(path) << script;
    const std::string out = std::string(path) + ".out", err = std::string(path) + ".err";
    ChildProcess child(
        {.arguments = {kPrograms + "psql", "-h", directory_, "-U", "test", "-d", "postgres", "-X",
                       "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", path},
         .environment = {{"PGCLIENTENCODING", "UTF8"}},
         .outputFile = out,
         .errorFile = err});
    const auto code = child.wait(std::chrono::seconds(120));
    const std::string text = contentOf(out);
    if (code != 0) why = tailOf(err);
    for (const std::string& file : {std::string(path), out, err}) ::unlink(file.c_str());
    return code == 0 ? text : "";
}

}  // namespace tidemill::test
