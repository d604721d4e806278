#include "sources/file_range.h"

#include <charconv>

#include "core/byte_codec.h"

namespace tidemill::sources {

using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

// The first format began with the number of files, and had no version. The second knew no
// compressed files, and is else the same.
constexpr std::uint32_t kRangeTag = 0xF1'1E'00'03;
constexpr std::uint32_t kRangeTagBefore = 0xF1'1E'00'02;
constexpr std::uint8_t kRowVersion = 3;
constexpr std::uint8_t kRowVersionBefore = 2;
constexpr std::size_t kPathBytesMax = 4096;

void write(core::ByteWriter& out, const FileMark& mark) {
    out.u64(mark.id.device);
    out.u64(mark.id.inode);
    out.i64(mark.bornNanos);
    out.u64(mark.sizeBytes);
    out.i64(mark.modifiedNanos);
    out.u32(mark.headBytes);
    out.u64(mark.headHash);
}

FileMark readMark(core::ByteReader& in) {
    FileMark mark;
    mark.id.device = in.u64();
    mark.id.inode = in.u64();
    mark.bornNanos = in.i64();
    mark.sizeBytes = in.u64();
    mark.modifiedNanos = in.i64();
    mark.headBytes = in.u32();
    mark.headHash = in.u64();
    return mark;
}

// A bit for the last piece of a file, or for one that is done; two for how it is compressed.
std::uint8_t flagsOf(bool last, Compression compression) {
    return static_cast<std::uint8_t>((last ? 1 : 0) | (static_cast<unsigned>(compression) << 1));
}

// False: there is no such compression.
bool readFlags(std::uint8_t flags, bool& last, Compression& compression) {
    last = (flags & 1) != 0;
    compression = static_cast<Compression>(flags >> 1);
    return compression <= Compression::kZstd;
}

}  // namespace

std::string encode(const FileRange& range) {
    core::ByteWriter out;
    out.u32(kRangeTag);
    out.u32(range.recordBytesMax);
    out.u8(range.begun ? 1 : 0);
    out.i64(range.oldBeforeMillis);
    out.list(range.pieces, [&](const FilePiece& piece) {
        write(out, piece.file);
        out.u64(piece.begin);
        out.u64(piece.end);
        out.u8(flagsOf(piece.last, piece.compression));
        out.u64(piece.tailHash);
        out.string(piece.path);
    });
    out.list(range.left, [&](const FileMark& mark) { write(out, mark); });
    out.list(range.forgotten, [&](const FileId& id) {
        out.u64(id.device);
        out.u64(id.inode);
    });
    return std::move(out).bytes();
}

std::size_t encodedBytes(const FilePiece& piece) {
    return kEncodedMarkBytes + 8 + 8 + 1 + 8 + 4 + piece.path.size();
}

Result<FileRange> decodeFileRange(std::string_view bytes) {
    core::ByteReader in(bytes);
    if (const auto tag = in.u32(); tag != kRangeTag && tag != kRangeTagBefore)
        return fail(ErrorKind::kUnsupported,
                    "a recorded batch names files in another format than this build reads: run the "
                    "build that wrote it to a graceful stop first, or begin a new data directory");
    FileRange range;
    range.recordBytesMax = in.u32();
    range.begun = in.u8() != 0;
    range.oldBeforeMillis = in.i64();
    bool piecesFit = true;
    in.list(range.pieces, kEncodedMarkBytes + 29, [&](FilePiece& piece) {
        piece.file = readMark(in);
        piece.begin = in.u64();
        piece.end = in.u64();
        piecesFit = readFlags(in.u8(), piece.last, piece.compression) && piecesFit;
        piece.tailHash = in.u64();
        piece.path = in.string(kPathBytesMax);
        piecesFit = piecesFit && piece.begin <= piece.end &&
                    (piece.compression != Compression::kNone || piece.end <= piece.file.sizeBytes);
    });
    if (!piecesFit)
        return fail(ErrorKind::kCorrupt, "a recorded piece of a file does not lie in it");
    in.list(range.left, kEncodedMarkBytes, [&](FileMark& mark) { mark = readMark(in); });
    in.list(range.forgotten, 16, [&](FileId& id) {
        id.device = in.u64();
        id.inode = in.u64();
    });
    if (!in.finished())
        return fail(ErrorKind::kCorrupt, "the files recorded for a batch do not parse");
    return range;
}

std::string toString(FileId id) {
    std::array<char, 40> text;
    auto* at = std::to_chars(text.data(), text.data() + text.size(), id.device, 16).ptr;
    *at++ = '-';
    at = std::to_chars(at, text.data() + text.size(), id.inode, 16).ptr;
    return {text.data(), at};
}

bool parseFileId(std::string_view text, FileId& into) {
    const char* const end = text.data() + text.size();
    const auto device = std::from_chars(text.data(), end, into.device, 16);
    if (device.ec != std::errc() || device.ptr == end || *device.ptr != '-') return false;
    const auto inode = std::from_chars(device.ptr + 1, end, into.inode, 16);
    return inode.ec == std::errc() && inode.ptr == end;
}

std::string encode(const KnownFile& known) {
    core::ByteWriter out;
    out.u8(kRowVersion);
    out.u8(flagsOf(known.done, known.done ? Compression::kNone : known.compression));
    out.i64(known.file.bornNanos);
    out.u64(known.file.sizeBytes);
    out.i64(known.file.modifiedNanos);
    out.u32(known.file.headBytes);
    out.u64(known.file.headHash);
    out.u64(known.readTo);
    if (!known.done) out.string(known.path);
    return std::move(out).bytes();
}

Result<KnownFile> decodeKnownFile(FileId id, std::string_view bytes) {
    core::ByteReader in(bytes);
    const auto version = in.u8();
    KnownFile known;
    const bool isSound = readFlags(in.u8(), known.done, known.compression);
    known.file.id = id;
    known.file.bornNanos = in.i64();
    known.file.sizeBytes = in.u64();
    known.file.modifiedNanos = in.i64();
    known.file.headBytes = in.u32();
    known.file.headHash = in.u64();
    known.readTo = in.u64();
    if (!known.done) known.path = in.string(kPathBytesMax);
    if (in.ok() && version != kRowVersion && version != kRowVersionBefore)
        return fail(ErrorKind::kUnsupported,
                    "the row of a known file has the version " + std::to_string(version) +
                        ", this build reads version " + std::to_string(kRowVersion));
    if (!in.finished() || !isSound)
        return fail(ErrorKind::kCorrupt, "the row of a known file does not parse");
    return known;
}

}  // namespace tidemill::sources
