#include "sources/unix_path.h"

#include <sys/un.h>

#include "core/logging.h"

namespace tidemill::sources {

using core::ErrorKind;
using core::fail;

std::optional<std::string> unixPathOf(std::string_view address) {
    if (!address.starts_with(kUnixPrefix)) return std::nullopt;
    return std::string(address.substr(kUnixPrefix.size()));
}

core::Result<> checkUnixPath(const std::string& path) {
    constexpr std::size_t kMost = sizeof(sockaddr_un::sun_path) - 1;
    if (path.empty())
        return fail(ErrorKind::kInvalid, "unix: needs the path of a socket, unix:/run/lines.sock");
    if (path.find('\0') != path.npos)
        return fail(ErrorKind::kInvalid,
                    "the path of a Unix socket has a zero byte: " + core::escaped(path, 200));
    if (path.size() > kMost)
        return fail(ErrorKind::kInvalid, "the path of a Unix socket has " +
                                             std::to_string(path.size()) + " bytes, but at most " +
                                             std::to_string(kMost) +
                                             " fit into its address: " + core::escaped(path, 200));
    return {};
}

}  // namespace tidemill::sources
