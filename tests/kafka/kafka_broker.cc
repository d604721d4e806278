#include "tests/kafka/kafka_broker.h"

#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <system_error>
#include <thread>

#include "rdkafka/handle.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
namespace kafka = rdkafka;

constexpr int kCannotBeHad = 77;
// Fetching its programs may take this long the first time.
constexpr std::chrono::minutes kPrepareLongest{10};
constexpr std::chrono::seconds kStartLongest{90};

}  // namespace

std::unique_ptr<KafkaBroker> KafkaBroker::start(std::string& why, bool& skips,
                                                std::vector<std::string> properties,
                                                const KafkaSecurity& security) {
    std::unique_ptr<KafkaBroker> made(new KafkaBroker());
    std::string pattern = (fs::temp_directory_path() / "tidemill-kafka-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        why = "mkdtemp failed";
        return nullptr;
    }
    made->directory_ = pattern;
    const std::string errors = (made->directory_ / "prepare.log").string();
    ChildProcess prepare({.arguments = {TIDEMILL_KAFKA_BROKER, "prepare"},
                          .environment = {},
                          .outputFile = errors,
                          .errorFile = errors});
    const auto code = prepare.wait(kPrepareLongest);
    if (code != 0) {
        skips = code == kCannotBeHad;
        why = "the broker's programs are not there: " + tailOf(errors);
        return nullptr;
    }
    made->port_ = freePort();
    do made->controllerPort_ = freePort();
    while (made->controllerPort_ == made->port_);
    made->properties_ = std::move(properties);
    made->security_ = security;
    if (!security.user.empty()) made->securePort_ = freePort();
    if (made->restart()) return made;
    why = "the broker does not answer: " + made->log();
    return nullptr;
}

KafkaBroker::~KafkaBroker() {
    kill();
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
}

void KafkaBroker::kill() {
    if (process_) process_->kill();
    process_.reset();
}

void KafkaBroker::stop() {
    if (!process_) return;
    process_->signal(SIGTERM);
    if (!process_->wait(std::chrono::seconds(60))) process_->kill();
    process_.reset();
}

bool KafkaBroker::restart() {
    restartInBackground();
    return awaitAnswer();
}

void KafkaBroker::restartInBackground() {
    kill();
    const std::string log = (directory_ / "broker.log").string();
    // The script becomes the broker.
    ChildProcess::Options options{
        .arguments = {"/usr/bin/setpriv", "--pdeathsig", "KILL", TIDEMILL_KAFKA_BROKER, "run",
                      std::to_string(port_), (directory_ / "data").string()},
        .environment = {{"CONTROLLER_PORT", std::to_string(controllerPort_)}},
        .outputFile = log,
        .errorFile = log};
    if (securePort_ != 0) {
        options.environment["SECURE_PORT"] = std::to_string(securePort_);
        options.environment["SECURE_PEM"] = security_.pemFile;
        options.environment["SECURE_USER"] = security_.user;
        options.environment["SECURE_PASSWORD"] = security_.password;
    }
    options.arguments.insert(options.arguments.end(), properties_.begin(), properties_.end());
    process_ = std::make_unique<ChildProcess>(options);
}

bool KafkaBroker::awaitAnswer() const {
    const auto client = kafka::Handle::make(
        RD_KAFKA_PRODUCER, {{"bootstrap.servers", address()}, {"reconnect.backoff.max.ms", "200"}},
        {});
    if (!client) return false;
    const auto until = std::chrono::steady_clock::now() + kStartLongest;
    while (std::chrono::steady_clock::now() < until && process_ && !process_->poll()) {
        const struct rd_kafka_metadata* answer = nullptr;
        const auto error = rd_kafka_metadata((*client)->get(), 1, nullptr, &answer, 500);
        const kafka::Metadata owned(answer);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR && owned->broker_cnt == 1) return true;
    }
    return false;
}

}  // namespace tidemill::test
