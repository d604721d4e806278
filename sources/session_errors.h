// What the server of the acknowledged text protocol says in `error TEXT`. Thread safety: immutable.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace tidemill::sources {

inline constexpr std::string_view kErrorTooManyConnections = "too many connections";
inline constexpr std::string_view kErrorSlowLine = "a line took too long to end";
inline constexpr std::string_view kErrorUnfinishedBudget = "too many bytes in unfinished lines";
inline constexpr std::string_view kErrorLogFailed = "the log takes nothing more";
inline constexpr std::string_view kErrorNoSession = "no session was named in time";
inline constexpr std::string_view kErrorTakenOver = "another connection has taken the session over";
inline constexpr std::string_view kErrorTlsOnly =
    "this source speaks TLS only: connect with TLS (tidemill send --tls)";
inline constexpr std::string_view kErrorToken =
    "the token is missing or wrong; the first line must be: token TOKEN";
inline constexpr std::string_view kErrorNoToken = "TLS and token took too long";
inline constexpr std::string_view kErrorStale = "the session is fed by another connection";

// Whether the same client may succeed when it simply tries again.
inline bool isPassing(std::string_view error) {
    constexpr std::array kPassing = {kErrorTooManyConnections, kErrorSlowLine,
                                     kErrorUnfinishedBudget,   kErrorLogFailed,
                                     kErrorNoSession,          kErrorNoToken};
    return std::find(kPassing.begin(), kPassing.end(), error) != kPassing.end();
}

}  // namespace tidemill::sources
