#include "sources/file_batch.h"

#include <algorithm>
#include <cstring>

#include "core/cut_lines.h"
#include "core/line_count.h"
#include "core/logging.h"

namespace tidemill::sources {

using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

// A task reads about this much of a large file, or small files of so many bytes or so many files.
constexpr std::uint64_t kSpanBytes = 8 << 20;
constexpr std::uint64_t kSmallFilesBytes = 1 << 20;
constexpr std::size_t kSmallFiles = 64;
// Line ends are looked for in steps of this size.
constexpr std::uint64_t kStepBytes = 16 << 10;
// Of text that is decompressed only to come to a place, between two words about it.
constexpr std::uint64_t kSkipBytes = 1 << 30;

// Where the first '\n' of [begin, end) stands; `end`: there is none.
Result<std::uint64_t> findLineEnd(FileText& text, std::uint64_t begin, std::uint64_t end) {
    std::string bytes;
    for (auto at = begin; at < end;) {
        bytes.resize(std::min(kStepBytes, end - at));
        TM_ASSIGN(const auto got, text.readAt(at, bytes.data(), bytes.size()));
        if (const auto* newline = static_cast<const char*>(std::memchr(bytes.data(), '\n', got)))
            return at + static_cast<std::uint64_t>(newline - bytes.data());
        if (got < bytes.size()) break;
        at += got;
    }
    return end;
}

}  // namespace

FileBatch::FileBatch(FileSource& source, FileRange range)
    : source_(source), range_(std::move(range)), open_(range_.pieces.size()) {
    cut();
}

void FileBatch::cut() {
    std::uint64_t spanBytes = kSpanBytes;
    if (const auto record = source_.options().recordBytes; record != 0)
        spanBytes = std::max<std::uint64_t>(spanBytes / record, 1) * record;
    std::uint64_t small = 0;  // bytes of small files in the last partition; 0: it is closed
    for (std::uint32_t i = 0; i < range_.pieces.size(); ++i) {
        const auto& piece = range_.pieces[i];
        const auto size = piece.end - piece.begin;
        if (size < kSmallFilesBytes) {
            if (small == 0 || small + size > kSmallFilesBytes ||
                partitions_.back().spans.size() >= kSmallFiles) {
                partitions_.emplace_back();
                small = 0;
            }
            partitions_.back().spans.push_back({i, piece.begin, piece.end});
            small += size;
            ++open_[i].readers;
            continue;
        }
        small = 0;
        // Records of CSV are looked for from the piece's beginning on.
        if (source_.options().csv) spanBytes = size;
        for (auto begin = piece.begin; begin < piece.end; begin += spanBytes) {
            partitions_.emplace_back();
            partitions_.back().spans.push_back({i, begin, std::min(begin + spanBytes, piece.end)});
            ++open_[i].readers;
        }
    }
}

Result<std::vector<std::string_view>> FileBatch::read(std::uint32_t partition, core::Arena& arena) {
    auto& of = partitions_[partition];
    std::call_once(of.once, [&] {
        of.texts = readAll(of, arena);
        if (of.texts) countRead(partition);
    });
    return of.texts;
}

void FileBatch::countRead(std::uint32_t partition) {
    const auto& options = source_.options();
    std::uint64_t bytes = 0, records = 0;
    for (const auto text : *partitions_[partition].texts) {
        bytes += text.size();
        if (options.recordBytes != 0) records += text.size() / options.recordBytes;
        else if (!options.csv) records += core::countLines(text);
    }
    source_.countTaken(0, bytes);
    if (!options.csv) count(partition, records);
}

void FileBatch::count(std::uint32_t partition, std::uint64_t records) {
    if (!partitions_[partition].counted.exchange(true)) source_.countTaken(records, 0);
}

Result<std::vector<std::string_view>> FileBatch::readAll(const Partition& partition,
                                                         core::Arena& arena) {
    std::vector<std::string_view> texts;
    for (const auto& span : partition.spans) TM_TRY(readSpan(span, arena, texts));
    return texts;
}

Result<> FileBatch::visitRecords(const core::ReplayableSource::Visit& visit) {
    const std::size_t recordBytes = source_.options().recordBytes;
    for (const auto& partition : partitions_) {
        for (const auto& span : partition.spans) {
            const auto& path = range_.pieces[span.piece].path;
            core::Arena arena;
            std::vector<std::string_view> texts;
            TM_TRY(readSpan(span, arena, texts));
            const auto each = [&](std::string_view record) {
                visit(path, record);
                return true;
            };
            for (auto text : texts) {
                if (source_.options().csv) core::cutCsvRecords(text, csvCutter(), each, [] {});
                else if (recordBytes == 0) core::cutLines(text, each);
                else
                    for (; text.size() >= recordBytes; text.remove_prefix(recordBytes))
                        each(text.substr(0, recordBytes));
            }
        }
    }
    return {};
}

