#include "sources/follow/follower.h"

#include <algorithm>
#include <array>

#include "core/logging.h"
#include "sources/line_scan.h"

namespace tidemill::sources::follow {

using core::ErrorKind;
using core::Result;

namespace {

constexpr std::size_t kScanBytes = 64 << 10;
constexpr std::size_t kForgottenAtOnce = 1'000;

std::string shown(const std::string& path) { return core::escaped(path, 200); }

}  // namespace

void Intake::allow(const core::Allowance& allowance) {
    const std::lock_guard lock(mutex_);
    left_ = allowance;
}

core::Allowance Intake::left() const {
    const std::lock_guard lock(mutex_);
    return left_;
}

void Intake::took(std::uint64_t records, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    if (left_.records != core::Allowance::kUnlimited)
        left_.records -= std::min(left_.records, records);
    if (left_.bytes != core::Allowance::kUnlimited) left_.bytes -= std::min(left_.bytes, bytes);
}

Follower::Follower(FollowEnvironment environment, std::string path, FollowOptions options)
    : environment_(std::move(environment)),
      pathAsGiven_(std::move(path)),
      prefix_(lanePrefix(pathAsGiven_)),
      path_(splitFollowPath(pathAsGiven_).value()),
      options_(std::move(options)),
      watch_(environment_.files, path_.directories),
      seldom_([this](const std::string& message) {
          if (environment_.report) environment_.report(message);
      }),
      seldomInfo_([](const std::string& message) { core::logInfo(message); }) {}

Result<> Follower::open(std::span<const core::SourcePosition> lanes) {
    const auto now = Clock::now();
    if (!pathAsGiven_.ends_with('/'))
        if (const auto info = environment_.files.info(pathAsGiven_); info && info->isDirectory)
            return core::fail(ErrorKind::kInvalid,
                              "\"" + shown(pathAsGiven_) +
                                  "\" is a directory; to follow the files in it, give its path "
                                  "with a '/' at its end");
    for (const auto& [lane, encoded] : lanes) {
        if (lane == begunLane(prefix_)) {
            TM_ASSIGN(begunNanos_, decodeBegun(encoded));
            begun_ = true;
            continue;
        }
        const auto key = keyOfLane(prefix_, lane);
        if (!key) continue;
        auto position = decodeFollowPosition(encoded);
        if (!position) return core::fail(position.error().kind, position.error().message);
        auto& file = files_.try_emplace(*key, *key, lane).first->second;
        file.position = *position;
        file.logged = encoded;
        file.scannedTo = position->offset;
        file.path = lane;
        file.gone = now;
    }
    return {};
}

void Follower::look(Clock::time_point now) {
    ++looks_;
    watch_.look([&](const std::string& path, const auto& entry) { seen(path, entry, now); },
                [&](const std::string& path, const auto& entry) {
                    nameGone(path, {entry.id, entry.bornNanos}, now);
                });
    begin(now);
    std::size_t forgotten = 0;
    for (auto at = files_.begin(); at != files_.end();) {
        auto& file = at->second;
        if (file.gone) lookAtNameless(file, now);
        const bool quiet = now - file.changed >= kLineEndsAfter;
        if (file.lostName && now - *file.lostName >= kLineEndsAfter && quiet &&
            file.sizeBytes > file.position.offset && !file.copyOf && file.doubtedAt == 0 &&
            (!file.gone || held_.find(file.key))) {
            file.endsLine = true;
            activate(file);
        }
        if (file.gone && forgotten < kForgottenAtOnce && forget(file, now)) {
            ++forgotten;
            active_.erase({file.key.bornNanos, file.key});
            at = files_.erase(at);
        } else {
            ++at;
        }
    }
}

void Follower::noteSize(FollowedFile& file, std::uint64_t sizeBytes, std::int64_t modifiedNanos,
                        Clock::time_point now) {
    if (sizeBytes == file.sizeBytes && modifiedNanos == file.modifiedNanos) return;
    file.sizeBytes = sizeBytes;
    file.largestBytes = std::max(file.largestBytes, sizeBytes);
    file.modifiedNanos = modifiedNanos;
    file.changed = now;
    activate(file);
}

FollowedFile* Follower::add(const FileKey& key) {
    if (files_.size() >= kFilesMax) {
        if (!std::exchange(saidTooMany_, true))
            seldom_.say("many",
                        "more than " + std::to_string(kFilesMax) + " files are followed under \"" +
                            shown(pathAsGiven_) + "\"; those that come now are not read",
                        Clock::now());
        return nullptr;
    }
    auto& file = files_.try_emplace(key, key, laneOf(prefix_, key)).first->second;
    file.undecided = true;
    return &file;
}

// A file that was rotated before it was seen, in a downtime or between two looks, has the name that
// is wanted no longer: it is one of those that were made since files are followed.
bool Follower::mayBegin(const std::string& path, const DirectoryWatch::Entry& entry) {
    const std::string name(nameOf(path));
    if (!isWanted(path_, name))
        return begun_ && entry.bornNanos > begunNanos_ && isRotatedName(path_, name);
    if (!isCompressedName(name)) return true;
    if (!std::exchange(saidCompressed_, true))
        core::logInfo("files with names of compressed text are not followed, such as \"" +
                      shown(path) + "\"");
    return false;
}

void Follower::seen(const std::string& path, const DirectoryWatch::Entry& entry,
                    Clock::time_point now) {
    const FileKey key{entry.id, entry.bornNanos};
    const auto known = files_.find(key);
    FollowedFile* file = known == files_.end() ? nullptr : &known->second;
    if (file == nullptr) {
        if (!mayBegin(path, entry)) return;
        file = add(key);
        if (file == nullptr) return;
    }
    if (file->names.insert(path).second) {
        named_[path] = file;
        file->path = path;
        if (file->firstName.empty()) {
            file->firstName = path;
            // Also one that has not grown may have begun anew since the last life.
            activate(*file);
        }
        if (path == file->firstName) file->lostName.reset();
        file->gone.reset();
    }
    noteSize(*file, entry.sizeBytes, entry.modifiedNanos, now);
}

void Follower::nameGone(const std::string& path, const FileKey& key, Clock::time_point now) {
    const auto known = files_.find(key);
    if (known == files_.end()) return;
    auto& file = known->second;
    if (file.names.erase(path) == 0) return;
    if (const auto named = named_.find(path); named != named_.end() && named->second == &file)
        named_.erase(named);
    if (path == file.firstName) file.lostName = now;
    if (file.names.empty()) file.gone = now;
    else if (path == file.path) file.path = *file.names.begin();
}

void Follower::lookAtNameless(FollowedFile& file, Clock::time_point now) {
    const auto opened = held_.find(file.key);
    if (!opened) {
        if (file.lossSaid || file.sizeBytes <= file.position.offset || file.copyOf ||
            now - *file.gone < kLineEndsAfter)
            return;
        file.lossSaid = true;
        seldom_.say("gone",
                    "\"" + shown(file.path) + "\" is gone, and " +
                        std::to_string(file.sizeBytes - file.position.offset) +
                        " bytes that had been appended to it were not read: keep files that are "
                        "rotated in their directory until they are read",
                    now);
        return;
    }
    if (const auto info = opened->info()) noteSize(file, info->sizeBytes, info->modifiedNanos, now);
    const bool atEnd = file.copyOf || file.sizeBytes <= file.position.offset;
    if (atEnd && now - std::max(file.changed, *file.gone) >= kCloseAfter) held_.close(file.key);
}

bool Follower::forget(FollowedFile& file, Clock::time_point now) {
    if (now - std::max(file.changed, *file.gone) < kForgetAfter) return false;
    if (held_.find(file.key) || !watch_.wouldShow(file.key.id.device)) return false;
    releaseCopies(file);
    if (file.logged.empty()) return true;
    if (file.firstName.empty())
        seldomInfo_.say("forgotten",
                        "the file of \"" + shown(file.lane) + "\", which was read up to byte " +
                            std::to_string(file.position.offset) +
                            ", is gone since an earlier run; what was appended to it since is not "
                            "known",
                        now);
    core::BlockOrigin origin;
    origin.source = environment_.id;
    origin.lane = file.lane;
    origin.firstLine = file.position.lines + 1;
    origin.from = file.logged;
    const auto outcome = environment_.log.append(std::make_shared<core::Block>(
        core::Buffer::unpooled(core::BufferPool::kSmallestBytes), 0, std::move(origin)));
    return outcome == core::BlockLog::Outcome::kQueued;
}

void Follower::begin(Clock::time_point now) {
    if (begun_) return;
    if (options_.start == FollowStart::kEnd) {
        if (!watch_.complete()) return;
        for (auto& [key, file] : files_) {
            if (!file.logged.empty() || file.names.empty()) continue;
            file.undecided = false;
            auto done = beginAtEnd(file);
            if (logFailed_ || failure_) return;
            if (done) continue;
            seldom_.say("read",
                        "\"" + shown(file.path) +
                            "\" cannot be read, and will be followed from where it ends now: " +
                            done.error().message,
                        now);
            FollowPosition end;
            end.offset = file.sizeBytes;
            if (end.offset != 0 && !append(file, end)) return;
        }
    }
    begunNanos_ = environment_.nanosNow ? environment_.nanosNow()
                                        : std::chrono::duration_cast<std::chrono::nanoseconds>(
                                              std::chrono::system_clock::now().time_since_epoch())
                                              .count();
    core::BlockOrigin origin;
    origin.source = environment_.id;
    origin.lane = begunLane(prefix_);
    origin.to = encodeBegun(begunNanos_);
    environment_.log.append(std::make_shared<core::Block>(
        core::Buffer::unpooled(core::BufferPool::kSmallestBytes), 0, std::move(origin)));
    begun_ = true;
}

// Behind its last whole line: one that is not finished counts whole.
Result<> Follower::beginAtEnd(FollowedFile& file) {
    TM_ASSIGN(const auto opened, openFile(file));
    TM_ASSIGN(const auto info, opened->info());
    const auto size = info.sizeBytes;
    const auto furthest = size - std::min<std::uint64_t>(size, environment_.recordBytesMax + 2);
    FollowPosition end;
    end.offset = furthest == 0 ? 0 : size;
    std::array<char, kScanBytes> bytes;
    for (auto to = size; to > furthest;) {
        const auto from = std::max(furthest, to - std::min<std::uint64_t>(to, bytes.size()));
        TM_ASSIGN(const auto count, opened->readAt(from, bytes.data(), to - from));
        if (const auto* last = lastLineEnd(bytes.data(), bytes.data() + count)) {
            end.offset = from + static_cast<std::uint64_t>(last - bytes.data()) + 1;
            break;
        }
        to = from;
    }
    if (end.offset == 0) return {};
    const auto before = std::min(end.offset, kAnchorBytes);
    TM_ASSIGN(const auto count, opened->readAt(end.offset - before, bytes.data(), before));
    setAnchor(end, {bytes.data(), count});
    append(file, end);
    return {};
}

std::vector<std::string> Follower::directories(std::size_t most) const {
    std::vector<std::string> all;
    if (path_.directories.find_first_of("*?[") == std::string::npos)
        all.push_back(path_.directories);
    for (const auto& [path, file] : named_) {
        auto directory = path.substr(0, path.rfind('/'));
        if (directory.empty()) directory = "/";
        if (all.size() < most && (all.empty() || all.back() != directory))
            all.push_back(std::move(directory));
    }
    return all;
}

std::vector<core::LaneStatistics> Follower::lanes() const {
    std::vector<const FollowedFile*> shownFiles;
    shownFiles.reserve(files_.size());
    for (const auto& [key, file] : files_)
        if (!file.copyOf) shownFiles.push_back(&file);
    const auto unread = [](const FollowedFile& file) {
        return file.sizeBytes - std::min(file.sizeBytes, file.position.offset);
    };
    const auto count = std::min(shownFiles.size(), kShownMax);
    std::partial_sort(shownFiles.begin(), shownFiles.begin() + static_cast<std::ptrdiff_t>(count),
                      shownFiles.end(), [&](const auto* a, const auto* b) {
                          return std::pair(unread(*a), a->changed) >
                                 std::pair(unread(*b), b->changed);
                      });
    std::vector<core::LaneStatistics> lanes;
    for (std::size_t i = 0; i < count; ++i) {
        const auto& file = *shownFiles[i];
        lanes.push_back({file.path,
                         std::to_string(file.position.offset) + " of " +
                             std::to_string(std::max(file.sizeBytes, file.position.offset)) +
                             " bytes",
                         std::nullopt});
    }
    return lanes;
}

core::SourceStatistics Follower::counters() const {
    core::SourceStatistics all;
    all.bytes = bytes_;
    all.records = records_;
    all.oversize = oversize_;
    return all;
}

}  // namespace tidemill::sources::follow
