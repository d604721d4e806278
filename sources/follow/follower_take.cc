// What a Follower reads of its files, and what goes into the log.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "core/logging.h"
#include "sources/follow/follower.h"
#include "sources/follow/line_cut.h"
#include "sources/line_scan.h"

namespace tidemill::sources::follow {

using core::ErrorKind;
using core::Result;

namespace {

constexpr std::size_t kScanBytes = 64 << 10;
// What a rate by records reads at a time, about.
constexpr std::size_t kLimitedBytes = 256 << 10;

std::string shown(const std::string& path) { return core::escaped(path, 200); }

// Behind the first line end in [from, to).
Result<std::optional<std::uint64_t>> behindLineEnd(core::File& file, std::uint64_t from,
                                                   std::uint64_t to) {
    std::array<char, kScanBytes> bytes;
    while (from < to) {
        TM_ASSIGN(const auto count,
                  file.readAt(from, bytes.data(), std::min<std::uint64_t>(to - from, kScanBytes)));
        if (count == 0) break;
        if (const auto* end = firstLineEnd(bytes.data(), bytes.data() + count))
            return std::optional(from + static_cast<std::uint64_t>(end - bytes.data()) + 1);
        from += count;
    }
    return std::optional<std::uint64_t>();
}

// The bytes before the position, when they are what was read and at least `more` bytes follow. To
// be asked behind a read: then what was read belongs to them.
Result<std::optional<std::string>> stillBefore(core::File& file, const FollowPosition& position,
                                               std::uint64_t more) {
    TM_ASSIGN(const auto size, file.sizeBytes());
    if (size < position.offset + more) return std::optional<std::string>();
    TM_ASSIGN(const bool same, hasAnchor(file, position));
    if (!same) return std::optional<std::string>();
    std::string bytes(position.anchorBytes, '\0');
    TM_ASSIGN(const auto count, file.readAt(position.offset - position.anchorBytes, bytes.data(),
                                            position.anchorBytes));
    if (count != bytes.size()) return std::optional<std::string>();
    return std::optional(std::move(bytes));
}

// The position behind `bytes` more, which `before` precedes.
FollowPosition moved(const FollowPosition& from, std::string_view before, std::string_view bytes,
                     std::uint64_t lines) {
    auto to = from;
    to.offset += bytes.size();
    to.lines += lines;
    if (bytes.size() >= kAnchorBytes) setAnchor(to, bytes);
    else setAnchor(to, std::string(before).append(bytes));
    return to;
}

}  // namespace

Follower::Taken Follower::take(Intake& intake, Clock::time_point now) {
    if (failure_ || logFailed_) return Taken::kFailed;
    if (!begun_) return Taken::kAll;
    decideNew(now);
    bool more = false;
    auto at = active_.lower_bound(next_);
    for (auto left = active_.size(); left != 0 && !active_.empty(); --left) {
        if (at == active_.end()) at = active_.begin();
        const auto step = takeFrom(*at->second, intake, now);
        next_ = at->first;
        switch (step) {
            case Step::kDone: at = active_.erase(at); break;
            case Step::kMore: more = true; [[fallthrough]];
            case Step::kLater: ++at; break;
            case Step::kNoMemory: return Taken::kNoMemory;
            case Step::kNotAllowed: return Taken::kNotAllowed;
            case Step::kFailed: return Taken::kFailed;
        }
    }
    next_ = {};
    return more ? Taken::kMore : Taken::kAll;
}

Follower::Step Follower::takeFrom(FollowedFile& file, Intake& intake, Clock::time_point now) {
    if (file.retryAt > now) return Step::kLater;
    if (file.copyOf) return Step::kDone;
    const auto opened = openFile(file);
    if (!opened) {
        // The next look shows what has become of it.
        if (opened.error().kind == ErrorKind::kNotFound) return Step::kDone;
        return trouble(file, opened.error(), now);
    }
    const auto step = takeOpened(file, **opened, intake, now);
    if (!step) return trouble(file, step.error(), now);
    if (std::exchange(file.troubled, false)) file.backoff.reset();
    return *step;
}

Result<Follower::Step> Follower::takeOpened(FollowedFile& file, core::File& opened, Intake& intake,
                                            Clock::time_point now) {
    TM_ASSIGN(const auto size, opened.sizeBytes());
    file.sizeBytes = size;
    file.largestBytes = std::max(file.largestBytes, size);
    const auto begin = file.position.offset;
    if (size < begin) return doubt(file, now);
    if (size > file.scannedTo && file.scannedTo > begin) {
        TM_ASSIGN(const auto behind, behindLineEnd(opened, file.scannedTo, size));
        if (!behind) file.scannedTo = size;
        // One byte more may be the '\r' of its end.
        else if (*behind - 1 - begin > environment_.recordBytesMax + 1)
            return skipLine(file, opened, *behind, intake, now);
        else file.scannedTo = begin;
    }
    if (size > file.scannedTo) return takeLines(file, opened, intake, now);
    TM_ASSIGN(const bool same, hasAnchor(opened, file.position));
    if (!same) return doubt(file, now);
    file.doubtedAt = 0;
    if (std::exchange(file.endsLine, false) && size > begin)
        return takeUnfinished(file, opened, intake, now);
    return Step::kDone;
}

Result<Follower::Step> Follower::takeLines(FollowedFile& file, core::File& opened, Intake& intake,
                                           Clock::time_point now) {
    const auto left = intake.left();
    if (left.records == 0 || left.bytes == 0) return Step::kNotAllowed;
    const std::size_t longest = environment_.recordBytesMax + 2;  // with its end
    const auto begin = file.position.offset;
    const auto available = file.sizeBytes - begin;
    std::uint64_t wanted = std::max(environment_.blockBytesMax, longest);
    if (left.records != core::Allowance::kUnlimited) wanted = std::max(kLimitedBytes, longest);
    wanted = std::min({wanted, available, std::max<std::uint64_t>(left.bytes, longest)});
    auto buffer = environment_.buffers->tryAcquire(wanted);
    if (!buffer) return Step::kNoMemory;
    TM_ASSIGN(const auto count, opened.readAt(begin, buffer.data(), wanted));
    const std::string_view read(buffer.data(), count);
    const auto cut = cutLines(read, environment_.recordBytesMax, left);
    if (cut.bytes == 0) {
        file.scannedTo = begin + count;
        return count < available || file.endsLine ? Step::kMore : Step::kDone;
    }
    TM_ASSIGN(const auto before, stillBefore(opened, file.position, cut.bytes));
    if (!before) return doubt(file, now);
    file.doubtedAt = 0;
    const std::uint64_t lines = std::uint64_t{cut.lines} + cut.oversize;
    const auto to = moved(file.position, *before, read.substr(0, cut.bytes), lines);
    Piece piece{std::move(buffer), cut.bytes, cut.lines, cut.oversize};
    if (cut.oversize != 0)
        piece.bytes = removeLongLines(piece.buffer.data(), cut.bytes, environment_.recordBytesMax);
    if (piece.bytes < piece.buffer.capacity() / 4)
        if (auto fits = environment_.buffers->tryAcquire(std::max<std::size_t>(piece.bytes, 1))) {
            std::memcpy(fits.data(), piece.buffer.data(), piece.bytes);
            piece.buffer = std::move(fits);
        }
    if (!append(file, to, std::move(piece))) return Step::kFailed;
    intake.took(lines, cut.bytes);
    return to.offset < file.sizeBytes ? Step::kMore : Step::kDone;
}

Result<Follower::Step> Follower::takeUnfinished(FollowedFile& file, core::File& opened,
                                                Intake& intake, Clock::time_point now) {
    const auto left = intake.left();
    if (left.records == 0 || left.bytes == 0) {
        file.endsLine = true;
        return Step::kNotAllowed;
    }
    const auto tail = file.sizeBytes - file.position.offset;
    if (tail > environment_.recordBytesMax)
        return skipLine(file, opened, file.sizeBytes, intake, now);
    Piece piece{environment_.buffers->tryAcquire(tail + 1), tail + 1, 1, 0};
    if (!piece.buffer) {
        file.endsLine = true;
        return Step::kNoMemory;
    }
    TM_ASSIGN(const auto count, opened.readAt(file.position.offset, piece.buffer.data(), tail));
    TM_ASSIGN(const auto before, stillBefore(opened, file.position, tail));
    if (!before || count != tail) return doubt(file, now);
    const auto to = moved(file.position, *before, {piece.buffer.data(), tail}, 1);
    piece.buffer.data()[tail] = '\n';
    if (!append(file, to, std::move(piece))) return Step::kFailed;
    intake.took(1, tail);
    return Step::kDone;
}

// A line that is too long, without its bytes.
Result<Follower::Step> Follower::skipLine(FollowedFile& file, core::File& opened,
                                          std::uint64_t behind, Intake& intake,
                                          Clock::time_point now) {
    const auto left = intake.left();
    if (left.records == 0 || left.bytes == 0) return Step::kNotAllowed;
    std::array<char, kAnchorBytes> tail;
    const auto tailBytes = std::min(kAnchorBytes, behind - file.position.offset);
    TM_ASSIGN(const auto count, opened.readAt(behind - tailBytes, tail.data(), tailBytes));
    TM_ASSIGN(const auto before, stillBefore(opened, file.position, behind - file.position.offset));
    if (!before || count != tailBytes) return doubt(file, now);
    const auto bytes = behind - file.position.offset;
    auto to = file.position;
    to.offset = behind;
    ++to.lines;
    setAnchor(to, {tail.data(), count});
    Piece piece;
    piece.oversize = 1;
    if (!append(file, to, std::move(piece))) return Step::kFailed;
    intake.took(1, bytes);
    return behind < file.sizeBytes ? Step::kMore : Step::kDone;
}

Follower::Step Follower::doubt(FollowedFile& file, Clock::time_point now) {
    if (file.doubtedAt == 0) file.doubtedAt = looks_;
    if (looks_ == file.doubtedAt) return Step::kLater;
    beginAnew(file, now);
    return failure_ || logFailed_ ? Step::kFailed : Step::kMore;
}

void Follower::beginAnew(FollowedFile& file, Clock::time_point now) {
    const auto unread = file.largestBytes - std::min(file.largestBytes, file.position.offset);
    std::string message = "\"" + shown(file.path) +
                          "\" was truncated, or written anew, behind byte " +
                          std::to_string(file.position.offset) + "; it is read from its beginning";
    if (releaseCopies(file)) {
        seldomInfo_.say("copied", message + ", and what it had before from a copy of it", now);
    } else if (unread != 0) {
        seldom_.say("truncated",
                    message + ". " + std::to_string(unread) +
                        " bytes that had been appended before were not read, and what was appended "
                        "between its last look and then: they are lost to this job",
                    now);
    } else {
        seldomInfo_.say("truncated",
                        message +
                            "; lines that were appended between the last look and then are "
                            "in neither",
                        now);
    }
    FollowPosition anew;
    anew.generation = file.position.generation + 1;
    file.position = anew;
    file.scannedTo = 0;
    file.largestBytes = file.sizeBytes;
    file.doubtedAt = 0;
    file.endsLine = false;
}

Result<std::shared_ptr<core::File>> Follower::openFile(FollowedFile& file) {
    if (auto opened = held_.find(file.key)) {
        held_.use(file.key, opened);
        return opened;
    }
    for (const auto& path : file.names) {
        auto opened = environment_.files.open(path, core::OpenMode::kRead);
        if (!opened && opened.error().kind == ErrorKind::kNotFound) continue;
        if (!opened) return core::fail(opened.error().kind, opened.error().message);
        std::shared_ptr<core::File> shared(std::move(*opened));
        TM_ASSIGN(const auto info, shared->info());
        if (keyOf(info) != file.key) continue;
        held_.use(file.key, shared);
        return shared;
    }
    return core::fail(ErrorKind::kNotFound, "it has no name now: " + file.path);
}

Follower::Step Follower::trouble(FollowedFile& file, const core::Error& error,
                                 Clock::time_point now) {
    held_.close(file.key);
    file.retryAt = now + file.backoff.next();
    if (!std::exchange(file.troubled, true))
        seldom_.say(
            "read",
            "\"" + shown(file.path) + "\" cannot be read, and is tried again: " + error.message,
            now);
    return Step::kLater;
}

bool Follower::append(FollowedFile& file, const FollowPosition& to, Piece piece) {
    if (!piece.buffer) piece.buffer = core::Buffer::unpooled(core::BufferPool::kSmallestBytes);
    core::BlockOrigin origin;
    origin.source = environment_.id;
    origin.lane = file.lane;
    origin.firstLine = file.position.generation == to.generation ? file.position.lines + 1 : 1;
    origin.lines = piece.lines;
    origin.oversize = piece.oversize;
    origin.from = file.logged;
    origin.to = encode(to);
    auto logged = origin.to;
    const auto outcome = environment_.log.append(
        std::make_shared<core::Block>(std::move(piece.buffer), piece.bytes, std::move(origin)));
    switch (outcome) {
        case core::BlockLog::Outcome::kQueued: break;
        case core::BlockLog::Outcome::kFailed: logFailed_ = true; return false;
        case core::BlockLog::Outcome::kStale:
            failure_ = core::Error{ErrorKind::kConflict, "\"" + shown(file.path) +
                                                             "\" is followed twice: its lane \"" +
                                                             file.lane + "\" was moved by another"};
            return false;
    }
    file.logged = std::move(logged);
    file.position = to;
    file.scannedTo = to.offset;
    records_ += piece.lines;
    oversize_ += piece.oversize;
    bytes_ += piece.bytes;
    return true;
}

}  // namespace tidemill::sources::follow
