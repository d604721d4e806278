#include "python/native/context.h"

#include <stdexcept>
#include <utility>

#include "core/logging.h"
#include "core/own_thread.h"
#include "python/native/kafka.h"
#include "python/native/listener.h"
#include "python/native/steps.h"

namespace tidemill::python {
namespace {

ErrorPolicy policyOf(const std::string& name) {
    if (name == "stop") return ErrorPolicy::kStop;
    if (name == "skip") return ErrorPolicy::kSkip;
    if (name == "dead_letter") return ErrorPolicy::kDeadLetter;
    throw std::invalid_argument("errorPolicy is '" + name +
                                "': it is 'stop', 'skip' or 'dead_letter'");
}

StreamingOptions optionsOf(const Context::Options& from) {
    StreamingOptions options;
    options.interval = Duration(from.intervalMillis);
    options.workers = from.workers;
    options.directory = from.directory;
    options.errorPolicy = policyOf(from.errorPolicy);
    options.version = from.version;
    options.name = from.name;
    return options;
}

FileStreamOptions filesOf(bool takeExisting) {
    FileStreamOptions options;
    if (takeExisting) options.existing = ExistingFiles::kTake;
    return options;
}

Stream::Ptr linesOf(const DStream<std::string_view>& lines) {
    return std::make_shared<Stream>(lines.job(), lines.node());
}

}  // namespace

// Whoever gives it up last: its threads, which end with it, may be waiting for the lock.
Context::Context(const Options& options)
    : processes_(options.processes),
      context_(new StreamingContext(optionsOf(options)), [](StreamingContext* context) {
          const WithoutGil others;
          delete context;
      }) {}

Context::~Context() = default;

Context::ContextPtr Context::current() const {
    const std::lock_guard lock(mutex_);
    return context_;
}

Context::ContextPtr Context::open() const {
    auto context = current();
    if (!context)
        throw std::logic_error("a context that has stopped cannot be used again; make a new one");
    return context;
}

void Context::release() {
    ContextPtr ended;
    {
        const std::lock_guard lock(mutex_);
        ended = std::move(context_);
        context_ = nullptr;
    }
    ended.reset();
    if (pool_) pool_->close();
}

Stream::Ptr Context::socketTextStream(const std::string& host, std::uint16_t port) {
    return linesOf(open()->socketTextStream(host, port));
}

Stream::Ptr Context::listenTextStream(const std::string& host, std::uint16_t port,
                                      bool acknowledged, bool allowRemote) {
    ListenOptions options;
    options.allowRemote = allowRemote;
    const auto context = open();
    return linesOf(acknowledged ? context->acknowledgedTextStream(host, port, options)
                                : context->listenTextStream(host, port, options));
}

Stream::Ptr Context::httpStream(const std::string& host, std::uint16_t port, HttpOptions options) {
    return linesOf(open()->httpStream(host, port, std::move(options)));
}

Stream::Ptr Context::textFileStream(const std::string& directory, bool takeExisting) {
    return linesOf(open()->textFileStream(directory, filesOf(takeExisting)));
}

Stream::Ptr Context::binaryRecordsStream(const std::string& directory, std::size_t recordBytes,
                                         bool takeExisting) {
    const auto records = open()->binaryRecordsStream(directory, recordBytes, filesOf(takeExisting));
    const auto& job = records.job();
    return std::make_shared<Stream>(
        job, Stream::ObjectNode(job->graph.add(std::make_shared<StepNode<std::string_view, Object>>(
                 "bytes", records.node(), copyBytes()))));
}

Stream::Ptr Context::queueStream(const std::vector<std::vector<Object>>& queue, bool oneAtATime,
                                 std::optional<std::vector<Object>> byDefault) {
    RecordQueue<Object> records;
    const auto stream = open()->queueStream<Object>(records, oneAtATime, std::move(byDefault));
    for (const auto& elements : queue) records.push(elements);
    return std::make_shared<Stream>(stream.job(), stream.node());
}

Stream::Ptr Context::kafkaStream(KafkaOptions options) {
    const auto records = open()->kafkaStream(std::move(options));
    const auto& job = records.job();
    return std::make_shared<Stream>(
        job, Stream::ObjectNode(job->graph.add(std::make_shared<StepNode<KafkaRecord, Object>>(
                 "record", records.node(), kafkaTuple()))));
}

void Context::addListener(Function function) {
    open()->addListener(makeListener(std::move(function)));
}

void Context::keepAccumulators(const std::vector<std::shared_ptr<Accumulator>>& all) {
    auto& job = *open()->job();
    requireNotStarted(job, "accumulator");
    // Without anything else to do the job is not started.
    if (job.graph.outputs().empty() && job.states.empty() && !job.remembers) return;
    if (!accumulators_) accumulators_ = Accumulators::declare(job);
    for (const auto& one : all) accumulators_->add(one);
}

bool Context::addAccumulator(const std::shared_ptr<Accumulator>& one) {
    if (accumulators_) accumulators_->add(one);
    return accumulators_ != nullptr;
}

void Context::startProcesses() {
    if (processes_ == 0 || pool_) return;
    const auto pool = std::make_shared<WorkerPool>(processes_);
    for (const auto& node : open()->job()->graph.nodes())
        if (auto* const calls = dynamic_cast<CallsFunction*>(node.get())) calls->callIn(pool);
    if (pool->isEmpty()) return;
    pool->keep(accumulators_);
    pool_ = pool;
    pool->fork();
}

void Context::start() {
    const auto context = open();
    startProcesses();
    const WithoutGil others;
    context->start();
}

void Context::stop(bool graceful) {
    const WithoutGil others;
    const auto context = current();
    if (!context) return;
    try {
        context->stop(graceful);
    } catch (const StreamingError&) {
        if (!core::onOwnThread()) release();
        throw;
    }
    // Called by the job itself, it ends later.
    if (!core::onOwnThread()) release();
}

bool Context::await(std::int64_t timeoutMillis) {
    const WithoutGil others;
    const auto context = current();
    if (!context) return true;
    try {
        if (timeoutMillis < 0) context->awaitTermination();
        else if (!context->awaitTermination(std::chrono::milliseconds(timeoutMillis))) return false;
    } catch (const StreamingError&) {
        release();
        throw;
    }
    release();
    return true;
}

bool Context::awaitBatch(std::uint64_t id, std::int64_t timeoutMillis) {
    const auto context = open();
    const WithoutGil others;
    return context->awaitBatch(id, std::chrono::milliseconds(timeoutMillis));
}

std::string Context::state() const {
    const WithoutGil others;
    const auto context = current();
    if (!context) return "stopped";
    switch (context->state()) {
        case StreamingContext::State::kInitialized: return "initialized";
        case StreamingContext::State::kActive: return "active";
        case StreamingContext::State::kStopped: return "stopped";
    }
    return {};
}

std::vector<std::uint16_t> Context::boundPorts() const {
    const auto context = open();
    const WithoutGil others;
    return context->boundPorts();
}

void Context::forget() {
    // Never destroyed. The mutex may have been held by a thread that is gone: not taken.
    new ContextPtr(std::move(context_));
    context_ = nullptr;
    if (pool_) pool_->forget();
}

std::string Context::describe() const { return open()->describe(); }

void setLogLevel(const std::string& level) {
    using core::LogLevel;
    // The names that Spark has.
    static const std::pair<const char*, LogLevel> kLevels[] = {
        {"ALL", LogLevel::kDebug},   {"TRACE", LogLevel::kDebug},  {"DEBUG", LogLevel::kDebug},
        {"INFO", LogLevel::kInfo},   {"WARN", LogLevel::kWarning}, {"ERROR", LogLevel::kError},
        {"FATAL", LogLevel::kError}, {"OFF", LogLevel::kOff}};
    for (const auto& [name, value] : kLevels)
        if (level == name) return core::setLogLevel(value);
    throw std::invalid_argument("setLogLevel: '" + level +
                                "' is none of ALL, DEBUG, ERROR, FATAL, INFO, OFF, TRACE, WARN");
}

}  // namespace tidemill::python
