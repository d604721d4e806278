// A daemon with a page, asked as curl and Prometheus ask.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <nlohmann/json.hpp>

#include "tests/tools/http_asked.h"
#include "tests/tools/program_fixture.h"

namespace tidemill::test {

using Json = nlohmann::json;

class Page : public Program {
protected:
    Answer get(const std::string& path, const std::string& host = "localhost:1") {
        return asked(
            port_, "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
    }

    std::unique_ptr<ChildProcess> startWithPage() {
        rig_.writeDialingJob(server_,
                             "[[output]]\nto = \"print\"\nfrom = \"counts\"\n[page]\nlisten = \"" +
                                 std::to_string(port_) + "\"\n");
        auto daemon = rig_.start();
        server_.accept();
        feed("mill tide mill\n");
        EXPECT_TRUE(awaitPage([&] {
            const auto status = get("/api/v1/status");
            return status.code == 200 && Json::parse(status.body)["batch"]["records"] == 1 &&
                   fs::exists(rig_.data() / "CONTROL");
        })) << rig_.daemonErrors();
        return daemon;
    }

    template <class Condition>
    bool awaitPage(Condition holds) {
        for (int i = 0; i < 400; ++i, ::usleep(25'000))
            if (holds()) return true;
        return false;
    }

    const std::uint16_t port_ = freePort();
};

}  // namespace tidemill::test
