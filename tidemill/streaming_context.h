// StreamingContext: a streaming program from its declaration to its end.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "core/inputs/queue_input.h"
#include "core/rate.h"
#include "sources/file_stream_options.h"
#include "sources/flume/flume_event.h"
#include "sources/flume/flume_options.h"
#include "sources/follow/follow_options.h"
#include "sources/http/http_options.h"
#include "sources/kafka/kafka_options.h"
#include "sources/kafka/kafka_record.h"
#include "sources/kinesis/kinesis_options.h"
#include "sources/kinesis/kinesis_record.h"
#include "tidemill/dstream.h"
#include "tidemill/job.h"
#include "tidemill/options.h"
#include "tidemill/record_queue.h"
#include "tidemill/state_lookups.h"
#include "tidemill/state_stream.h"
#include "tidemill/status.h"
#include "tidemill/streaming_listener.h"
#include "tidemill/windows.h"

namespace tidemill {

using namespace std::chrono_literals;

namespace sources {
struct FileSourceOptions;
struct ListenOptions;
}  // namespace sources

class Engine;
class SignalStop;

// The job cannot start, or ended with an error; what() says why in words for its operator.
class StreamingError : public std::runtime_error {
public:
    explicit StreamingError(core::Error error)
        : std::runtime_error(error.message), error_(std::move(error)) {}
    core::ErrorKind kind() const { return error_.kind; }
    // Starting again mends it.
    bool heals() const { return error_.heals; }

private:
    core::Error error_;
};

// Limits of a text source that dials.
struct SocketOptions {
    // The server is not read faster than this, on average.
    std::optional<Rate> maxRate{};
    // Records are those of CSV; none: lines.
    std::optional<CsvRecords> csv{};
    // The server speaks TLS, 1.2 or newer, and has a certificate for the host that is dialled,
    // vouched for by one in this file (PEM); empty: by those that the system trusts.
    bool tls = false;
    std::string caFile{};
};

// Limits of a listening text source.
struct ListenOptions {
    // Beyond these, a new connection is told so and closed.
    std::size_t connectionsMax = 1024;
    std::size_t connectionsPerAddressMax = 64;  // not applied to loopback
    // Addresses other than loopback are refused without encryption and a token, see below, unless
    // this is set.
    bool allowRemote = false;
    // All its clients together are not read faster than this, on average.
    std::optional<Rate> maxRate{};
    // Records are those of CSV; none: lines. Not of an acknowledged stream, which numbers lines.
    std::optional<CsvRecords> csv{};
    // Files of a certificate (PEM, with those between it and its issuer behind it) and its key:
    // clients speak TLS. Of a token that their first line must bring, `token TOKEN`. Empty: none.
    std::string certFile{}, keyFile{}, tokenFile{};
};

// Build streams, name outputs, start(). Thread safety: the building functions are for one thread;
// stop(), awaitTermination(), status() and what says so are thread-safe.
class StreamingContext {
public:
    // Keeps log, state and checkpoints in `directory`; resumes what it holds.
    StreamingContext(const std::filesystem::path& directory, Duration interval);
    // Keeps everything in memory: nothing survives the process. Says so on start.
    explicit StreamingContext(Duration interval);
    explicit StreamingContext(StreamingOptions options);
    ~StreamingContext();
    StreamingContext(StreamingContext&&) noexcept;

    // Builds the program with `factory` and starts where `directory` left off. Programs are code
    // and are not stored, so the factory always runs: f(context).
    template <class Factory>
    static StreamingContext getOrCreate(const std::filesystem::path& directory, Duration interval,
                                        Factory factory) {
        StreamingContext context(directory, interval);
        factory(context);
        return context;
    }
    template <class Factory>
    static StreamingContext getOrCreate(StreamingOptions options, Factory factory) {
        StreamingContext context(std::move(options));
        factory(context);
        return context;
    }

    // Before start(): keeps log, state and checkpoints in `directory`, as if it had been given when
    // the context was made. Throws std::logic_error after start().
    void setDirectory(const std::filesystem::path& directory);

    // Lines from a server that is dialled, and dialled again when a connection ends: within 2 s,
    // then less often, every 30 s at last.
    DStream<std::string_view> socketTextStream(std::string host, std::uint16_t port,
                                               SocketOptions options = {});

    // Lines from all who connect to host:port (0: any port, see boundPorts()).
    DStream<std::string_view> listenTextStream(std::string host, std::uint16_t port,
                                               ListenOptions options = {});

    // The same with acknowledgements: senders that name a session lose and double nothing, even
    // when they die; see docs/formats/acknowledged_text.md and `tidemill send`.
    DStream<std::string_view> acknowledgedTextStream(std::string host, std::uint16_t port,
                                                     ListenOptions options = {});

