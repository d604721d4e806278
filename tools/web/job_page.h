// What a daemon shows over HTTP: its page, its status and batches as JSON, metrics, health.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tools/control/daemon_status.h"
#include "tools/web/batch_history.h"
#include "tools/web/http_server.h"
#include "tools/web/router.h"

namespace tidemill::tools {

// The page with its style, script and charts in it; made by cmake/embed_page.cmake.
std::string_view pageHtml();

// Everything that a page answers. All must outlive the routes, which are asked on the server's
// threads. `plan`: what the job does, in lines.
std::vector<Route> pageRoutes(const StreamingOptions& options, const DaemonStatus& status,
                              const BatchHistory& batches, std::string plan);

// Listens from the first try() that succeeds on. Thread safety: worker-confined, but what it is
// given must be thread-safe.
class JobPage {
public:
    // As for pageRoutes().
    JobPage(HttpAddress address, PageSecurity security, const StreamingOptions& options,
            const DaemonStatus& status, const BatchHistory& batches, std::string plan);

    // Listens, when it does not yet; says once in the log where, or why not. Tells those who hear
    // events how the job is: docs/formats/control.md.
    void everySecond();

private:
    void tryListen();
    void sendEvents();

    const HttpAddress address_;
    const PageSecurity security_;
    const DaemonStatus& status_;
    const BatchHistory& batches_;
    const Router router_;
    std::uint64_t sentBatch_ = 0;  // the newest one that was sent as an event
    bool said_ = false;
    std::unique_ptr<HttpServer> server_;
};

}  // namespace tidemill::tools
