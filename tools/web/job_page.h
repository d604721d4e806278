// What a daemon shows over HTTP: its page, its status and batches as JSON, metrics, health.
#pragma once

#include <memory>
#include <string>

#include "tools/control/daemon_status.h"
#include "tools/web/batch_history.h"
#include "tools/web/http_server.h"

namespace tidemill::tools {

// The page with its style, script and charts in it; made by cmake/embed_page.cmake.
std::string_view pageHtml();

// Listens from the first try() that succeeds on. Thread safety: worker-confined, but what it is
// given must be thread-safe: it is asked on the server's thread.
class JobPage {
public:
    // `plan`: what the job does, in lines. All must outlive the page.
    JobPage(HttpAddress address, const DaemonStatus& status, const BatchHistory& batches,
            std::string plan);

    // Listens, when it does not yet; says once in the log where, or why not.
    void tryListen();

private:
    HttpResponse answer(const HttpRequest& request) const;

    const HttpAddress address_;
    const DaemonStatus& status_;
    const BatchHistory& batches_;
    const std::string plan_;
    bool said_ = false;
    std::unique_ptr<HttpServer> server_;
};

}  // namespace tidemill::tools