Result<> FileBatch::readSpan(const Span& span, core::Arena& arena,
                             std::vector<std::string_view>& into) {
    auto& of = open_[span.piece];
    const auto& piece = range_.pieces[span.piece];
    std::call_once(of.once, [&] { of.text = open(piece); });
    TM_ASSIGN(const auto text, of.text);
    if (text) {
        const auto size = static_cast<std::size_t>(span.end - span.begin);
        if (source_.options().recordBytes != 0) {
            TM_ASSIGN(const auto bytes, text->read(span.begin, size, arena));
            into.push_back(bytes);
        } else if (source_.options().csv) {
            TM_ASSIGN(const auto records, text->read(span.begin, size, arena));
            withoutLongLines(records, into);
        } else {
            const auto textEnd = text->readableEnd(piece.file.sizeBytes);
            TM_ASSIGN(const auto lines, readLines(*text, span, textEnd, arena));
            withoutLongLines(lines, into);
        }
    }
    if (--of.readers == 0 && text && text->file() != nullptr) {
        // It may have been cut off or written to while it was read.
        if (auto checked = check(*text->file(), *text, piece, piece.path); !checked)
            TM_TRY(lost(checked.error()));
        of.text = nullptr;
    }
    return {};
}

core::CsvCutter FileBatch::csvCutter() const {
    const std::size_t longest = range_.recordBytesMax;
    return {source_.options().csv.value_or(CsvRecords{}), longest == 0 ? SIZE_MAX / 2 : longest};
}

// Whole lines: from the first one that begins in the span to the end of the last one that does.
Result<std::string_view> FileBatch::readLines(FileText& text, const Span& span,
                                              std::uint64_t textEnd, core::Arena& arena) {
    std::uint64_t begin = span.begin;
    if (begin != 0) {
        TM_ASSIGN(const auto newline, findLineEnd(text, begin - 1, span.end - 1));
        if (newline == span.end - 1) return std::string_view();  // no line begins here
        begin = newline + 1;
    }
    std::uint64_t end = span.end;
    if (end < textEnd) {
        // A line that goes on beyond the longest that counts is cut off there, and left out below.
        const std::uint64_t longest = range_.recordBytesMax == 0 ? textEnd : range_.recordBytesMax;
        const auto limit = longest >= textEnd - end ? textEnd : end + longest + 2;
        TM_ASSIGN(const auto newline, findLineEnd(text, end - 1, std::min(limit, textEnd)));
        end = std::min({newline + 1, limit, textEnd});
    }
    return text.read(begin, static_cast<std::size_t>(end - begin), arena);
}

// Also of records of CSV: a line that is too long is none, and ends the one before.
// Long lines are rare: the text is gone through in steps as long as the longest that counts.
void FileBatch::withoutLongLines(std::string_view text, std::vector<std::string_view>& into) {
    const std::size_t longest = range_.recordBytesMax;
    if (longest == 0) return into.push_back(text);
    std::size_t begin = 0;  // of what is kept
    std::size_t line = 0;   // a line begins here
    std::uint64_t left = 0;
    while (text.size() - line > longest) {
        // The last line end that a line from here on may have, with a '\r' before it.
        const auto reach = std::min(line + longest + 1, text.size() - 1);
        auto newline = text.rfind('\n', reach);
        if (newline != text.npos && newline >= line &&
            (newline < line + longest + 1 || text[newline - 1] == '\r' ||
             text.find('\n', line) < newline)) {
            line = newline + 1;
            continue;
        }
        if (line > begin) into.push_back(text.substr(begin, line - begin));
        ++left;
        newline = text.find('\n', line);
        line = newline == text.npos ? text.size() : newline + 1;
        begin = line;
    }
    if (text.size() > begin) into.push_back(text.substr(begin));
    if (left != 0) source_.countOversize(left);
}

