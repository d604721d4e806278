#include "recovery/manifest.h"

#include <algorithm>
#include <set>

#include "core/byte_codec.h"
#include "core/crc32c.h"

namespace tidemill::recovery {
namespace {

using core::ErrorKind;

constexpr std::string_view kMagic = "TMILLGEN";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kNameBytesMax = 255;
constexpr std::size_t kChecksumBytesMax = 256;

// A manifest from elsewhere must not reach outside its directory.
bool plainName(std::string_view name) {
    return !name.empty() && name != "." && name != ".." &&
           std::none_of(name.begin(), name.end(), [](char c) { return c == '/' || c == '\0'; });
}

}  // namespace

std::string encodeManifest(const Manifest& manifest) {
    core::ByteWriter out;
    out.raw(kMagic.data(), kMagic.size());
    out.u16(kVersion);
    out.u16(kVersion);  // the oldest reader that understands this
    out.string(core::encodeBatchMark(manifest.mark));
    out.list(manifest.files, [&](const core::CheckpointFile& file) {
        out.string(file.name);
        out.u64(file.sizeBytes);
        out.string(file.checksumFunction);
        out.string(file.checksum);
    });
    out.u32(core::crc32c(0, out.bytes().data(), out.bytes().size()));
    return std::move(out).bytes();
}

core::Result<Manifest> decodeManifest(std::string_view bytes) {
    const auto damaged = [](const std::string& what) {
        return core::fail(ErrorKind::kCorrupt, "manifest is damaged: " + what);
    };
    if (bytes.size() < kMagic.size() + 8 || !bytes.starts_with(kMagic))
        return damaged("it does not begin with " + std::string(kMagic));
    core::ByteReader in(bytes.substr(kMagic.size(), bytes.size() - kMagic.size() - 4));
    const auto version = in.u16();
    const auto readerMin = in.u16();
    core::ByteReader end(bytes.substr(bytes.size() - 4));
    const auto expected = end.u32();
    const auto actual = core::crc32c(0, bytes.data(), bytes.size() - 4);
    if (expected != actual)
        return damaged("checksum mismatch: expected=" + std::to_string(expected) +
                       " actual=" + std::to_string(actual));
    if (readerMin > kVersion)
        return core::fail(ErrorKind::kUnsupported,
                          "manifest has format version " + std::to_string(version) +
                              ", this build reads up to " + std::to_string(kVersion));
    Manifest manifest;
    const auto mark = in.string(kManifestBytesMax);
    std::set<std::string_view> names;
    bool namesFit = true;
    in.list(manifest.files, 20, [&](core::CheckpointFile& file) {
        file.name = in.string(kNameBytesMax);
        file.sizeBytes = in.u64();
        file.checksumFunction = in.string(kChecksumBytesMax);
        file.checksum = in.string(kChecksumBytesMax);
        namesFit =
            namesFit && (!in.ok() || (plainName(file.name) && names.insert(file.name).second));
    });
    if (!namesFit) return damaged("a file's name is not plain or occurs twice");
    if (!in.finished()) return damaged("it does not parse");
    TM_ASSIGN(manifest.mark, core::decodeBatchMark(mark));
    return manifest;
}

}  // namespace tidemill::recovery
