// Cuts the bytes of one connection into blocks of whole lines, without copying them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/buffer_pool.h"
#include "sources/record_assembler.h"

namespace tidemill::sources {

// A line is copied when the end of a buffer cuts it, and else lies in its block as it was read.
// Thread safety: externally synchronized.
class LineAssembler final : public RecordAssembler {
public:
    // The first line to come has number `firstLine`.
    LineAssembler(core::BufferPool& pool, LineLimits limits, std::uint64_t firstLine);

    void startAt(std::uint64_t firstLine) override { firstLine_ = firstLine; }
    Room makeRoom() override;
    std::span<char> room() override;
    bool added(std::size_t count) override;
    bool hasLines() const override { return lines_ + oversize_ != 0; }
    Cut take() override;
    void releaseBuffer() override;
    bool holdsBuffer() const override { return static_cast<bool>(buffer_); }
    bool insideLine() const override { return skipping_ || unfinishedBytes() != 0; }
    std::size_t unfinishedBytes() const override {
        return buffer_ ? used_ - lineStart_ : carry_.size();
    }
    void finishLine() override;
    void dropLine() override;
    void discard() override;

private:
    std::size_t afterOversizeEnd(std::size_t from);
    std::size_t removeOversize(std::size_t begin, std::size_t end);
    void noteOversize(std::uint64_t line);
    core::Buffer acquire(std::size_t needed);

    core::BufferPool& pool_;
    const LineLimits limits_;
    const std::size_t capacityMax_;
    std::size_t nextCapacity_ = core::BufferPool::kSmallestBytes;

    core::Buffer buffer_;
    std::size_t used_ = 0;       // bytes in buffer_
    std::size_t lineStart_ = 0;  // behind the last line end in buffer_
    std::vector<char> carry_;    // the unfinished line while there is no buffer
    bool skipping_ = false;      // inside an oversize line, whose bytes are gone
    bool filled_ = false;        // the open block ran out of room

    std::uint64_t firstLine_;
    std::uint32_t lines_ = 0;
    std::uint32_t oversize_ = 0;
    std::vector<LineRange> oversizeLines_;
};

}  // namespace tidemill::sources
