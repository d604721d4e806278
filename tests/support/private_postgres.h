// A PostgreSQL server of a test's own: Debian's package postgresql-15, as a plain user, on a socket
// in a directory of its own.
#pragma once

#include <memory>
#include <string>

#include "tests/support/child_process.h"

namespace tidemill::test {

// Stopped and removed when destroyed, and gone when the test is. Thread safety: externally
// synchronized.
class PrivatePostgres {
public:
    // Where the server's programs are.
    static bool isInstalled();

    // UTF-8, texts in the order of their bytes, time zone UTC. Null when it does not start; `why`
    // then says more.
    static std::unique_ptr<PrivatePostgres> start(std::string& why);
    ~PrivatePostgres();

    // SIGKILL to the server; its processes go with it.
    void kill();
    // After kill(): on the same data. False when it does not come up.
    bool restart();

    // For libpq.
    std::string connection() const { return "host=" + directory_ + " user=test dbname=postgres"; }

    // Runs a script in one session and answers what it prints, a row a line, columns parted by "|".
    // Empty, with `why`, when a statement fails.
    std::string run(const std::string& script, std::string& why);

private:
    PrivatePostgres() = default;
    void launch();
    bool awaitAnswer();
    std::string directory_;
    std::unique_ptr<ChildProcess> server_;
};

}  // namespace tidemill::test
