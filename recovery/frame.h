// One frame of the log: a block or a batch record. Format: docs/formats/wal.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/block.h"
#include "core/error.h"
#include "core/ids.h"
#include "recovery/log_uuid.h"

namespace tidemill::recovery {

inline constexpr std::size_t kFrameAlignment = 8;
inline constexpr std::size_t kFrameHeaderBytes = 24;
inline constexpr std::size_t kFrameChecksumBytes = 4;
// The largest buffer, and room for what describes it.
inline constexpr std::size_t kFramePayloadBytesMax = (64 << 20) + (128 << 10);

enum class FrameType : std::uint32_t {
    kData = 1,
    kBatchRecord = 2,
};

struct FrameHeader {
    std::uint32_t payloadBytes = 0;
    FrameType type = FrameType::kData;
    core::Lsn lsn;
    core::Lsn knownDurable;  // highest LSN known durable when the frame was written; below lsn
    bool operator==(const FrameHeader&) const = default;
};

// Bytes of a frame in its segment, padding included.
constexpr std::uint64_t frameBytes(std::uint64_t payloadBytes) {
    const std::uint64_t raw = kFrameHeaderBytes + payloadBytes + kFrameChecksumBytes;
    return (raw + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment;
}

// Checksum that the frames of an epoch continue.
std::uint32_t frameSeed(const LogUuid& uuid, std::uint32_t epoch);

// Appends kFrameHeaderBytes.
void encodeFrameHeader(const FrameHeader& header, std::string& out);
// Nothing when the bytes cannot be a header: unknown type, length beyond the maximum, LSN 0, or
// one that calls itself durable. Needs kFrameHeaderBytes at `bytes`.
std::optional<FrameHeader> decodeFrameHeader(const char* bytes);

// Appends the checksum and the padding of a frame with a payload of `payloadBytes`.
void encodeFrameEnd(std::uint32_t crc, std::uint64_t payloadBytes, std::string& out);

// A whole frame, for small ones.
std::string encodeFrame(const FrameHeader& header, std::string_view payload, std::uint32_t seed);

// What stands before a block's bytes in a data frame's payload.
std::string encodeBlockOrigin(const core::BlockOrigin& origin);
std::size_t blockOriginBytes(const core::BlockOrigin& origin);

struct DataPayload {
    core::BlockOrigin origin;
    std::string_view bytes;
};

// Errors: kCorrupt.
core::Result<DataPayload> decodeDataPayload(std::string_view payload);

}  // namespace tidemill::recovery
