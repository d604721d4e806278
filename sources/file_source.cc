#include "sources/file_source.h"

#include <glob.h>

#include <algorithm>
#include <array>

#include "core/buffer_pool.h"
#include "core/byte_codec.h"
#include "core/logging.h"

namespace tidemill::sources {

using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

// A partition reads about this much: small files are one each, large ones several.
constexpr std::uint64_t kPieceBytes = 8 << 20;
constexpr std::size_t kPathBytesMax = 4096;

std::vector<std::string> matching(const std::string& pattern) {
    glob_t found{};
    std::vector<std::string> paths;
    if (::glob(pattern.c_str(), GLOB_ONLYDIR, nullptr, &found) == 0)
        paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
    // What is no pattern is itself, so that its absence is told.
    if (paths.empty() && pattern.find_first_of("*?[") == pattern.npos) paths.push_back(pattern);
    return paths;
}

void encodeFiles(core::ByteWriter& out, const std::vector<TakenFile>& files) {
    out.u32(static_cast<std::uint32_t>(files.size()));
    for (const auto& file : files) {
        out.string(file.path);
        out.u64(file.sizeBytes);
        out.i64(file.modifiedMillis);
    }
}

std::vector<TakenFile> decodeFiles(core::ByteReader& in) {
    std::vector<TakenFile> files(in.count(20));
    for (auto& file : files) {
        file.path = in.string(kPathBytesMax);
        file.sizeBytes = in.u64();
        file.modifiedMillis = in.i64();
    }
    return files;
}

std::string described(const TakenFile& file) {
    return "file=" + file.path + " size=" + std::to_string(file.sizeBytes) +
           " modified_ms=" + std::to_string(file.modifiedMillis);
}

}  // namespace

FileSource::FileSource(core::FileSystem& files, FileSourceOptions options)
    : files_(files), options_(std::move(options)) {}

Result<core::ReplayableSource::Plan> FileSource::plan(BatchTime time, std::size_t bytesMax,
                                                      unsigned) {
    TM_TRY(find(time));
    at_.previous = time;
    afterDowntime_ = false;
    const std::int64_t span = toMillis(time) - options_.remember.count();
    std::erase_if(at_.taken, [&](const auto& entry) { return entry.second <= span; });

    Plan plan;
    auto end = at_.waiting.begin();
    for (; end != at_.waiting.end(); ++end) {
        if (bytesMax == 0 || (plan.sizeBytes != 0 && plan.sizeBytes + end->sizeBytes > bytesMax))
            break;
        plan.sizeBytes += end->sizeBytes;
    }
    if (end == at_.waiting.begin()) return plan;
    const std::vector<TakenFile> chosen(at_.waiting.begin(), end);
    at_.waiting.erase(at_.waiting.begin(), end);
    plan.range = encode(chosen, at_);
    return plan;
}

// Adds what is new to the waiting files.
Result<> FileSource::find(BatchTime time) {
    const auto since = afterDowntime_ && at_.previous ? std::min(*at_.previous, time) : time;
    const std::size_t known = at_.waiting.size();
    for (const auto& directory : matching(options_.directories))
        TM_TRY(findIn(directory, toMillis(since) - options_.remember.count(), toMillis(time)));
    std::sort(at_.waiting.begin() + static_cast<std::ptrdiff_t>(known), at_.waiting.end(),
              [](const TakenFile& a, const TakenFile& b) {
                  return std::tie(a.modifiedMillis, a.path) < std::tie(b.modifiedMillis, b.path);
              });
    return {};
}

Result<> FileSource::findIn(const std::string& directory, std::int64_t after, std::int64_t until) {
    const auto names = files_.list(directory);
    if (!names) {
        if (unreadable_.insert(directory).second)
            core::logWarning("no files are taken from a directory that cannot be read: " +
                             names.error().message);
        return {};
    }
    unreadable_.erase(directory);
    for (const auto& name : *names) {
        if (name.starts_with('.')) continue;
        const core::Path path = core::Path(directory) / name;
        const auto info = files_.info(path);
        if (!info) {
            core::logWarning("a file was gone before a batch could take it: " +
                             info.error().message);
            continue;
        }
        if (info->isDirectory || info->modifiedMillis <= after || info->modifiedMillis > until)
            continue;
        if (!at_.taken.emplace(path.string(), info->modifiedMillis).second) continue;
        if (options_.recordBytes != 0 && info->sizeBytes % options_.recordBytes != 0)
            return fail(ErrorKind::kInvalid,
                        "a file of binary records ends inside a record: file=" + path.string() +
                            " size=" + std::to_string(info->sizeBytes) +
                            " record_length=" + std::to_string(options_.recordBytes));
        at_.waiting.push_back({path.string(), info->sizeBytes, info->modifiedMillis});
    }
    return {};
}

