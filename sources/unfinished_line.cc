#include "sources/unfinished_line.h"

#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include <xxhash.h>

namespace tidemill::sources {

UnfinishedLineNote::UnfinishedLineNote(int fd, const std::string& server,
                                       const std::string& session)
    : fd_(fd) {
    // Names of attributes are short, those of sessions need not be.
    const std::string who = server + " " + session;
    char name[48];
    std::snprintf(name, sizeof name, "user.tidemill.sent.%016llx",
                  static_cast<unsigned long long>(XXH3_64bits(who.data(), who.size())));
    attribute_ = name;
}

std::optional<UnfinishedLineNote::Line> UnfinishedLineNote::read() const {
    char text[64];
    const auto size = ::fgetxattr(fd_, attribute_.c_str(), text, sizeof text - 1);
    if (size <= 0) return std::nullopt;
    text[size] = '\0';
    unsigned long long number = 0;
    long long end = 0;
    if (std::sscanf(text, "%llu %lld", &number, &end) != 2) return std::nullopt;
    return Line{number, static_cast<off_t>(end)};
}

core::Result<> UnfinishedLineNote::write(const Line& line) const {
    const auto text = std::to_string(line.number) + " " + std::to_string(line.end);
    if (::fsetxattr(fd_, attribute_.c_str(), text.data(), text.size(), 0) == 0) return {};
    return core::failErrno(errno, "setting an extended attribute of the input failed");
}

void UnfinishedLineNote::remove() const { ::fremovexattr(fd_, attribute_.c_str()); }

bool hasGrownInside(int fd, off_t end) {
    char next[2];
    const auto count = ::pread(fd, next, sizeof next, end);
    if (count <= 0 || next[0] == '\n') return false;
    if (next[0] != '\r') return true;
    // A '\r' before the line end is no part of the line.
    return count == 2 && next[1] != '\n';
}

}  // namespace tidemill::sources