    // The lines in the bodies of requests that HTTP clients send to host:port (0: any port). A
    // request is answered once all of its lines are durable; one that names a session counts once,
    // however often it is sent: see docs/guide/http.md. Throws std::invalid_argument for options
    // that cannot be.
    DStream<std::string_view> httpStream(std::string host, std::uint16_t port,
                                         HttpOptions options = {});

    // The lines of the files that appear in `directory` (a path, or a glob pattern of directories),
    // each file once, whatever its names and times: see docs/guide/sources.md. Move files in when
    // they are complete; names that begin with '.' or end in ".tmp" are not seen.
    DStream<std::string_view> textFileStream(std::string directory, FileStreamOptions options = {});

    // The lines that are appended to files for as long as the job runs, like `tail -F`, each line
    // once, whatever dies when and however the files are rotated: see docs/guide/sources.md.
    // `path`: a file, a glob pattern of files ("logs/*.log"), or, with a '/' at its end, a directory.
    // Throws std::invalid_argument for options that cannot be.
    DStream<std::string_view> followTextFiles(std::string path, FollowOptions options = {});

    // As textFileStream, of records of `recordBytes` each; a file that ends inside a record is an
    // error. Throws std::invalid_argument for a length of 0.
    DStream<std::string_view> binaryRecordsStream(std::string directory, std::size_t recordBytes,
                                                  FileStreamOptions options = {});

    // The records of Kafka topics, each once, whatever dies when: see docs/guide/kafka.md. Throws
    // std::invalid_argument for options that cannot be.
    DStream<KafkaRecord> kafkaStream(KafkaOptions options);
    // The values of their records alone; that of a record without one is empty.
    DStream<std::string_view> kafkaTextStream(KafkaOptions options);

    // The records of a Kinesis stream, each once, whatever dies when: see docs/guide/kinesis.md.
    // Throws std::invalid_argument for options that cannot be.
    DStream<KinesisRecord> kinesisStream(KinesisOptions options);
    // Their data alone.
    DStream<std::string_view> kinesisTextStream(KinesisOptions options);

    // The events that Flume agents send to a listening address, by their Avro or Thrift sinks. An
    // agent is answered once all events of its request are durable: see docs/guide/flume.md. Throws
    // std::invalid_argument for options that cannot be.
    DStream<FlumeEvent> flumeStream(FlumeOptions options);
    // The bodies of the events alone. Throws for a `dedupHeader` too: bodies have none.
    DStream<std::string_view> flumeTextStream(FlumeOptions options);

    // Elements that the program puts into a queue; logged like what a socket receives. Each batch
    // takes one push, or all of them; `byDefault` when there is none. Throws std::invalid_argument
    // when another stream reads the queue: see RecordQueue.
    template <class T>
    DStream<T> queueStream(RecordQueue<T> queue, bool oneAtATime = true,
                           std::type_identity_t<std::optional<std::vector<T>>> byDefault = {});

    // The lines of a text in memory, `bytesPerBatch` (0: as many as fit) in each batch. `text` must
    // outlive the context and be the same after a restart.
    DStream<std::string_view> memoryTextStream(std::string_view text,
                                               std::size_t bytesPerBatch = 0);

    // Opens the directory, recovers what a crash left, and begins to receive and run batches.
    // Throws StreamingError when that cannot be done, std::logic_error on a second life. Does
    // nothing when stop() was called before: the context has stopped then.
    void start();

    // From now on the first SIGINT (Ctrl-C) or SIGTERM stops the job gracefully: everything
    // received is processed and checkpointed, and awaitTermination() returns. A signal before or
    // during start() stops it right behind the start. A second one (the other signal, or the same
    // more than a second later) ends the process at once, which loses nothing that is logged.
    // Undone with the context.
    void stopOnSignals();

    // A program's last line, `return ssc.runUntilStopped();`: stopOnSignals(), start() and
    // awaitTermination(). Returns what main should: 0, or 1 after saying on standard error why the
    // job could not start or ended.
    int runUntilStopped();

    // Waits until the job has ended, and a stop that is under way is done; throws StreamingError
    // when it ended with an error, or could not start. std::logic_error when it was never started,
    // or when called by an output operation, a listener or another function that the job itself
    // runs.
    void awaitTermination();
    // The same with a time limit; false when it passed first.
    bool awaitTermination(std::chrono::milliseconds timeout);

    // Waits until batch `id` (dense from 1 in a data directory, or without one) is complete, its
    // outputs included; false when the timeout passed or the job was stopped first. Throws
    // StreamingError when the job ended with an error. For tests: see
    // docs/guide/first_program.md, *Testing a program*.
    bool awaitBatch(std::uint64_t id, std::chrono::milliseconds timeout = std::chrono::seconds(30));

