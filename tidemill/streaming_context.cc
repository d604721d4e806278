#include "tidemill/streaming_context.h"

#include <algorithm>
#include <mutex>

#include "core/logging.h"
#include "core/own_thread.h"
#include "core/standard_streams.h"
#include "tidemill/engine.h"
#include "tidemill/signal_stop.h"

namespace tidemill {
namespace {

StreamingOptions optionsFor(std::filesystem::path directory, Duration interval) {
    StreamingOptions options;
    options.directory = std::move(directory);
    options.interval = interval;
    return options;
}

void throwIfFailed(const core::Result<>& result) {
    if (!result) throw StreamingError(result.error());
}

}  // namespace

// What start(), stop() and status() share across threads.
struct StreamingContext::Life {
    std::mutex mutex;
    bool stoppedBeforeStart = false;
    std::unique_ptr<Engine> engine;  // made by start(), never replaced
};

StreamingContext::StreamingContext(StreamingOptions options)
    : options_(std::move(options)), job_(std::make_shared<Job>()), life_(std::make_unique<Life>()) {
    core::holdStandardStreams();
    const auto within = [](const char* what, Duration value, Duration least) {
        if (value < least || value > kDurationMax)
            throw std::invalid_argument(std::string(what) + " (" + std::to_string(value.count()) +
                                        " ms) must be at least " + std::to_string(least.count()) +
                                        " ms and at most " + std::to_string(kDurationMax.count()) +
                                        " ms");
    };
    within("the batch interval", options_.interval, Duration(1));
    within("checkpointInterval", options_.checkpointInterval, Duration(0));
    job_->interval = options_.interval;
    job_->rememberedBytesMax = options_.maxRememberedBytes;
    if (options_.files) job_->files = options_.files.get();
}
StreamingContext::StreamingContext(const std::filesystem::path& directory, Duration interval)
    : StreamingContext(optionsFor(directory, interval)) {}
StreamingContext::StreamingContext(Duration interval)
    : StreamingContext(optionsFor({}, interval)) {}
StreamingContext::~StreamingContext() = default;
StreamingContext::StreamingContext(StreamingContext&&) noexcept = default;

void StreamingContext::setDirectory(const std::filesystem::path& directory) {
    requireNotStarted(*job_, "setDirectory");
    options_.directory = directory;
}

Engine* StreamingContext::engine() const {
    const std::lock_guard lock(life_->mutex);
    return life_->engine.get();
}

void StreamingContext::start() {
    if (state() == State::kActive) {
        core::logWarning("start: the context is running already");
        return;
    }
    {
        const std::lock_guard lock(life_->mutex);
        if (job_->started)
            throw std::logic_error("start: a context that has stopped cannot start again");
        job_->started = true;
        if (life_->stoppedBeforeStart) {
            core::logInfo("start: stopped before it was started; nothing is run");
            return;
        }
        life_->engine = std::make_unique<Engine>(options_, job_, listeners_);
    }
    throwIfFailed(engine()->start());
    if (signalStop_) signalStop_->started(*engine());
}

void StreamingContext::stopOnSignals() {
    if (signalStop_) return;
    signalStop_ = std::make_unique<SignalStop>(job_);
    if (state() == State::kActive) signalStop_->started(*engine());
}

int StreamingContext::runUntilStopped() {
    try {
        stopOnSignals();
        start();
        awaitTermination();
        return 0;
    } catch (const std::exception& error) {
        core::logError(error.what());
        return 1;
    }
}

namespace {

void refuseToWaitForItself() {
    if (core::onOwnThread())
        throw std::logic_error(
            "awaitTermination: called by a function that the job itself runs, which would wait for "
            "itself; call it from the thread that called start()");
}

}  // namespace

void StreamingContext::awaitTermination() {
    refuseToWaitForItself();
    auto* const running = engine();
    if (running != nullptr) {
        throwIfFailed(running->wait());
        if (signalStop_) throwIfFailed(signalStop_->finished());
        return;
    }
    if (state() != State::kStopped)
        throw std::logic_error("awaitTermination: the context was not started");
}

bool StreamingContext::awaitTermination(std::chrono::milliseconds timeout) {
    refuseToWaitForItself();
    auto* const running = engine();
    if (running == nullptr) {
        if (state() == State::kStopped) return true;
        throw std::logic_error("awaitTermination: the context was not started");
    }
    const auto outcome = running->waitFor(std::clamp<Duration>(timeout, {}, kDurationMax));
    if (outcome) throwIfFailed(*outcome);
    if (outcome && signalStop_) throwIfFailed(signalStop_->finished());
    return outcome.has_value();
}

bool StreamingContext::awaitBatch(std::uint64_t id, std::chrono::milliseconds timeout) {
    auto* const running = engine();
    if (running == nullptr) throw std::logic_error("awaitBatch: the context was not started");
    const auto complete =
        running->waitForBatch(core::BatchId(id), std::clamp<Duration>(timeout, {}, kDurationMax));
    if (!complete) throw StreamingError(complete.error());
    return *complete;
}

void StreamingContext::stop(bool graceful) {
    Engine* running = nullptr;
    {
        const std::lock_guard lock(life_->mutex);
        running = life_->engine.get();
        if (running == nullptr) {
            life_->stoppedBeforeStart = true;
            return;
        }
    }
    if (core::onOwnThread()) return running->stopSoon(graceful);
    throwIfFailed(running->stop(graceful));
}

StreamingContext::State StreamingContext::state() const {
    const std::lock_guard lock(life_->mutex);
    if (!life_->engine) return life_->stoppedBeforeStart ? State::kStopped : State::kInitialized;
    if (life_->engine->starting()) return State::kInitialized;
    return life_->engine->running() ? State::kActive : State::kStopped;
}

EngineStatus StreamingContext::status() const {
    auto* const running = engine();
    return running != nullptr ? running->status() : EngineStatus{};
}

std::optional<std::uint64_t> StreamingContext::requestCheckpoint() {
    auto* const running = engine();
    return running != nullptr ? running->requestCheckpoint() : std::nullopt;
}

Engine& StreamingContext::runningEngine() const {
    auto* const running = engine();
    if (running == nullptr)
        throw StreamingError({core::ErrorKind::kConflict, "the job has not started yet"});
    return *running;
}

std::uint64_t StreamingContext::requestSavepoint(std::string name) {
    auto number = runningEngine().requestSavepoint(std::move(name));
    if (!number) throw StreamingError(number.error());
    return *number;
}

void StreamingContext::lookUpState(const std::string& state, std::string key,
                                   StateLookups::Done done) {
    throwIfFailed(runningEngine().lookUpState(state, std::move(key), std::move(done)));
}

void StreamingContext::pauseSource(std::uint32_t source) {
    throwIfFailed(runningEngine().pauseSource(source, true));
}

void StreamingContext::resumeSource(std::uint32_t source) {
    throwIfFailed(runningEngine().pauseSource(source, false));
}

void StreamingContext::setSourceRate(std::uint32_t source, std::optional<Rate> rate) {
    throwIfFailed(runningEngine().setSourceRate(source, rate));
}

std::vector<std::uint16_t> StreamingContext::boundPorts() const {
    auto* const running = engine();
    return running != nullptr ? running->boundPorts() : std::vector<std::uint16_t>{};
}

void StreamingContext::addListener(std::shared_ptr<StreamingListener> listener) {
    requireNotStarted(*job_, "addListener");
    listeners_.push_back(std::move(listener));
}

void StreamingContext::addBatchListener(std::function<void(const BatchInfo&)> listener) {
    class Completed final : public StreamingListener {
    public:
        explicit Completed(std::function<void(const BatchInfo&)> f) : f_(std::move(f)) {}
        void onBatchCompleted(const BatchInfo& batch) override { f_(batch); }

    private:
        std::function<void(const BatchInfo&)> f_;
    };
    addListener(std::make_shared<Completed>(std::move(listener)));
}

std::string StreamingContext::describe() const { return job_->describe(); }

}  // namespace tidemill