Result<std::shared_ptr<FileText>> FileBatch::open(const FilePiece& piece) {
    const bool isPlain = piece.compression == Compression::kNone;
    auto path = piece.path;
    auto text = source_.access().held(piece.file.id);
    if (text && isPlain) {
        auto checked = check(*text->file(), *text, piece, path);
        return checked ? text : lost(checked.error());
    }
    // What was decompressed when the batch was planned is what it chose.
    if (text && text->holds(piece.begin, piece.end)) return text;
    const auto file = find(piece, path);
    if (!file) return lost(file.error());
    text = FileText::of(*file, piece.compression, range_.recordBytesMax);
    auto sound = isPlain ? Result<>{} : decompress(*text, piece);
    if (sound) sound = check(**file, *text, piece, path);
    return sound ? text : lost(sound.error());
}

Result<std::shared_ptr<core::File>> FileBatch::find(const FilePiece& piece, std::string& path) {
    auto same = source_.access().openSame(piece.file, path);
    if (same) return same;
    if (same.error().kind != ErrorKind::kNotFound)
        return fail(same.error().kind, "a file that a recorded batch reads cannot be read: " +
                                           described(piece) + ": " + same.error().message);
    // Another file may have been put in its place that holds the same.
    path = piece.path;
    auto other = source_.access().files().open(path, core::OpenMode::kRead);
    if (!other)
        return fail(other.error().kind,
                    "a file that a recorded batch reads is gone or cannot be read: " +
                        described(piece) + ": " + other.error().message);
    return std::shared_ptr<core::File>(std::move(*other));
}

Result<> FileBatch::decompress(FileText& text, const FilePiece& piece) {
    for (std::uint64_t steps = 1;; ++steps) {
        auto there = text.skipTo(piece.begin, kSkipBytes);
        if (!there)
            return fail(there.error().kind, described(piece) + ": " + there.error().message);
        if (*there) break;
        core::logInfo(
            "a compressed file is read again from its beginning, for a batch that is "
            "run again: " +
            described(piece) + " so_far=" + std::to_string(steps * kSkipBytes));
    }
    TM_ASSIGN(const auto reach, text.reach(piece.begin, piece.end - piece.begin));
    if (reach.end >= piece.end) return {};
    return fail(ErrorKind::kConflict,
                "a file changed after a batch chose it: " + described(piece) + ": " +
                    (reach.damage ? reach.damage->message
                                  : "its text ends at byte " + std::to_string(reach.end)));
}

// That the file holds the bytes that the batch chose. What its data says of it does for a file that
// nobody has changed; else the bytes at the ends of the piece do, so that a file may have grown.
Result<> FileBatch::check(core::File& file, FileText& text, const FilePiece& piece,
                          const std::string& path) {
    TM_ASSIGN(const auto info, file.info());
    const FileMark& mark = piece.file;
    const bool same =
        FileId{info.device, info.inode} == mark.id && info.bornNanos == mark.bornNanos;
    if (same && info.sizeBytes == mark.sizeBytes && info.modifiedNanos == mark.modifiedNanos)
        return {};
    bool holds = piece.compression != Compression::kNone || info.sizeBytes >= piece.end;
    if (holds) {
        TM_ASSIGN(const auto head, headHashOf(file, mark.headBytes));
        TM_ASSIGN(const auto tail, tailHashOf(text, piece.begin, piece.end));
        holds = head == mark.headHash && tail == piece.tailHash;
    }
    if (!holds)
        return fail(ErrorKind::kConflict,
                    "a file changed after a batch chose it: " + described(piece) +
                        " size_now=" + std::to_string(info.sizeBytes));
    if (FileId{info.device, info.inode} != mark.id || info.bornNanos != mark.bornNanos) {
        FileMark instead = mark;
        instead.id = {info.device, info.inode};
        instead.bornNanos = info.bornNanos;
        instead.modifiedNanos = info.modifiedNanos;
        source_.takeInstead(instead);
        core::logInfo("a file stands in for the one that a batch chose, and holds the same: file=" +
                      path);
    }
    return {};
}

std::string FileBatch::described(const FilePiece& piece) {
    return "file=" + piece.path + " size=" + std::to_string(piece.file.sizeBytes) + " bytes " +
           std::to_string(piece.begin) + " to " + std::to_string(piece.end);
}

Result<std::shared_ptr<FileText>> FileBatch::lost(core::Error error) {
    if (source_.options().onLostData == LostData::kStop) {
        error.message += "; " + std::string(kWayOut);
        return fail(std::move(error));
    }
    core::logWarning(error.message + "; these bytes are left out");
    return std::shared_ptr<FileText>();
}

}  // namespace tidemill::sources
