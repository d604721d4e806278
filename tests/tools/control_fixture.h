// What tests of a daemon that is asked while it runs share.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "tests/support/raw_client.h"
#include "tests/tools/program_fixture.h"

namespace tidemill::test {

using Json = nlohmann::json;

class Control : public Program {
protected:
    std::unique_ptr<ChildProcess> startCounting() {
        rig_.writeDialingJob(server_);
        auto daemon = rig_.start();
        server_.accept();
        feed("mill tide mill\n");
        EXPECT_TRUE(awaitStatus([](const Json& s) { return s["batch"]["records"] == 1; }));
        return daemon;
    }

    Json status() {
        const auto asked = rig_.look({"status", "--json"});
        EXPECT_EQ(asked.code, 0) << asked.err;
        return Json::parse(asked.out);
    }

    // Until status says so; false when it takes too long.
    template <class Condition>
    bool awaitStatus(Condition holds) {
        for (int i = 0; i < 400; ++i) {
            const auto asked = rig_.look({"status", "--json"});
            if (asked.code == 0 && holds(Json::parse(asked.out))) return true;
            ::usleep(25'000);
        }
        return false;
    }

    // What the daemon says to a line at its socket.
    Json answerTo(const std::string& request) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, socketPath().c_str(), sizeof address.sun_path - 1);
        RawClient client(address);
        client.send(request + "\n");
        return Json::parse(client.receive());
    }

    fs::path socketPath() const { return rig_.data() / "CONTROL"; }
};

}  // namespace tidemill::test
