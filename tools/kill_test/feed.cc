#include "tools/kill_test/feed.h"

#include <algorithm>
#include <random>

#include "core/file_system.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kFeedBytesMax = std::uint64_t{1} << 30;
constexpr std::uint64_t kGeneratedLines = 2000;  // a piece
constexpr std::uint64_t kWords = 5000;

Result<Feed> written(const std::string& text, std::uint64_t count, const fs::path& directory,
                     const std::string& name) {
    Feed feed;
    feed.bytes = text.size();
    feed.lines = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
    if (feed.lines < count)
        return core::fail(ErrorKind::kInvalid,
                          "the feed has " + std::to_string(feed.lines) +
                              " lines, fewer than there are rounds: " + std::to_string(count));
    std::size_t at = 0;
    for (std::uint64_t piece = 1; piece <= count; ++piece) {
        // To the end of the line that its share of the bytes ends in, and each has a line.
        auto end = piece == count ? text.size() : text.size() / count * piece;
        end = std::max(end, at + 1);
        if (end < text.size()) end = text.find('\n', end - 1) + 1;
        feed.pieces.push_back(directory / (name + "-" + std::to_string(piece)));
        TM_TRY(core::publishFile(core::posixFileSystem(), feed.pieces.back(),
                                 text.substr(std::min(at, text.size()), end - at)));
        at = end;
    }
    return feed;
}

}  // namespace

Result<Feed> cutFeed(const fs::path& file, std::uint64_t count, const fs::path& directory,
                     const std::string& name) {
    auto& files = core::posixFileSystem();
    TM_ASSIGN(const auto info, files.info(file));
    if (info.sizeBytes > kFeedBytesMax)
        return core::fail(ErrorKind::kInvalid,
                          "the feed is larger than 1 GiB: file=" + file.string() +
                              " bytes=" + std::to_string(info.sizeBytes));
    TM_ASSIGN(auto text, core::readWholeFile(files, file, kFeedBytesMax));
    if (!text.empty() && text.back() != '\n') text += '\n';
    auto feed = written(text, count, directory, name);
    if (!feed) feed.error().message += ": file=" + file.string();
    else feed->from = file.string();
    return feed;
}

Result<Feed> generateFeed(std::uint64_t seed, std::uint64_t count, const fs::path& directory,
                          const std::string& name) {
    std::mt19937_64 random(seed);
    std::string text;
    for (std::uint64_t line = 0; line < count * kGeneratedLines; ++line) {
        for (int word = 0; word < 4; ++word) {
            const double u = static_cast<double>(random() >> 11) * 0x1p-53;
            text += "w" + std::to_string(static_cast<std::uint64_t>(u * u * u * kWords)) + " ";
        }
        text += std::to_string(random() % 1000) + "\n";
    }
    auto feed = written(text, count, directory, name);
    if (feed) feed->from = "generated lines of words";
    return feed;
}

}  // namespace tidemill::tools
