#include "core/logging.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "core/secrets.h"

namespace tidemill::core {
namespace {

spdlog::logger& logger() {
    static const auto instance = [] {
        auto made = std::make_shared<spdlog::logger>(
            "tidemill", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
        made->flush_on(spdlog::level::info);
        return made;
    }();
    return *instance;
}

}  // namespace

void setLogLevel(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug: logger().set_level(spdlog::level::debug); break;
        case LogLevel::kInfo: logger().set_level(spdlog::level::info); break;
        case LogLevel::kWarning: logger().set_level(spdlog::level::warn); break;
        case LogLevel::kError: logger().set_level(spdlog::level::err); break;
        case LogLevel::kOff: logger().set_level(spdlog::level::off); break;
    }
}

void logDebug(std::string_view message) {
    if (logger().should_log(spdlog::level::debug)) logger().debug("{}", withoutSecrets(message));
}
void logInfo(std::string_view message) {
    if (logger().should_log(spdlog::level::info)) logger().info("{}", withoutSecrets(message));
}
void logWarning(std::string_view message) {
    if (logger().should_log(spdlog::level::warn)) logger().warn("{}", withoutSecrets(message));
}
void logError(std::string_view message) {
    if (logger().should_log(spdlog::level::err)) logger().error("{}", withoutSecrets(message));
}

std::string escaped(std::string_view bytes, std::size_t bytesMax) {
    constexpr char kHex[] = "0123456789abcdef";
    std::string out;
    for (const char c : bytes.substr(0, bytesMax)) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\n') {
            out += "\\n";
        } else if (c == '\t') {
            out += "\\t";
        } else if (c == '\r') {
            out += "\\r";
        } else if (c == '\\') {
            out += "\\\\";
        } else if (byte < 0x20 || byte >= 0x7F) {
            out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
        } else {
            out += c;
        }
    }
    if (bytes.size() > bytesMax) out += "…";
    return out;
}

}  // namespace tidemill::core
