#include "sources/known_files.h"

#include <optional>
#include <string>
#include <utility>

#include "core/byte_codec.h"

namespace tidemill::sources {

using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

constexpr std::uint8_t kHeaderTag = 0xF2;  // the first format's rows begin with another byte

}  // namespace

KnownFiles::Known* KnownFiles::find(FileId id) {
    const auto found = known_.find(id);
    return found == known_.end() ? nullptr : &found->second;
}

bool KnownFiles::wouldChange(const FileRange& range) const {
    return !range.pieces.empty() || !range.left.empty() || !range.forgotten.empty() ||
           range.begun != begun || !headerKept_;
}

void KnownFiles::apply(const FileRange& range) {
    if (!headerKept_ || begun != range.begun || oldBeforeMillis != range.oldBeforeMillis) {
        core::ByteWriter header;
        header.u8(kHeaderTag);
        header.u8(range.begun ? 1 : 0);
        header.i64(range.oldBeforeMillis);
        changes_.push_back({"", std::move(header).bytes()});
    }
    headerKept_ = true;
    begun = range.begun;
    oldBeforeMillis = range.oldBeforeMillis;
    for (const auto& piece : range.pieces)
        keep({{piece.file,
               piece.last && piece.compression == Compression::kNone ? piece.file.sizeBytes
                                                                     : piece.end,
               piece.last, piece.last ? std::string() : piece.path, piece.compression}});
    for (const auto& mark : range.left) keep({{mark, mark.sizeBytes, true, {}, {}}});
    for (const auto& id : range.forgotten) {
        known_.erase(id);
        unfinished_.erase(id);
        changes_.push_back({toString(id), std::nullopt});
    }
}

void KnownFiles::keep(Known known) {
    const FileId id = known.file.id;
    auto& kept = known_[id];
    known.complained = kept.complained && kept.file.bornNanos == known.file.bornNanos;
    changes_.push_back({toString(id), encode(static_cast<const KnownFile&>(known))});
    if (known.done) unfinished_.erase(id);
    else unfinished_.insert(id);
    kept = std::move(known);
}

std::vector<KnownFiles::PositionChange> KnownFiles::takeChanges() {
    return std::exchange(changes_, {});
}

Result<> KnownFiles::restore(std::string_view key, std::string_view value) {
    if (key.empty()) {
        core::ByteReader in(value);
        const auto tag = in.u8();
        begun = in.u8() != 0;
        oldBeforeMillis = in.i64();
        if (tag != kHeaderTag || !in.finished())
            return fail(ErrorKind::kUnsupported,
                        "the data directory keeps positions of files in another format than this "
                        "build reads: begin a new data directory, into which "
                        "existing = \"take\" takes all files again");
        headerKept_ = true;
        return {};
    }
    FileId id;
    if (!parseFileId(key, id))
        return fail(ErrorKind::kCorrupt, "the key of a known file's row does not parse");
    TM_ASSIGN(auto known, decodeKnownFile(id, value));
    if (!known.done) unfinished_.insert(id);
    known_[id] = Known{std::move(known)};
    return {};
}

}  // namespace tidemill::sources