    // Ends the job. Gracefully: everything received is processed and checkpointed. Otherwise
    // what is logged is left for the next start. Does nothing when stopped already. While start()
    // runs, waits for it first. Called by an output operation, a listener or another function that
    // the job itself runs, it returns at once, the batch is completed and the job ends then; how,
    // says awaitTermination().
    void stop(bool graceful = true);

    enum class State { kInitialized, kActive, kStopped };
    State state() const;

    const StreamingOptions& options() const { return options_; }

    // What the job is doing right now.
    EngineStatus status() const;

    // Has a checkpoint made when the batch that runs, or the next one, is complete. Returns the
    // number that EngineStatus::checkpointsAnswered reaches when it is published; none when the job
    // does not run, or has no data directory. Thread-safe; does not wait.
    std::optional<std::uint64_t> requestCheckpoint();

    // The same, and the checkpoint stays under this name, untrimmed, until `tidemill savepoint
    // remove` takes it away: docs/command_line.md. Throws StreamingError: kInvalid, no name for
    // a savepoint; kConflict, there is one of this name, or the job does not run.
    std::uint64_t requestSavepoint(std::string name);

    // Looks a key of a state up when the batch that runs, or the next one, is complete, and calls
    // done(), on a thread of the job's, with the batch and what the state had then; quick. `key`
    // and the value are bytes as the state's types are stored. Thread-safe; does not wait. Throws
    // StreamingError (kInvalid for a name that is none; kConflict when the job does not run, or too
    // many wait). A job that ends first gives done() kConflict.
    void lookUpState(const std::string& state, std::string key, StateLookups::Done done);

    // While a source is paused it takes nothing, and its peers are pushed back; nothing is lost.
    // With a data directory it stays so over restarts, until it is resumed. `source` counts from 0,
    // in the order of declaration. Thread-safe; returns when it is durable. Throws StreamingError
    // (kInvalid for a number that is none, kConflict when the job does not run, kIo).
    void pauseSource(std::uint32_t source);
    void resumeSource(std::uint32_t source);
    // Instead of the rate that the source was declared with, likewise; none: that one again.
    void setSourceRate(std::uint32_t source, std::optional<Rate> rate);

    // The ports that listening sources are bound to, in the order of their declaration.
    std::vector<std::uint16_t> boundPorts() const;

    // Told about batches, outputs and receivers from start() on. Call before start().
    void addListener(std::shared_ptr<StreamingListener> listener);
    // Short for a listener of one event, a batch is complete: f(const BatchInfo&), or f(id, time).
    // A batch that is run again after a crash is one too; BatchInfo::replayed says so.
    template <class F>
    void onBatchCompleted(F f) {
        if constexpr (std::invocable<F&, const BatchInfo&>) {
            addBatchListener(std::move(f));
        } else {
            static_assert(std::invocable<F&, std::uint64_t, BatchTime>,
                          "onBatchCompleted takes f(const BatchInfo&) or f(std::uint64_t id, "
                          "BatchTime time)");
            addBatchListener([f = std::move(f)](const BatchInfo& batch) mutable {
                std::invoke(f, batch.id, batch.time);
            });
        }
    }

    // The job as lines a person can read.
    std::string describe() const;
    const std::shared_ptr<Job>& job() const { return job_; }

private:
    void addBatchListener(std::function<void(const BatchInfo&)> listener);
    DStream<std::string_view> textStream(const char* kind, SourceDeclaration source);
    DStream<std::string_view> listeningStream(const char* kind, sources::ListenOptions listen,
                                              std::optional<Rate> maxRate);
    DStream<std::string_view> fileStream(const char* kind, sources::FileSourceOptions options);
    core::SourceId kafkaSource(const char* kind, KafkaOptions options);
    core::SourceId kinesisSource(const char* kind, KinesisOptions options);
    core::SourceId flumeSource(const char* kind, FlumeOptions options);

    StreamingOptions options_;
    std::shared_ptr<Job> job_;
    std::vector<std::shared_ptr<StreamingListener>> listeners_;
    struct Life;
    Engine* engine() const;
    Engine& runningEngine() const;
    std::unique_ptr<Life> life_;
    std::unique_ptr<SignalStop> signalStop_;  // behind the life it ends
};

template <class T>
DStream<T> StreamingContext::queueStream(
    RecordQueue<T> queue, bool oneAtATime,
    std::type_identity_t<std::optional<std::vector<T>>> byDefault) {
    requireNotStarted(*job_, "queueStream");
    const auto id = job_->addSource(queue.declare(*job_, oneAtATime, std::move(byDefault)));
    return DStream<T>(job_, job_->graph.add(std::make_shared<core::QueueInputNode<T>>(id)));
}

}  // namespace tidemill
