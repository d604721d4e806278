// Context: what Python's StreamingContext stands for.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "python/native/accumulators.h"
#include "python/native/stream.h"
#include "python/native/worker_pool.h"
#include "tidemill/streaming_context.h"

namespace tidemill::python {

// Functions called from Python hold its lock; those that wait let it go. Errors: as of
// tidemill::StreamingContext. Thread safety: as of that one.
class Context {
public:
    struct Options {
        std::int64_t intervalMillis = 1000;
        unsigned workers = 0;
        std::string directory;
        std::string errorPolicy = "stop";  // "stop", "skip" or "dead_letter"
        std::string version;
        std::string name;
        // How many processes call the program's functions of elements; 0: threads of this one do.
        unsigned processes = 0;
    };
    explicit Context(const Options& options);
    // Ends the job first.
    ~Context();

    void setDirectory(const std::string& directory) { open()->setDirectory(directory); }

    Stream::Ptr socketTextStream(const std::string& host, std::uint16_t port);
    Stream::Ptr listenTextStream(const std::string& host, std::uint16_t port, bool acknowledged,
                                 bool allowRemote);
    Stream::Ptr httpStream(const std::string& host, std::uint16_t port, HttpOptions options);
    Stream::Ptr textFileStream(const std::string& directory, bool takeExisting);
    Stream::Ptr binaryRecordsStream(const std::string& directory, std::size_t recordBytes,
                                    bool takeExisting);
    // Each list is what a batch takes.
    Stream::Ptr queueStream(const std::vector<std::vector<Object>>& queue, bool oneAtATime,
                            std::optional<std::vector<Object>> byDefault);

    // Of kafkaTuple()'s tuples.
    Stream::Ptr kafkaStream(KafkaOptions options);

    // Function(name of the event, dict of what is known).
    void addListener(Function function);

    // From start() on the job keeps these, and those that are added later. Once, before start().
    void keepAccumulators(const std::vector<std::shared_ptr<Accumulator>>& all);
    // False when the job keeps none.
    bool addAccumulator(const std::shared_ptr<Accumulator>& one);

    void start();
    void stop(bool graceful);
    // False when the time passed first; -1: no limit.
    bool await(std::int64_t timeoutMillis);
    bool awaitBatch(std::uint64_t id, std::int64_t timeoutMillis);
    // "initialized", "active" or "stopped".
    std::string state() const;
    std::vector<std::uint16_t> boundPorts() const;
    std::string describe() const;

    // In a child of a fork: the threads of the job are not there, and nobody can wait for them.
    void forget();

private:
    using ContextPtr = std::shared_ptr<StreamingContext>;

    ContextPtr current() const;
    // Throws std::logic_error when the job has ended.
    ContextPtr open() const;
    // The job has ended: its directory is for others.
    void release();

    // Functions of elements are called by the pool's processes, when there are to be any.
    void startProcesses();

    const unsigned processes_;
    std::shared_ptr<WorkerPool> pool_;
    std::shared_ptr<Accumulators> accumulators_;
    mutable std::mutex mutex_;
    ContextPtr context_;  // null once the job has ended
};

void setLogLevel(const std::string& level);

}  // namespace tidemill::python
