// The part of a sender's input that is read and not yet acknowledged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace tidemill::sources {

// Positions are bytes of the input from its start; lines are numbers of the session.
// Thread safety: externally synchronized.
class SendWindow {
public:
    explicit SendWindow(std::size_t bytesMax);

    // Forgets all; the next byte added is position 0 and begins line `linesBefore` + 1.
    void restart(std::uint64_t linesBefore);

    // Room for the next bytes of the input; empty when the window is full.
    std::span<char> room();
    // Filled the first `count` bytes of room().
    void added(std::size_t count);
    // The input has ended: gives a last line without an end its '\n'.
    void endLine();

    std::uint64_t lines() const { return lines_; }      // that have ended
    std::uint64_t end() const { return end_; }          // position behind the last byte
    std::uint64_t lineEnd() const { return lineEnd_; }  // behind the last '\n'

    // Lines up to `line` are not needed any more.
    void dropLines(std::uint64_t line);
    // Bytes before `position` are given up though they may be needed.
    void giveUp(std::uint64_t position);

    // Where line `line` + 1 begins; none when the window does not hold that place.
    std::optional<std::uint64_t> behindLine(std::uint64_t line) const;
    // Bytes from `position` on, up to the end of their piece.
    std::string_view bytes(std::uint64_t position) const;
    // Lines that end before `position`, which the window holds.
    std::uint64_t linesBefore(std::uint64_t position) const;

private:
    struct Piece {
        std::unique_ptr<char[]> data;
        std::size_t sizeBytes = 0;
        std::uint64_t start = 0;        // position of its first byte
        std::uint64_t linesBefore = 0;  // that end before it
        std::uint64_t lines = 0;        // that end in it
        bool beginsLine = false;        // its first byte begins line linesBefore + 1
    };
    const Piece* pieceAt(std::uint64_t position) const;
    void addPiece();
    void dropFirst();

    const std::size_t pieceBytes_;
    const std::size_t piecesMax_;
    std::deque<Piece> pieces_;
    std::vector<std::unique_ptr<char[]>> preallocated_;
    std::uint64_t lines_ = 0;
    std::uint64_t end_ = 0;
    std::uint64_t lineEnd_ = 0;
};

}  // namespace tidemill::sources
