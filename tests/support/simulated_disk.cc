#include "tests/support/simulated_disk.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>
#include <set>

namespace tidemill::testing {

using core::ErrorKind;
using core::Path;

namespace {

constexpr std::uint64_t kSectorBytes = 512;

}  // namespace

struct SimulatedDisk::Node {
    struct Write {
        bool resize = false;
        std::uint64_t offset = 0;  // or the new size
        std::string bytes;
    };
    struct EntryChange {
        std::string removed;  // empty: none
        std::string added;    // empty: none
        NodePtr node;
    };

    bool directory = false;
    std::uint64_t number = nextNumber();
    std::int64_t born = static_cast<std::int64_t>(number);  // times are such numbers too
    std::int64_t modified = born;
    std::string bytes;  // as readers see it
    std::string syncedBytes;
    std::vector<Write> writes;  // since the last sync
    std::map<std::string, NodePtr> entries;
    std::map<std::string, NodePtr> syncedEntries;
    std::vector<EntryChange> changes;

    static void apply(std::string& to, const Write& write) {
        if (write.resize) return to.resize(write.offset, '\0');
        if (to.size() < write.offset + write.bytes.size())
            to.resize(write.offset + write.bytes.size(), '\0');
        to.replace(write.offset, write.bytes.size(), write.bytes);
    }
    static void apply(std::map<std::string, NodePtr>& to, const EntryChange& change) {
        if (!change.removed.empty()) to.erase(change.removed);
        if (!change.added.empty()) to[change.added] = change.node;
    }
    static std::uint64_t nextNumber() {
        static std::atomic<std::uint64_t> last = 0;
        return ++last;
    }
    core::FileInfo info() const {
        core::FileInfo info;
        info.isDirectory = directory;
        info.isRegular = !directory;
        info.sizeBytes = bytes.size();
        info.ownerUid = ::geteuid();
        info.mode = directory ? 0700 : 0600;
        info.device = 1;
        info.inode = number;
        info.bornNanos = born;
        info.modifiedNanos = modified;
        info.modifiedMillis = modified / 1'000'000;
        return info;
    }
    void change(Write write) {
        modified = static_cast<std::int64_t>(nextNumber());
        apply(bytes, write);
        writes.push_back(std::move(write));
    }
    void change(EntryChange change) {
        modified = static_cast<std::int64_t>(nextNumber());
        apply(entries, change);
        changes.push_back(std::move(change));
    }
};

class SimulatedDisk::OpenFile final : public core::File {
public:
    OpenFile(SimulatedDisk& disk, NodePtr node, Path path, bool writable)
        : disk_(disk),
          node_(std::move(node)),
          path_(std::move(path)),
          writable_(writable),
          powerCycle_(disk.powerCycle_) {}

    core::Result<> writeAt(std::uint64_t offset, std::span<const iovec> pieces) override {
        std::lock_guard lock(disk_.mutex_);
        TM_TRY(alive());
        if (!writable_) return core::failErrno(EBADF, "write failed: file=" + path_.string());
        Node::Write write{false, offset, {}};
        for (const auto& piece : pieces)
            write.bytes.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
        TM_TRY(room(offset + write.bytes.size()));
        node_->change(std::move(write));
        return {};
    }

    core::Result<std::size_t> readAt(std::uint64_t offset, char* into,
                                     std::size_t length) override {
        std::lock_guard lock(disk_.mutex_);
        TM_TRY(alive());
        const auto& bytes = node_->bytes;
        if (offset >= bytes.size()) return std::size_t{0};
        return bytes.copy(into, length, offset);
    }

    core::Result<> sync() override {
        std::lock_guard lock(disk_.mutex_);
        TM_TRY(alive());
        node_->syncedBytes = node_->bytes;
        node_->writes.clear();
        return {};
    }

    core::Result<> allocate(std::uint64_t offset, std::uint64_t length) override {
        std::lock_guard lock(disk_.mutex_);
        TM_TRY(alive());
        TM_TRY(room(offset + length));
        if (offset + length > node_->bytes.size()) node_->change({true, offset + length, {}});
        return {};
    }

    core::Result<> truncate(std::uint64_t sizeBytes) override {
        std::lock_guard lock(disk_.mutex_);
        TM_TRY(alive());
        node_->change({true, sizeBytes, {}});
        return {};
    }

    core::Result<std::uint64_t> sizeBytes() override {
        std::lock_guard lock(disk_.mutex_);
        TM_TRY(alive());
        return static_cast<std::uint64_t>(node_->bytes.size());
    }

