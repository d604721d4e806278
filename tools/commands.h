// The subcommands; each returns the program's exit code (tools/exit_code.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/log_target.h"
#include "core/logging.h"

namespace tidemill::tools {

struct JobFile;

struct RunOptions {
    std::string jobFile;
    std::string dataDirectory;  // empty: the job's, else ./NAME.data
    std::string from;           // DIR/savepoints/NAME, to make the data directory of; empty: none
    std::optional<unsigned> workers;
    bool checkOnly = false;
    bool connect = false;  // with checkOnly: its peers are asked too
    bool json = false;     // with connect
    bool dropMismatchedState = false;
    bool adopt = false;
    std::vector<std::string> skipRecords;  // "LSN:LINE"
    std::uint64_t quarantineBatch = 0;
    std::uint64_t skipBatch = 0;
    std::string logFile;  // empty: standard error
    core::LogFormat logFormat = core::LogFormat::kText;
    core::LogLevel logLevel = core::LogLevel::kInfo;
};
int runJob(const RunOptions& options);
// The same of one that was read; its file is named in messages.
int runJobFile(JobFile job, const RunOptions& options);

// Runs a job on cases (tools/testing/test_case.h) and compares.
struct TestOptions {
    std::string jobFile;
    std::string cases;
    bool update = false;
    bool json = false;
};
int testJob(const TestOptions& options);

// What a changed job would do with a data directory; tried on a copy.
struct PlanOptions {
    std::string jobFile;
    std::string dataDirectory;  // empty: the job's, else ./NAME.data
    bool dropMismatchedState = false;
    bool adopt = false;
    bool json = false;
};
int planChange(const PlanOptions& options);

struct SendCommandOptions {
    std::string session;
    std::string server;  // HOST:PORT or PORT
    std::string file;    // empty or "-": standard input
    bool live = false;
    std::uint64_t bytesPerSecond = 0;
    bool tls = false;
    std::string caFile;     // whose certificates are trusted; empty: the system's
    std::string tokenFile;  // empty: no token is sent
};
int sendLines(const SendCommandOptions& options);

// For the commands that look: they take no lock and write nothing.
struct InspectOptions {
    std::string dataDirectory;
    bool json = false;
    std::string table;
    std::string key;
    std::string prefix;
    std::string from;
    std::string to;
    std::uint64_t limit = 100;  // 0: all
    std::uint64_t afterLsn = 0;
    std::optional<std::uint64_t> asOf;    // state as it was behind this batch, or before
    std::string asOfSavepoint;            // or the savepoint of this name
    std::string by;                       // of state top: the column; empty: the value
    std::optional<std::uint64_t> before;  // of state diff: the older checkpoint's batch
    bool live = false;                    // of state get: of the job that runs
};
int listState(const InspectOptions& options);
int getState(const InspectOptions& options);
// Of the job that runs on the data directory, as its last complete batch left it.
int getLiveState(const InspectOptions& options);
int scanState(const InspectOptions& options);
// The rows with the largest values.
int topOfState(const InspectOptions& options);
// The values of a key in all checkpoints that there are.
int historyOfState(const InspectOptions& options);
// What differs between two checkpoints.
int differenceOfState(const InspectOptions& options);
int listLog(const InspectOptions& options);
int dumpLogFrames(const InspectOptions& options);
int verifyLog(const InspectOptions& options);
int listCheckpoints(const InspectOptions& options, bool verify);

// Questions to the daemon that runs on a data directory; exit code 1 when none does.
struct ControlOptions {
    std::string dataDirectory;
    bool json = false;
    bool watch = false;  // of status: again every 2 s, until the daemon ends
    bool now = false;    // of stop: without processing what was received
};
int showStatus(const ControlOptions& options);
// Returns when the process is gone.
int stopDaemon(const ControlOptions& options);
// Returns when the order is durable.
struct IntakeOptions {
    std::string dataDirectory;
    bool json = false;
    std::string source;   // its number, from 1, or its name; empty: all
    std::string setting;  // of set: "rate=RATE"
};
int pauseSources(const IntakeOptions& options);
int resumeSources(const IntakeOptions& options);
int setSource(const IntakeOptions& options);
// Returns when the checkpoint is published.
int makeCheckpoint(const ControlOptions& options);

// Checkpoints that stay until they are removed.
struct SavepointOptions {
    std::string dataDirectory;
    bool json = false;
    std::string name;  // of make and remove
};
// Of the job that runs, when its next boundary is published; of the newest checkpoint when none
// does.
int makeSavepoint(const SavepointOptions& options);
int listSavepoints(const SavepointOptions& options);
int removeSavepoint(const SavepointOptions& options);

// Everything in a data directory that can be checked without the job: log and checkpoints.
int checkDirectory(const InspectOptions& options);
// What can be saved of it, as a data directory `to`; it is not changed itself.
int repairDirectory(const InspectOptions& options, const std::string& to);

// Derives the state again from an older checkpoint and the log, on a copy, and compares.
struct VerifyOptions {
    std::string jobFile;
    std::string dataDirectory;          // empty: the job's, else ./NAME.data
    std::string scratch;                // empty: beside the data directory
    std::optional<std::uint64_t> from;  // batch of the checkpoint to begin from; none: the oldest
    std::optional<unsigned> workers;
    bool json = false;
};
int verifyState(const VerifyOptions& options);

// Kills a job again and again while it is fed, and compares it with an undisturbed one.
struct KillTestOptions {
    std::vector<std::string> job;    // a job file, or a program and its arguments
    std::vector<std::string> feeds;  // FILE, or SOURCE=FILE
    std::uint64_t rounds = 20;
    std::optional<std::uint64_t> seed;
    std::string scratch;               // empty: in the directory for temporary files
    std::vector<std::uint16_t> ports;  // of a program's acknowledged sources
    std::string dataDirectory;         // of a program, in its working directory
    std::string runsIn;                // not empty: this process is the job that is killed
    bool json = false;
};
int killTest(const KillTestOptions& options);

// What each source and step gave in a batch that ran before; on a copy.
struct ReplayCommandOptions {
    std::string jobFile;
    std::string dataDirectory;  // empty: the job's, else ./NAME.data
    std::uint64_t batch = 0;
    std::string changedJob;  // empty: none; else what it would give instead
    std::string key;         // empty: all
    std::uint64_t limit = 10;
    bool json = false;
};
int replayBatch(const ReplayCommandOptions& options);

// The batches and the records that made the value of a key; on a copy.
struct WhyOptions {
    std::string jobFile;
    std::string dataDirectory;  // empty: the job's, else ./NAME.data
    std::string table;
    std::string key;
    std::uint64_t batches = 10;  // the newest that changed it; 0: all
    std::uint64_t limit = 10;    // records of each; 0: all
    bool json = false;
};
int explainRow(const WhyOptions& options);

// Copies a data directory, of a job that runs or not; restore the other way round, from a backup
// that is not in use to where a job is to run.
struct BackupOptions {
    std::string from;
    std::string to;
    bool json = false;
};
int backUpDirectory(const BackupOptions& options);
int restoreDirectory(const BackupOptions& options);

// The same with an identity of its own: outputs take nothing of the original's for its own.
struct ForkOptions {
    std::string from;
    std::string to;
    std::string savepoint;  // begins with this one; empty: the whole directory
    // Checkpoints of this batch and older ones only; none: all.
    std::optional<std::uint64_t> checkpoint;
    bool withOutputs = false;  // else a job on it shows its batches to nobody
    bool json = false;
};
int forkDirectory(const ForkOptions& options);

// The records that a job has gone on without.
struct DeadLetterOptions {
    std::string dataDirectory;
    bool json = false;
    std::uint64_t batch = 0;    // 0: all
    std::uint64_t limit = 100;  // of show; 0: all
};
int listDeadLetters(const DeadLetterOptions& options);
int showDeadLetters(const DeadLetterOptions& options);
// Sends the records again as the lines of a session, as `send` does.
int resendDeadLetters(const DeadLetterOptions& options, SendCommandOptions send);

}  // namespace tidemill::tools
