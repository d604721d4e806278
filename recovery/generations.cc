#include "recovery/generations.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <set>

#include "core/crc32c.h"
#include "core/failpoint.h"
#include "core/mutant.h"
#include "recovery/segment.h"

namespace tidemill::recovery {
namespace {

using core::ErrorKind;
using core::Lsn;
using core::OpenMode;
using core::Path;

constexpr std::string_view kUnfinishedSuffix = ".tmp";
constexpr std::string_view kDamagedSuffix = ".damaged";
constexpr std::size_t kPieceBytes = 1 << 20;

template <class T>
bool digits(std::string_view text, T& value) {
    for (const char c : text)
        if (c < '0' || c > '9') return false;
    return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
}

// Calls `piece` with consecutive bytes of a file; returns its size.
template <class F>
core::Result<std::uint64_t> readPieces(core::File& file, const F& piece) {
    std::vector<char> bytes(kPieceBytes);
    std::uint64_t offset = 0;
    for (;;) {
        TM_ASSIGN(const auto got, file.readAt(offset, bytes.data(), bytes.size()));
        if (got == 0) return offset;
        TM_TRY(piece(offset, std::string_view(bytes.data(), got)));
        offset += got;
    }
}

core::Result<std::string> ownChecksum(core::FileSystem& files, const Path& path) {
    TM_ASSIGN(const auto file, files.open(path, OpenMode::kRead));
    std::uint32_t crc = 0;
    TM_TRY(readPieces(*file, [&](std::uint64_t, std::string_view bytes) -> core::Result<> {
        crc = core::crc32c(crc, bytes.data(), bytes.size());
        return {};
    }));
    char text[16];
    std::snprintf(text, sizeof text, "%08x", crc);
    return std::string(text);
}

core::Result<> copyFile(core::FileSystem& files, const Path& from, const Path& to) {
    TM_ASSIGN(const auto source, files.open(from, OpenMode::kRead));
    TM_ASSIGN(const auto target, files.open(to, OpenMode::kCreate));
    TM_TRY(readPieces(*source, [&](std::uint64_t offset, std::string_view bytes) {
        return target->writeAt(offset, bytes);
    }));
    return {};
}

}  // namespace

std::string toString(const GenerationName& name) {
    char text[48];
    std::snprintf(text, sizeof text, "%020llu-%04u",
                  static_cast<unsigned long long>(name.batch.value), name.attempt);
    return text;
}

std::optional<GenerationName> parseGenerationName(std::string_view text) {
    GenerationName name;
    if (text.size() < 25 || text.size() > 31 || text[20] != '-' ||
        !digits(text.substr(0, 20), name.batch.value) || !digits(text.substr(21), name.attempt))
        return std::nullopt;
    return name;
}

core::Result<std::vector<GenerationName>> Generations::list() const {
    const auto names = files_.list(directory_);
    std::vector<GenerationName> found;
    if (!names) {
        if (names.error().kind == ErrorKind::kNotFound) return found;
        return core::fail(names.error());
    }
    for (const auto& text : *names)
        if (const auto name = parseGenerationName(text)) found.push_back(*name);
    std::sort(found.rbegin(), found.rend());
    return found;
}

core::Result<Manifest> Generations::manifest(const GenerationName& name) const {
    const auto path = pathOf(name) / kManifestFile;
    TM_ASSIGN(const auto bytes, core::readWholeFile(files_, path, kManifestBytesMax));
    auto decoded = decodeManifest(bytes);
    if (!decoded)
        return core::fail(decoded.error().kind, decoded.error().message + " file=" + path.string());
    if (decoded->mark.batch != name.batch)
        return core::fail(ErrorKind::kCorrupt,
                          "manifest is of another batch: file=" + path.string() +
                              " batch=" + toString(decoded->mark.batch));
    return decoded;
}

bool Generations::suspect(const GenerationName& name) const {
    return !TM_MUTANT(suspicion_forgotten) && files_.exists(pathOf(name) / kSuspectFile);
}

core::Result<Manifest> Generations::verify(const GenerationName& name,
                                           const ReadsAll& readsAll) const {
    TM_ASSIGN(auto decoded, manifest(name));
    TM_TRY(verifyFiles(name, decoded, suspect(name), readsAll));
    return decoded;
}

core::Result<> Generations::verifyFiles(const GenerationName& name, const Manifest& manifest,
                                        bool suspect, const ReadsAll& readsAll) const {
    return verifyCheckpoint(files_, pathOf(name), manifest, suspect, readsAll);
}

core::Result<> verifyCheckpoint(core::FileSystem& files, const Path& directory,
                                const Manifest& manifest, bool suspect, const ReadsAll& readsAll) {
    if (TM_MUTANT(checkpoint_not_checked)) return {};
    for (const auto& entry : manifest.files) {
        const auto path = directory / entry.name;
        const auto info = files.info(path);
        if (!info)
            return core::fail(
                info.error().kind == ErrorKind::kNotFound ? ErrorKind::kCorrupt : info.error().kind,
                "file of a checkpoint is missing: " + info.error().message);
        if (info->sizeBytes != entry.sizeBytes)
            return core::fail(ErrorKind::kCorrupt,
                              "file of a checkpoint has another size: file=" + path.string() +
                                  " expected=" + std::to_string(entry.sizeBytes) +
                                  " actual=" + std::to_string(info->sizeBytes));
        if (entry.checksumFunction != kOwnChecksumFunction) continue;
        TM_ASSIGN(const auto actual, ownChecksum(files, path));
        if (actual != entry.checksum)
            return core::fail(ErrorKind::kCorrupt,
                              "file of a checkpoint is damaged: file=" + path.string() +
                                  " expected=" + entry.checksum + " actual=" + actual);
    }
    if (readsAll) return readsAll(directory, manifest);
    if (suspect)
        return core::fail(ErrorKind::kCorrupt,
                          "checkpoint is suspect: a read of it failed before, and nothing here can "
                          "read it in full: directory=" +
                              directory.string());
    return {};
}

core::Result<core::CheckpointFile> Generations::completeEntry(const Path& directory,
                                                              core::CheckpointFile entry) {
    const auto path = directory / entry.name;
    TM_ASSIGN(const auto info, files_.info(path));
    if (entry.sizeBytes == 0) entry.sizeBytes = info.sizeBytes;
    if (entry.sizeBytes != info.sizeBytes)
        return core::fail(ErrorKind::kCorrupt,
                          "file of a checkpoint has another size than its writer said: file=" +
                              path.string() + " said=" + std::to_string(entry.sizeBytes) +
                              " actual=" + std::to_string(info.sizeBytes));
    if (!entry.checksum.empty()) return entry;
    TM_ASSIGN(entry.checksum, ownChecksum(files_, path));
    entry.checksumFunction = kOwnChecksumFunction;
    TM_ASSIGN(const auto file, files_.open(path, OpenMode::kReadWrite));
    if (!TM_MUTANT(checkpoint_file_not_synced)) TM_TRY(file->sync());
    return entry;
}

core::Result<GenerationName> Generations::publish(const core::BatchMark& mark,
                                                  const LinkFiles& linkFiles) {
    core::ActivityScope activity(core::Activity::kCheckpoint);
    std::lock_guard lock(mutex_);
    GenerationName name{mark.batch, 1};
    TM_ASSIGN(const auto published, list());
    for (const auto& other : published)
        if (other.batch == name.batch && !TM_MUTANT(checkpoint_id_reused))
            name.attempt = std::max(name.attempt, other.attempt + 1);
    const Path temporary = pathOf(name).string() + std::string(kUnfinishedSuffix);
    TM_TRY(files_.removeTree(temporary));
    TM_TRY(files_.createDirectory(temporary));
    TM_ASSIGN(auto entries, linkFiles(temporary));
    TM_FAILPOINT("ckpt.midLink");
    Manifest content{mark, {}};
    for (auto& entry : entries) {
        TM_ASSIGN(auto complete, completeEntry(temporary, std::move(entry)));
        if (!TM_MUTANT(manifest_before_its_files)) content.files.push_back(std::move(complete));
    }
    {
        TM_ASSIGN(const auto file, files_.open(temporary / kManifestFile, OpenMode::kCreate));
        TM_TRY(file->writeAt(0, encodeManifest(content)));
        if (!TM_MUTANT(manifest_not_synced)) TM_TRY(file->sync());
    }
    TM_FAILPOINT("ckpt.afterManifest");
    TM_TRY(files_.syncDirectory(temporary));
    TM_FAILPOINT("ckpt.beforeRename");
    TM_TRY(files_.rename(temporary, pathOf(name)));
    TM_FAILPOINT("ckpt.beforeDirSync");
    if (!TM_MUTANT(checkpoint_name_not_synced)) TM_TRY(files_.syncDirectory(directory_));
    return name;
}

core::Result<Lsn> Generations::trimPoint() const {
    TM_ASSIGN(const auto names, list());
    if (names.size() < 2) return Lsn(0);
    TM_ASSIGN(const auto older, manifest(names[TM_MUTANT(log_trimmed_to_the_newest) ? 0 : 1]));
    return older.mark.endLsn;
}

core::Result<> Generations::removeDirectory(const std::string& name) {
    const Path removed = (directory_ / name).string() + std::string(kRemovedSuffix);
    TM_TRY(files_.removeTree(removed));
    // The name must be gone for good before the first file is, or a power cut brings back a
    // generation with holes.
    if (TM_MUTANT(removal_not_durable)) TM_TRY(files_.rename(directory_ / name, removed));
    else TM_TRY(core::renameDurably(files_, directory_ / name, removed));
    TM_FAILPOINT("generation.midRemove");
    TM_ASSIGN(const auto names, files_.list(removed));
    for (const auto& file : names) TM_TRY(files_.unlinkGradually(removed / file));
    return files_.removeTree(removed);
}

core::Result<> Generations::remove(const GenerationName& name) {
    std::lock_guard lock(mutex_);
    return removeDirectory(toString(name));
}

core::Result<> Generations::removeOld(std::size_t keep) {
    keep = std::max<std::size_t>(keep, TM_MUTANT(one_checkpoint_kept) ? 1 : 2);
    std::lock_guard lock(mutex_);
    TM_ASSIGN(const auto names, list());
    if (names.size() < keep) return {};
    const auto oldestKept = names[keep - 1];
    TM_ASSIGN(const auto all, files_.list(directory_));
    for (const auto& text : all) {
        std::string_view plain = text;
        if (!plain.ends_with(kDamagedSuffix)) continue;
        plain.remove_suffix(kDamagedSuffix.size());
        const auto name = parseGenerationName(plain);
        if (name && *name < oldestKept) TM_TRY(removeDirectory(text));
    }
    for (auto old = names.rbegin(); old != names.rend() && *old < oldestKept; ++old)
        TM_TRY(removeDirectory(toString(*old)));
    return {};
}

core::Result<> Generations::markSuspect(const GenerationName& name) {
    return core::publishFile(files_, pathOf(name) / kSuspectFile,
                             "A read of this checkpoint failed; it is read in full before use.\n");
}

core::Result<> Generations::clearSuspect(const GenerationName& name) {
    if (!suspect(name)) return {};
    TM_TRY(files_.unlink(pathOf(name) / kSuspectFile));
    return files_.syncDirectory(pathOf(name));
}

core::Result<> Generations::quarantine(const GenerationName& name) {
    std::lock_guard lock(mutex_);
    const Path quarantined = pathOf(name).string() + std::string(kDamagedSuffix);
    TM_TRY(files_.removeTree(quarantined));
    return core::renameDurably(files_, pathOf(name), quarantined);
}

core::Result<> Generations::removeLeftovers() {
    std::lock_guard lock(mutex_);
    TM_ASSIGN(const auto names, files_.list(directory_));
    for (const auto& name : names)
        if (name.ends_with(kUnfinishedSuffix) || name.ends_with(kRemovedSuffix))
            TM_TRY(files_.removeTree(directory_ / name));
    return {};
}

core::Result<> Generations::cloneInto(const GenerationName& name, const Manifest& manifest,
                                      const Path& work) const {
    TM_TRY(files_.removeTree(work));
    TM_TRY(files_.createDirectory(work));
    for (const auto& entry : manifest.files) {
        const auto from = pathOf(name) / entry.name;
        if (entry.name.ends_with(".sst")) {
            TM_TRY(core::linkOrCopy(files_, from, work / entry.name));
        } else {
            TM_TRY(copyFile(files_, from, work / entry.name));
        }
        TM_FAILPOINT("recover.clone");
    }
    return {};
}

}  // namespace tidemill::recovery
