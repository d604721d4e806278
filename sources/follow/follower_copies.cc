// Copies that rotation makes of a file before it truncates it: "app.log.1" of "app.log". What is in
// one was read from the other; when that is truncated, the copy has what had not been read yet.
#include <algorithm>
#include <array>
#include <cstring>

#include "sources/follow/follower.h"

namespace tidemill::sources::follow {

using core::Result;

namespace {

// Whether both have the same bytes there.
Result<bool> isSame(core::File& a, core::File& b, std::uint64_t offset, std::size_t bytes) {
    std::array<char, kAnchorBytes> ofA, ofB;
    TM_ASSIGN(const auto countA, a.readAt(offset, ofA.data(), bytes));
    TM_ASSIGN(const auto countB, b.readAt(offset, ofB.data(), bytes));
    return countA == bytes && countB == bytes && std::memcmp(ofA.data(), ofB.data(), bytes) == 0;
}

}  // namespace

void Follower::decideNew(Clock::time_point now) {
    for (const auto& [turn, file] : active_) {
        if (!file->undecided || file->sizeBytes == 0 || file->retryAt > now) continue;
        if (const auto decided = decide(*file);
            !decided && decided.error().kind != core::ErrorKind::kNotFound)
            trouble(*file, decided.error(), now);
    }
}

Result<> Follower::decide(FollowedFile& file) {
    auto* original = originalOf(file);
    file.copyOf.reset();
    if (original != nullptr) {
        TM_ASSIGN(const bool copied, isCopy(file, *original));
        if (copied) file.copyOf = original->key;
    }
    // A copy that is shorter than what was read of the original may still grow to another file.
    file.undecided = file.copyOf && file.sizeBytes < original->position.offset;
    return {};
}

// By its name.
FollowedFile* Follower::originalOf(const FollowedFile& file) {
    const auto& path = file.path;
    const auto nameAt = path.size() - nameOf(path).size();
    for (auto i = path.size() - 1; i > nameAt; --i) {
        if (path[i] != '.' && path[i] != '-' && path[i] != '_') continue;
        const auto found = named_.find(path.substr(0, i));
        if (found != named_.end() && found->second != &file && !found->second->copyOf &&
            found->second->position.offset != 0)
            return found->second;
    }
    return nullptr;
}

Result<bool> Follower::isCopy(FollowedFile& file, FollowedFile& original) {
    TM_ASSIGN(const auto opened, openFile(file));
    TM_ASSIGN(file.sizeBytes, opened->sizeBytes());
    if (file.sizeBytes == 0 || original.position.anchorBytes == 0) return false;
    if (file.sizeBytes >= original.position.offset) return hasAnchor(*opened, original.position);
    const auto other = openFile(original);
    if (!other) return false;
    TM_ASSIGN(const auto otherBytes, (*other)->sizeBytes());
    if (otherBytes < file.sizeBytes) return false;
    const auto bytes = std::min(kAnchorBytes, file.sizeBytes);
    TM_ASSIGN(const bool sameBegin, isSame(*opened, **other, 0, bytes));
    if (!sameBegin) return false;
    return isSame(*opened, **other, file.sizeBytes - bytes, bytes);
}

// What lies behind the original's position is read from them. Whether there is anything.
bool Follower::releaseCopies(const FollowedFile& original) {
    bool goesOn = false;
    for (auto& [key, file] : files_) {
        if (file.copyOf != original.key) continue;
        file.copyOf.reset();
        file.undecided = false;
        auto behind = original.position;
        behind.generation = 0;
        if (file.sizeBytes < behind.offset) {
            behind.offset = file.sizeBytes;
            behind.anchorBytes = 0;
            behind.anchorHash = 0;
        }
        goesOn = goesOn || file.sizeBytes > behind.offset;
        if (!append(file, behind)) return goesOn;
        activate(file);
    }
    return goesOn;
}

}  // namespace tidemill::sources::follow
