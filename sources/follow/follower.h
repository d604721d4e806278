// What a stream of files that grow does, without its thread: looks at the files, and takes what was
// appended to them into the log, each file as a lane (core/lanes.h). The rules:
// docs/guide/sources.md.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/block_log.h"
#include "core/buffer_pool.h"
#include "core/error.h"
#include "core/file_system.h"
#include "core/source.h"
#include "sources/directory_watch.h"
#include "sources/follow/follow_options.h"
#include "sources/follow/follow_path.h"
#include "sources/follow/followed_file.h"
#include "sources/follow/held_files.h"
#include "sources/follow/seldom.h"

namespace tidemill::sources::follow {

struct FollowEnvironment {
    core::SourceId id;
    core::FileSystem& files;
    core::BlockLog& log;
    std::shared_ptr<core::BufferPool> buffers;
    std::size_t recordBytesMax = 1 << 20;  // longer lines are left out and counted
    std::size_t blockBytesMax = 4 << 20;
    // Is told what people should know, and goes on: lines that are lost, files that cannot be read.
    std::function<void(const std::string&)> report = {};
    // Nanoseconds since 1970, as times of birth are.
    std::function<std::int64_t()> nanosNow = {};
};

// What may be taken, and what was. Thread safety: thread-safe.
class Intake {
public:
    void allow(const core::Allowance& allowance);
    core::Allowance left() const;
    void took(std::uint64_t records, std::uint64_t bytes);

private:
    mutable std::mutex mutex_;
    core::Allowance left_;
};

// What a block of the log holds of a file: the first `bytes` of `buffer`.
struct Piece {
    core::Buffer buffer{};
    std::size_t bytes = 0;
    std::uint32_t lines = 0;
    std::uint32_t oversize = 0;
};

// Files are open only while they are read, but for those of HeldFiles. Thread safety: confined to
// one thread, but for counters().
class Follower {
public:
    // Requires splitFollowPath(path).
    Follower(FollowEnvironment environment, std::string path, FollowOptions options);

    // `lanes`: those of this stream in the log. Errors: kInvalid (the path is a directory's),
    // kCorrupt, kUnsupported.
    core::Result<> open(std::span<const core::SourcePosition> lanes);

    // Which files there are, and how large; of a directory with thousands some at a time.
    void look(Clock::time_point now);

    enum class Taken {
        kAll,         // what the last look saw
        kMore,        // there may be more at once
        kNoMemory,    // the budget has no room
        kNotAllowed,  // the rate is used up
        kFailed,      // nothing more can be taken; see failure()
    };
    // A block at most of each file that has grown.
    Taken take(Intake& intake, Clock::time_point now);
    // Why the job ends; none: the log has failed, and says so itself.
    const std::optional<core::Error>& failure() const { return failure_; }

    // Directories of the files, at most `most`, for those who are told of changes in them.
    std::vector<std::string> directories(std::size_t most) const;
    // Of at most kShownMax files: those with the most to read first, then those that changed last.
    std::vector<core::LaneStatistics> lanes() const;
    core::SourceStatistics counters() const;
    std::size_t filesHeld() const { return held_.size(); }
    std::size_t filesKnown() const { return files_.size(); }

    // More are not followed.
    static constexpr std::size_t kFilesMax = 100'000;
    static constexpr std::size_t kShownMax = 100;
    // The unfinished last line of a file that has lost its name counts when nothing has come for so
    // long.
    static constexpr std::chrono::seconds kLineEndsAfter{10};
    // A file that is gone, and was still open, is closed when nothing has come for so long.
    static constexpr std::chrono::seconds kCloseAfter{60};
    // A file that is gone is forgotten after so long.
    static constexpr std::chrono::minutes kForgetAfter{10};

private:
    using Files = std::map<FileKey, FollowedFile>;
    enum class Step { kDone, kMore, kLater, kNoMemory, kNotAllowed, kFailed };

    // Of look(); in follower.cc.
    void seen(const std::string& path, const DirectoryWatch::Entry& entry, Clock::time_point now);
    void nameGone(const std::string& path, const FileKey& key, Clock::time_point now);
    void noteSize(FollowedFile& file, std::uint64_t sizeBytes, std::int64_t modifiedNanos,
                  Clock::time_point now);
    void lookAtNameless(FollowedFile& file, Clock::time_point now);
    void begin(Clock::time_point now);
    bool mayBegin(const std::string& path, const DirectoryWatch::Entry& entry);
    core::Result<> beginAtEnd(FollowedFile& file);
    bool forget(FollowedFile& file, Clock::time_point now);
    FollowedFile* add(const FileKey& key);
    void activate(FollowedFile& file) { active_[{file.key.bornNanos, file.key}] = &file; }

    // Of take(); in follower_take.cc.
    Step takeFrom(FollowedFile& file, Intake& intake, Clock::time_point now);
    // The same, of a file that is open. Errors: kIo.
    core::Result<Step> takeOpened(FollowedFile& file, core::File& opened, Intake& intake,
                                  Clock::time_point now);
    core::Result<Step> takeLines(FollowedFile& file, core::File& opened, Intake& intake,
                                 Clock::time_point now);
    core::Result<Step> takeUnfinished(FollowedFile& file, core::File& opened, Intake& intake,
                                      Clock::time_point now);
    core::Result<Step> skipLine(FollowedFile& file, core::File& opened, std::uint64_t behind,
                                Intake& intake, Clock::time_point now);
    // It does not hold what was read of it.
    Step doubt(FollowedFile& file, Clock::time_point now);
    void beginAnew(FollowedFile& file, Clock::time_point now);
    core::Result<std::shared_ptr<core::File>> openFile(FollowedFile& file);
    Step trouble(FollowedFile& file, const core::Error& error, Clock::time_point now);
    // Moves the file's lane to `to`. False: the log has failed, or the lane is another's.
    bool append(FollowedFile& file, const FollowPosition& to, Piece piece = {});

    // Of copies; in follower_copies.cc.
    void decideNew(Clock::time_point now);
    FollowedFile* originalOf(const FollowedFile& file);
    core::Result<bool> isCopy(FollowedFile& file, FollowedFile& original);
    core::Result<> decide(FollowedFile& file);
    bool releaseCopies(const FollowedFile& original);

    const FollowEnvironment environment_;
    const std::string pathAsGiven_, prefix_;
    const FollowPath path_;
    const FollowOptions options_;
    DirectoryWatch watch_;
    HeldFiles held_;
    Files files_;
    std::map<std::string, FollowedFile*> named_;  // by each of their names
    // To be read, the oldest first.
    using Turn = std::pair<std::int64_t, FileKey>;
    std::map<Turn, FollowedFile*> active_;
    Turn next_{};
    std::uint64_t looks_ = 0;
    bool begun_ = false;
    std::int64_t begunNanos_ = 0;  // when
    bool saidTooMany_ = false, saidCompressed_ = false;
    Seldom seldom_, seldomInfo_;
    std::optional<core::Error> failure_;
    bool logFailed_ = false;
    std::atomic<std::uint64_t> bytes_{0}, records_{0}, oversize_{0};
};

}  // namespace tidemill::sources::follow