    core::Result<core::FileInfo> info() override {
        std::lock_guard lock(disk_.mutex_);
        TM_TRY(alive());
        return node_->info();
    }

private:
    core::Result<> alive() const {
        if (powerCycle_ == disk_.powerCycle_) return {};
        return core::failErrno(EIO, "power was cut: file=" + path_.string());
    }
    core::Result<> room(std::uint64_t size) const {
        if (size <= node_->bytes.size()) return {};
        const auto more = size - node_->bytes.size();
        const auto used = disk_.usedBytes();
        if (used <= disk_.capacityBytes_ && more <= disk_.capacityBytes_ - used) return {};
        return core::failErrno(ENOSPC, "write failed: file=" + path_.string());
    }

    SimulatedDisk& disk_;
    NodePtr node_;
    Path path_;
    bool writable_;
    std::uint64_t powerCycle_;
};

SimulatedDisk::SimulatedDisk() : root_(std::make_shared<Node>()) { root_->directory = true; }

void SimulatedDisk::crash(Fate fate, std::uint64_t seed) {
    std::lock_guard lock(mutex_);
    ++powerCycle_;
    std::mt19937_64 random(seed);
    applyFate(root_, fate, random);
}

void SimulatedDisk::applyFate(const NodePtr& node, Fate fate, std::mt19937_64& random) {
    // Some cuts lose nearly all, some nearly nothing.
    const auto odds = random() % 101;
    const auto kept = [&] {
        return fate == Fate::kKeepAll || (fate == Fate::kRandom && random() % 100 < odds);
    };
    if (node->directory) {
        for (const auto& change : node->changes)
            if (kept()) Node::apply(node->syncedEntries, change);
        node->changes.clear();
        node->entries = node->syncedEntries;
        for (const auto& [name, entry] : node->entries) applyFate(entry, fate, random);
        return;
    }
    for (const auto& write : node->writes) {
        if (write.resize) {
            if (kept()) Node::apply(node->syncedBytes, write);
            continue;
        }
        for (std::uint64_t done = 0; done < write.bytes.size();) {
            const auto at = write.offset + done;
            const auto piece = std::min(kSectorBytes - at % kSectorBytes,
                                        static_cast<std::uint64_t>(write.bytes.size()) - done);
            if (kept())
                Node::apply(node->syncedBytes, {false, at, write.bytes.substr(done, piece)});
            done += piece;
        }
    }
    // The fate of a file with several names is decided once.
    node->writes.clear();
    node->bytes = node->syncedBytes;
}

void SimulatedDisk::setCapacity(std::uint64_t bytes) {
    std::lock_guard lock(mutex_);
    capacityBytes_ = bytes;
}

void SimulatedDisk::damage(const Path& path, std::uint64_t offset, unsigned char flipMask) {
    std::lock_guard lock(mutex_);
    const auto node = find(path);
    for (auto* bytes : {&node->bytes, &node->syncedBytes})
        if (offset < bytes->size())
            (*bytes)[offset] =
                static_cast<char>(static_cast<unsigned char>((*bytes)[offset]) ^ flipMask);
}

std::map<std::string, std::string> SimulatedDisk::contents() const {
    std::lock_guard lock(mutex_);
    std::map<std::string, std::string> all;
    const std::function<void(const NodePtr&, const std::string&)> walk =
        [&](const NodePtr& node, const std::string& path) {
            if (!node->directory) all[path] = node->bytes;
            for (const auto& [name, entry] : node->entries) walk(entry, path + "/" + name);
        };
    walk(root_, "");
    return all;
}

SimulatedDisk::NodePtr SimulatedDisk::find(const Path& path) const {
    NodePtr node = root_;
    for (const auto& part : path.relative_path()) {
        if (part.empty()) continue;
        if (!node->directory) return nullptr;
        const auto entry = node->entries.find(part.string());
        if (entry == node->entries.end()) return nullptr;
        node = entry->second;
    }
    return node;
}

core::Result<std::pair<SimulatedDisk::NodePtr, std::string>> SimulatedDisk::place(
    const Path& path) const {
    auto parent = find(path.parent_path());
    if (!parent || !parent->directory)
        return core::fail(ErrorKind::kNotFound, "no such directory: " + path.string());
    return std::pair(parent, path.filename().string());
}

core::Result<std::unique_ptr<core::File>> SimulatedDisk::open(const Path& path,
                                                              core::OpenMode mode) {
    std::lock_guard lock(mutex_);
    auto node = find(path);
    const bool creating = mode == core::OpenMode::kCreate || mode == core::OpenMode::kReplace;
    if (node && mode == core::OpenMode::kCreate)
        return core::fail(ErrorKind::kConflict, "file exists already: " + path.string());
    if (!node && !creating)
        return core::fail(ErrorKind::kNotFound, "no such file: " + path.string());
    if (node && node->directory)
        return core::failErrno(EISDIR, "open failed: file=" + path.string());
    if (!node) {
        TM_ASSIGN(const auto where, place(path));
        node = std::make_shared<Node>();
        where.first->change(Node::EntryChange{"", where.second, node});
    } else if (mode == core::OpenMode::kReplace) {
        node->change(Node::Write{true, 0, {}});
    }
    return std::make_unique<OpenFile>(*this, node, path, mode != core::OpenMode::kRead);
}

core::Result<core::FileInfo> SimulatedDisk::info(const Path& path) {
    std::lock_guard lock(mutex_);
    const auto node = find(path);
    if (!node) return core::fail(ErrorKind::kNotFound, "no such file: " + path.string());
    return node->info();
}

core::Result<std::vector<std::string>> SimulatedDisk::list(const Path& directory) {
    std::lock_guard lock(mutex_);
    const auto node = find(directory);
    if (!node) return core::fail(ErrorKind::kNotFound, "no such directory: " + directory.string());
    std::vector<std::string> names;
    for (const auto& [name, entry] : node->entries) names.push_back(name);
    return names;
}

core::Result<> SimulatedDisk::createDirectory(const Path& path) {
    std::lock_guard lock(mutex_);
    if (find(path)) return {};
    TM_ASSIGN(const auto where, place(path));
    auto node = std::make_shared<Node>();
    node->directory = true;
    where.first->change(Node::EntryChange{"", where.second, node});
    return {};
}

core::Result<> SimulatedDisk::rename(const Path& from, const Path& to) {
    std::lock_guard lock(mutex_);
    const auto node = find(from);
    if (!node) return core::fail(ErrorKind::kNotFound, "no such file: " + from.string());
    TM_ASSIGN(const auto source, place(from));
    TM_ASSIGN(const auto target, place(to));
    if (const auto old = find(to); old && old->directory && !old->entries.empty())
        return core::failErrno(ENOTEMPTY, "rename failed: file=" + to.string());
    if (source.first == target.first) {
        source.first->change(Node::EntryChange{source.second, target.second, node});
    } else {
        target.first->change(Node::EntryChange{"", target.second, node});
        source.first->change(Node::EntryChange{source.second, "", nullptr});
    }
    return {};
}

core::Result<> SimulatedDisk::link(const Path& existing, const Path& added) {
    std::lock_guard lock(mutex_);
    const auto node = find(existing);
    if (!node) return core::fail(ErrorKind::kNotFound, "no such file: " + existing.string());
    if (find(added)) return core::failErrno(EEXIST, "link failed: file=" + added.string());
    TM_ASSIGN(const auto where, place(added));
    where.first->change(Node::EntryChange{"", where.second, node});
    return {};
}

core::Result<> SimulatedDisk::unlink(const Path& path) {
    std::lock_guard lock(mutex_);
    const auto node = find(path);
    if (!node || node->directory) return core::failErrno(ENOENT, "unlink failed: " + path.string());
    TM_ASSIGN(const auto where, place(path));
    where.first->change(Node::EntryChange{where.second, "", nullptr});
    return {};
}

void SimulatedDisk::removeEntries(const NodePtr& directory) {
    while (!directory->entries.empty()) {
        const auto [name, entry] = *directory->entries.begin();
        if (entry->directory) removeEntries(entry);
        directory->change(Node::EntryChange{name, "", nullptr});
    }
}

core::Result<> SimulatedDisk::removeTree(const Path& path) {
    std::lock_guard lock(mutex_);
    const auto node = find(path);
    if (!node) return {};
    if (node->directory) removeEntries(node);
    TM_ASSIGN(const auto where, place(path));
    where.first->change(Node::EntryChange{where.second, "", nullptr});
    return {};
}

core::Result<> SimulatedDisk::syncDirectory(const Path& path) {
    std::lock_guard lock(mutex_);
    const auto node = find(path);
    if (!node || !node->directory)
        return core::fail(ErrorKind::kNotFound, "no such directory: " + path.string());
    node->syncedEntries = node->entries;
    node->changes.clear();
    return {};
}

std::uint64_t SimulatedDisk::usedBytes() const {
    std::uint64_t used = 0;
    std::set<const Node*> seen;
    const std::function<void(const NodePtr&)> walk = [&](const NodePtr& node) {
        if (seen.insert(node.get()).second) used += node->bytes.size();
        for (const auto& [name, entry] : node->entries) walk(entry);
    };
    walk(root_);
    return used;
}

core::Result<core::DiskSpace> SimulatedDisk::space(const Path&) {
    std::lock_guard lock(mutex_);
    const auto used = usedBytes();
    core::DiskSpace space;
    space.freeBytes = used < capacityBytes_ ? capacityBytes_ - used : 0;
    space.totalBytes = capacityBytes_;
    return space;
}

}  // namespace tidemill::testing
