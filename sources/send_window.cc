#include "sources/send_window.h"

#include <algorithm>
#include <utility>

#include "sources/line_scan.h"

namespace tidemill::sources {
namespace {

constexpr std::size_t kPieceBytesMax = 1 << 20;
constexpr std::size_t kPieceBytesMin = 4 << 10;

}  // namespace

SendWindow::SendWindow(std::size_t bytesMax)
    : pieceBytes_(std::clamp(bytesMax / 4, kPieceBytesMin, kPieceBytesMax)),
      piecesMax_(std::max<std::size_t>(bytesMax / pieceBytes_, 2)) {}

void SendWindow::restart(std::uint64_t linesBefore) {
    while (!pieces_.empty()) dropFirst();
    lines_ = linesBefore;
    end_ = lineEnd_ = 0;
}

std::span<char> SendWindow::room() {
    if (pieces_.empty() || pieces_.back().sizeBytes == pieceBytes_) {
        if (pieces_.size() >= piecesMax_) return {};
        addPiece();
    }
    Piece& last = pieces_.back();
    return {last.data.get() + last.sizeBytes, pieceBytes_ - last.sizeBytes};
}

void SendWindow::addPiece() {
    Piece piece;
    if (preallocated_.empty()) {
        piece.data.reset(new char[pieceBytes_]);
    } else {
        piece.data = std::move(preallocated_.back());
        preallocated_.pop_back();
    }
    piece.start = end_;
    piece.linesBefore = lines_;
    piece.beginsLine = end_ == lineEnd_;
    pieces_.push_back(std::move(piece));
}

void SendWindow::added(std::size_t count) {
    Piece& last = pieces_.back();
    const char* const begin = last.data.get() + last.sizeBytes;
    if (const char* newline = lastLineEnd(begin, begin + count)) {
        const std::size_t ended = countLineEnds({begin, count});
        last.lines += ended;
        lines_ += ended;
        lineEnd_ = end_ + static_cast<std::uint64_t>(newline - begin) + 1;
    }
    last.sizeBytes += count;
    end_ += count;
}

void SendWindow::endLine() {
    if (end_ == lineEnd_) return;
    // May exceed the budget by this byte: without it the line would never end.
    if (pieces_.empty() || pieces_.back().sizeBytes == pieceBytes_) addPiece();
    pieces_.back().data[pieces_.back().sizeBytes] = '\n';
    added(1);
}

void SendWindow::dropFirst() {
    if (preallocated_.size() < 16) preallocated_.push_back(std::move(pieces_.front().data));
    pieces_.pop_front();
}

void SendWindow::dropLines(std::uint64_t line) {
    // A piece in which line + 1 begins stays, even when nothing ends behind that place.
    while (!pieces_.empty()) {
        const Piece& first = pieces_.front();
        const std::uint64_t linesUntilEnd = first.linesBefore + first.lines;
        const bool endsWithLine = first.sizeBytes != 0 && first.data[first.sizeBytes - 1] == '\n';
        if (linesUntilEnd > line || (linesUntilEnd == line && !endsWithLine)) return;
        dropFirst();
    }
}

void SendWindow::giveUp(std::uint64_t position) {
    while (!pieces_.empty() && pieces_.front().start + pieces_.front().sizeBytes <= position)
        dropFirst();
}

const SendWindow::Piece* SendWindow::pieceAt(std::uint64_t position) const {
    for (const Piece& piece : pieces_)
        if (position >= piece.start && position < piece.start + piece.sizeBytes) return &piece;
    return nullptr;
}

std::optional<std::uint64_t> SendWindow::behindLine(std::uint64_t line) const {
    if (line == lines_ && end_ == lineEnd_) return end_;
    for (const Piece& piece : pieces_) {
        const char* at = piece.data.get();
        if (line == piece.linesBefore && piece.beginsLine) return piece.start;
        if (line <= piece.linesBefore || line > piece.linesBefore + piece.lines) continue;
        const char* const end = at + piece.sizeBytes;
        for (std::uint64_t left = line - piece.linesBefore; left != 0; --left)
            at = firstLineEnd(at, end) + 1;
        return piece.start + static_cast<std::uint64_t>(at - piece.data.get());
    }
    return std::nullopt;
}

std::string_view SendWindow::bytes(std::uint64_t position) const {
    const Piece* const piece = pieceAt(position);
    if (piece == nullptr) return {};
    const auto offset = static_cast<std::size_t>(position - piece->start);
    return {piece->data.get() + offset, piece->sizeBytes - offset};
}

std::uint64_t SendWindow::linesBefore(std::uint64_t position) const {
    const Piece* const piece = pieceAt(position);
    if (piece == nullptr) return lines_;
    return piece->linesBefore +
           countLineEnds({piece->data.get(), static_cast<std::size_t>(position - piece->start)});
}

}  // namespace tidemill::sources
