// Cuts the bytes of one connection into blocks of whole records of CSV, each with its length in
// front (core::Framing::kPrefixed), so that whoever reads a block need not look for quotes again.
// Private to sources/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/buffer_pool.h"
#include "core/csv_records.h"
#include "sources/record_assembler.h"

namespace tidemill::sources {

// A record that becomes longer than the limit ends as core::CsvCutter says; a line that is too
// long by itself is taken out. Bytes are read into the last fifth of what is free in the buffer and
// moved up behind the record that is open; lengths take up to four times what a read brings.
// Thread safety: externally synchronized.
class CsvAssembler final : public RecordAssembler {
public:
    CsvAssembler(core::BufferPool& pool, LineLimits limits, CsvRecords csv);

    void startAt(std::uint64_t firstLine) override { firstLine_ = firstLine; }
    Room makeRoom() override;
    std::span<char> room() override;
    bool added(std::size_t count) override;
    bool hasLines() const override { return records_ + oversize_ != 0; }
    Cut take() override;
    void releaseBuffer() override;
    bool holdsBuffer() const override { return static_cast<bool>(buffer_); }
    bool insideLine() const override { return skipping_ || unfinishedBytes() != 0; }
    std::size_t unfinishedBytes() const override {
        return buffer_ ? used_ - recordBegin() : carry_.size();
    }
    void finishLine() override;
    void dropLine() override;
    void discard() override;

private:
    static constexpr std::size_t kLengthBytes = 4;

    std::size_t recordBegin() const { return blockEnd_ + kLengthBytes; }
    std::size_t roomBytes() const { return (buffer_.capacity() - used_) / 5; }
    void open(core::Buffer buffer);
    void endLine();
    void skipIfTooLong();
    void breakRecord();
    void endRecord(std::size_t end);
    void beginRecord();

    core::BufferPool& pool_;
    const LineLimits limits_;
    const std::size_t capacityMax_;
    std::size_t nextCapacity_ = core::BufferPool::kSmallestBytes;
    core::CsvCutter cutter_;

    // In buffer_: whole records up to blockEnd_, room for a length, then the open record up to
    // used_, the last line of which begins at lineBegin_.
    core::Buffer buffer_;
    std::size_t blockEnd_ = 0;
    std::size_t lineBegin_ = 0;
    std::size_t used_ = 0;
    std::vector<char> carry_;      // the open record while there is no buffer
    std::size_t carriedLine_ = 0;  // where its last line begins
    bool skipping_ = false;        // inside of a line that is too long, whose bytes are gone

    std::uint64_t firstLine_ = 1;
    std::uint32_t records_ = 0;
    std::uint32_t oversize_ = 0;
};

}  // namespace tidemill::sources