std::string FileSource::encode(const std::vector<TakenFile>& files, const Position& position) {
    core::ByteWriter out;
    encodeFiles(out, files);
    out.u8(position.previous ? 1 : 0);
    out.i64(position.previous ? toMillis(*position.previous) : 0);
    out.u32(static_cast<std::uint32_t>(position.taken.size()));
    for (const auto& [path, modified] : position.taken) {
        out.string(path);
        out.i64(modified);
    }
    encodeFiles(out, position.waiting);
    return std::move(out).bytes();
}

std::string FileSource::position() const { return encode({}, at_); }

Result<> FileSource::resume(std::string_view range) { return restore(range); }

Result<> FileSource::restore(std::string_view bytes) {
    core::ByteReader in(bytes);
    (void)decodeFiles(in);
    Position position;
    const bool known = in.u8() != 0;
    const auto previous = fromMillis(in.i64());
    if (known) position.previous = previous;
    for (std::uint32_t left = in.count(12); left > 0; --left) {
        std::string path(in.string(kPathBytesMax));
        position.taken[std::move(path)] = in.i64();
    }
    position.waiting = decodeFiles(in);
    if (!in.finished())
        return fail(ErrorKind::kCorrupt, "the recorded position of a file source does not parse");
    at_ = std::move(position);
    afterDowntime_ = true;
    return {};
}

Result<std::vector<TakenFile>> FileSource::filesOf(std::string_view range) {
    core::ByteReader in(range);
    auto files = decodeFiles(in);
    if (!in.ok())
        return fail(ErrorKind::kCorrupt, "the files recorded for a batch do not parse");
    return files;
}

std::vector<FilePiece> FileSource::piecesOf(const std::vector<TakenFile>& files) const {
    std::uint64_t size = kPieceBytes;
    if (options_.recordBytes != 0)
        size = std::max<std::uint64_t>(size / options_.recordBytes, 1) * options_.recordBytes;
    std::vector<FilePiece> pieces;
    for (const auto& file : files)
        for (std::uint64_t begin = 0; begin < file.sizeBytes; begin += size)
            pieces.push_back({&file, begin, std::min(begin + size, file.sizeBytes)});
    return pieces;
}

Result<> FileSource::checkUnchanged(const TakenFile& file) const {
    const auto info = files_.info(file.path);
    if (!info)
        return fail(ErrorKind::kNotFound, "a file that a recorded batch reads is gone; put it back: " +
                                              described(file) + ": " + info.error().message);
    if (info->sizeBytes != file.sizeBytes || info->modifiedMillis != file.modifiedMillis)
        return fail(ErrorKind::kConflict,
                    "a file changed after a batch chose it; put the former one back, and move files "
                    "into the directory only when they are complete: " + described(file) +
                        " size_now=" + std::to_string(info->sizeBytes) +
                        " modified_ms_now=" + std::to_string(info->modifiedMillis));
    return {};
}

// The first beginning of a line at or behind `offset`.
Result<std::uint64_t> FileSource::lineBeginAt(core::File& file, const TakenFile& of,
                                              std::uint64_t offset) const {
    if (offset == 0 || offset >= of.sizeBytes) return std::min(offset, of.sizeBytes);
    std::array<char, 4096> window;
    for (std::uint64_t at = offset - 1; at < of.sizeBytes;) {
        TM_ASSIGN(const auto got, file.readAt(at, window.data(), window.size()));
        if (got == 0) break;
        const auto newline = std::string_view(window.data(), got).find('\n');
        if (newline != std::string_view::npos) return at + newline + 1;
        at += got;
    }
    return of.sizeBytes;
}

Result<std::string_view> FileSource::read(const FilePiece& piece, core::Arena& arena) const {
    const TakenFile& of = *piece.file;
    TM_TRY(checkUnchanged(of));
    TM_ASSIGN(const auto file, files_.open(of.path, core::OpenMode::kRead));
    std::uint64_t begin = piece.begin;
    std::uint64_t end = piece.end;
    if (options_.recordBytes == 0) {
        TM_ASSIGN(begin, lineBeginAt(*file, of, begin));
        TM_ASSIGN(end, lineBeginAt(*file, of, end));
    }
    if (begin >= end) return std::string_view();
    const std::size_t size = end - begin;
    char* bytes = arena.allocate(size);
    TM_ASSIGN(const auto got, file->readAt(begin, bytes, size));
    TM_TRY(checkUnchanged(of));
    return std::string_view(bytes, got);
}

}  // namespace tidemill::sources
