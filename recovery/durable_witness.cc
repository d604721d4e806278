#include "recovery/durable_witness.h"

#include <pthread.h>

#include <algorithm>

#include "core/byte_codec.h"
#include "core/crc32c.h"
#include "core/mutant.h"

namespace tidemill::recovery {
namespace {

using core::ErrorKind;
using core::Lsn;

constexpr std::string_view kMagic = "TMDURABL";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kSlotBytes = 64;
// Two slots in two sectors, written in turn: a write that is torn leaves the other one whole.
constexpr std::size_t kSlotDistance = 512;
constexpr std::size_t kFileBytes = 2 * kSlotDistance;

constexpr std::chrono::milliseconds kWriteEvery{10};
constexpr std::chrono::seconds kSyncEvery{10};

std::string encodeSlot(const LogUuid& uuid, const Witnessed& witnessed) {
    core::ByteWriter out;
    out.raw(kMagic.data(), kMagic.size());
    out.u16(kVersion);
    out.u16(kVersion);  // the oldest reader that understands this
    out.u32(witnessed.epoch);
    out.raw(uuid.bytes.data(), uuid.bytes.size());
    out.u64(witnessed.durable.value);
    out.u32(core::crc32c(0, out.bytes().data(), out.bytes().size()));
    auto bytes = std::move(out).bytes();
    bytes.resize(kSlotBytes);
    return bytes;
}

std::optional<Witnessed> decodeSlot(std::string_view bytes, const LogUuid& uuid) {
    core::ByteReader in(bytes);
    const auto magic = in.raw(kMagic.size());
    in.u16();
    const auto readerMin = in.u16();
    Witnessed witnessed;
    witnessed.epoch = in.u32();
    const auto log = in.raw(uuid.bytes.size());
    witnessed.durable = Lsn(in.u64());
    const std::size_t checked = kMagic.size() + 4 + 4 + uuid.bytes.size() + 8;
    const auto expected = in.u32();
    if (!in.ok() || magic != kMagic || readerMin > kVersion ||
        !std::equal(log.begin(), log.end(), uuid.bytes.begin(),
                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; }) ||
        core::crc32c(0, bytes.data(), checked) != expected)
        return std::nullopt;
    return witnessed;
}

}  // namespace

std::string encodeWitness(const LogUuid& uuid, const Witnessed& witnessed) {
    std::string bytes = encodeSlot(uuid, witnessed);
    bytes.resize(kSlotDistance);
    bytes += encodeSlot(uuid, witnessed);
    bytes.resize(kFileBytes);
    return bytes;
}

std::optional<Witnessed> decodeWitness(std::string_view bytes, const LogUuid& uuid) {
    std::optional<Witnessed> best;
    for (const std::size_t at : {std::size_t{0}, kSlotDistance}) {
        if (bytes.size() < at + kSlotBytes) break;
        const auto slot = decodeSlot(bytes.substr(at, kSlotBytes), uuid);
        if (slot && (!best || slot->durable > best->durable)) best = slot;
    }
    return best;
}

core::Result<std::optional<Witnessed>> readWitness(core::FileSystem& files, const core::Path& path,
                                                   const LogUuid& uuid) {
    const auto bytes = core::readWholeFile(files, path, 64 << 10);
    if (bytes) return decodeWitness(*bytes, uuid);
    // kInvalid: it is too large to be a file that we wrote.
    if (bytes.error().kind == ErrorKind::kNotFound || bytes.error().kind == ErrorKind::kInvalid)
        return std::optional<Witnessed>();
    return core::fail(bytes.error());
}

core::Result<> publishWitness(core::FileSystem& files, const core::Path& path, const LogUuid& uuid,
                              const Witnessed& witnessed) {
    return core::publishFile(files, path, encodeWitness(uuid, witnessed));
}

core::Result<std::unique_ptr<DurableWitness>> DurableWitness::open(
    core::FileSystem& files, const core::Path& path, const LogUuid& uuid, std::uint32_t epoch,
    bool threaded, std::function<void(core::Error)> failed) {
    TM_ASSIGN(auto file, files.open(path, core::OpenMode::kReadWrite));
    std::unique_ptr<DurableWitness> witness(new DurableWitness(std::move(file), uuid, epoch));
    witness->failed_ = std::move(failed);
    witness->synced_ = std::chrono::steady_clock::now();
    if (threaded) {
        witness->thread_ = std::thread([raw = witness.get()] { raw->run(); });
        pthread_setname_np(witness->thread_.native_handle(), "tm-witness");
    }
    return witness;
}

DurableWitness::~DurableWitness() { stop(); }

void DurableWitness::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
}

void DurableWitness::advance(Lsn lsn) {
    if (TM_MUTANT(witness_not_written)) return;
    std::lock_guard lock(mutex_);
    durable_ = lsn;
    if (idle_) changed_.notify_one();
}

core::Result<> DurableWitness::finish() {
    std::lock_guard writing(writing_);
    Lsn lsn;
    {
        std::lock_guard lock(mutex_);
        lsn = durable_;
    }
    return lsn == written_ ? core::Result<>() : write(lsn, true);
}

core::Result<> DurableWitness::write(Lsn lsn, bool sync) {
    const auto bytes = encodeSlot(uuid_, {epoch_, lsn});
    auto done = file_->writeAt(static_cast<std::uint64_t>(slot_) * kSlotDistance, bytes);
    if (done && sync) {
        done = file_->sync();
        synced_ = std::chrono::steady_clock::now();
    }
    // Writing in place needs no new blocks, except on a copy-on-write file system, which may be
    // full: then the file only lags.
    if (!done && done.error().kind == ErrorKind::kNoSpace) return {};
    if (!done) return done;
    slot_ = 1 - slot_;
    written_ = lsn;
    return {};
}

void DurableWitness::run() {
    std::unique_lock lock(mutex_);
    for (Lsn seen;;) {
        idle_ = true;
        changed_.wait(lock, [&] { return stopping_ || durable_ != seen; });
        idle_ = false;
        if (stopping_) return;
        seen = durable_;
        lock.unlock();
        core::Result<> done;
        {
            std::lock_guard writing(writing_);
            const bool sync = std::chrono::steady_clock::now() - synced_ >= kSyncEvery;
            if (seen > written_) done = write(seen, sync);
        }
        if (!done) return failed_(done.error());
        lock.lock();
        changed_.wait_for(lock, kWriteEvery, [&] { return stopping_; });
    }
}

}  // namespace tidemill::recovery
