// Why sources do not take what comes: the disk is nearly full, an operator has paused them, or they
// have taken more than their rate. Orders of operators outlast the process: DIR/INTAKE.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "core/error.h"
#include "core/file_system.h"
#include "core/rate.h"
#include "core/source.h"
#include "tidemill/rate_limit.h"

namespace tidemill {

// What an operator has said of a source.
struct IntakeOrder {
    std::string source;  // its name; of one without, its kind and number, "socketTextStream 1"
    bool paused = false;
    // Instead of the rate that the job gives it; none: as the job says.
    std::optional<Rate> rate;
    bool operator==(const IntakeOrder&) const = default;
};

// Format: docs/formats/data_directory.md.
std::string encodeIntake(const std::vector<IntakeOrder>& orders);
// Errors: kCorrupt.
core::Result<std::vector<IntakeOrder>> decodeIntake(std::string_view text);

// Thread safety: thread-safe, except that keepIn(), add() and stop() are called by one thread at a
// time.
class Intake {
public:
    // `clock` must outlive it.
    explicit Intake(core::Clock& clock);
    ~Intake();

    // Reads what operators have said in earlier lives, and keeps what they say from now on.
    // `stillOurs` says before each write whether it may be made. Before add(). Errors: kIo and
    // kCorrupt, for a job that goes on with what was paused would do what nobody wants.
    core::Result<> keepIn(core::FileSystem& files, const core::Path& directory,
                          std::function<core::Result<>()> stillOurs);

    enum class Kind { kLive, kReplayable };
    struct Declared {
        std::uint32_t number = 0;
        std::string key;    // as in IntakeOrder
        std::string label;  // what messages call it
        Kind kind = Kind::kLive;
        std::optional<Rate> rate;
        // How much of its time a source that was idle may make up for.
        std::chrono::nanoseconds burst = std::chrono::seconds(1);
    };
    // Before it starts. A source that must not take anything is paused when this returns. Errors:
    // kInvalid for a rate that the source cannot have.
    core::Result<> add(Declared declared, std::shared_ptr<core::Source> source);
    // All have been added: warns of orders for sources that the job does not have.
    void reportUnmatched();
    // From now on nothing is paused, resumed or ordered. Idempotent.
    void stop();

    // Of what is received into the log; replayable sources go on.
    void spaceIsLow(bool low);

    // What an operator says, of the source of this number. Durable when they return. Errors:
    // kInvalid (no such source; a rate that it cannot have), kConflict behind stop(), kIo.
    core::Result<> pause(std::uint32_t number, bool paused);
    core::Result<> setRate(std::uint32_t number, std::optional<Rate> rate);

    // What a batch may take of a replayable source now, in bytes; `most` when it has no rate.
    std::uint64_t allowedBytes(std::uint32_t number, std::uint64_t most);
    void took(std::uint32_t number, std::uint64_t bytes);

    struct State {
        bool paused = false;       // by an operator
        std::optional<Rate> rate;  // the one that holds
    };
    State state(std::uint32_t number) const;

private:
    struct Slot {
        Declared declared;
        std::shared_ptr<core::Source> source;
        IntakeOrder order;
        std::optional<RateLimit> limit;
        bool stopped = false;  // as the source was told last
    };

    Slot* find(std::uint32_t number);
    const Slot* find(std::uint32_t number) const;
    void setLimit(Slot& slot);
    void apply(Slot& slot);
    // Changes what an operator has said of a source: durable first, then in effect.
    core::Result<> order(std::uint32_t number, const std::function<void(IntakeOrder&)>& change);
    core::Result<> keep(const IntakeOrder& order);
    static core::Result<> canHave(const std::optional<Rate>& rate, const Declared& declared,
                                  const core::Source& source);
    void look();

    core::Clock& clock_;

    // Orders, one at a time, and their file. Taken before mutex_, which is never held while the
    // disk is waited for: batches and status() ask too.
    std::mutex ordersMutex_;
    std::vector<IntakeOrder> orders_;  // also of sources that the job does not have now
    core::FileSystem* files_ = nullptr;
    core::Path path_;
    std::function<core::Result<>()> stillOurs_;

    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<Slot>> slots_;
    bool spaceLow_ = false;
    std::condition_variable wakes_;
    bool stopping_ = false;
    std::thread looks_;  // since a live source had a rate
};

}  // namespace tidemill
