#include "core/logging.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/log_target.h"
#include "core/secrets.h"

namespace tidemill::core {
namespace {

// So long a line waits for a reader that does not read.
constexpr int kRoomMillis = 1000;

#define TM_LOG_TIME "%Y-%m-%dT%H:%M:%S.%e%z"

// The message as a JSON string, which logfmt takes too.
class Quoted final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm&,
                spdlog::memory_buf_t& into) override {
        const nlohmann::json text(std::string(message.payload.data(), message.payload.size()));
        const auto quoted = text.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        into.append(quoted.data(), quoted.data() + quoted.size());
    }
    std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<Quoted>();
    }
};

std::unique_ptr<spdlog::formatter> formatterOf(LogFormat format) {
    auto made = std::make_unique<spdlog::pattern_formatter>();
    made->add_flag<Quoted>('Q');
    switch (format) {
        case LogFormat::kText: made->set_pattern(TM_LOG_TIME " %l %v"); break;
        case LogFormat::kLogfmt: made->set_pattern("time=" TM_LOG_TIME " level=%l msg=%Q"); break;
        case LogFormat::kJson:
            made->set_pattern("{\"time\": \"" TM_LOG_TIME
                              "\", \"level\": \"%l\", \"message\": %Q}");
            break;
    }
    return made;
}

// Each line in one write, so that lines of two processes do not mix.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    LineSink() : base_sink(formatterOf(LogFormat::kText)) {}
    ~LineSink() override { closeFile(); }

    Result<> setTarget(std::string file, LogFormat format) {
        const std::lock_guard lock(mutex_);
        TM_TRY(open(file));
        file_ = std::move(file);
        set_formatter_(formatterOf(format));
        return {};
    }
    Result<> reopen() {
        const std::lock_guard lock(mutex_);
        return file_.empty() ? Result<>() : open(file_);
    }
    std::string file() {
        const std::lock_guard lock(mutex_);
        return file_;
    }

private:
    Result<> open(const std::string& file) {
        int opened = STDERR_FILENO;
        if (!file.empty()) {
            opened = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
            if (opened < 0)
                return fail(ErrorKind::kIo,
                            "the log file cannot be opened: " + std::string(std::strerror(errno)) +
                                ": file=" + file);
        }
        closeFile();
        descriptor_ = opened;
        cut_ = false;
        return {};
    }
    void closeFile() {
        if (descriptor_ != STDERR_FILENO) ::close(descriptor_);
    }

    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        // What a full disk cut off ends where the next line begins.
        if (cut_) line.push_back('\n');
        formatter_->format(message, line);
        std::size_t written = 0;
        const bool whole = put(descriptor_, line, written);
        if (descriptor_ == STDERR_FILENO) return;
        cut_ = !whole && (cut_ || written != 0);
        if (!whole) put(STDERR_FILENO, line, written = 0);
    }
    void flush_() override {}

    static bool put(int descriptor, const spdlog::memory_buf_t& line, std::size_t& written) {
        while (written < line.size()) {
            const auto count = ::write(descriptor, line.data() + written, line.size() - written);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0 && errno == EAGAIN) {  // somebody made it non-blocking
                pollfd room{descriptor, POLLOUT, 0};
                if (::poll(&room, 1, kRoomMillis) == 1) continue;
                return false;
            }
            if (count <= 0) return false;
            written += static_cast<std::size_t>(count);
        }
        return true;
    }

    int descriptor_ = STDERR_FILENO;
    bool cut_ = false;  // the file ends inside a line
    std::string file_;
};

LineSink& sink() {
    static const auto instance = std::make_shared<LineSink>();
    return *instance;
}

spdlog::logger& logger() {
    // Not owned: both live as long as the process.
    static const auto instance = std::make_shared<spdlog::logger>(
        "tidemill", std::shared_ptr<spdlog::sinks::sink>(&sink(), [](auto*) {}));
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

Result<> setLogTarget(const std::string& file, LogFormat format) {
    return sink().setTarget(file, format);
}

Result<> reopenLog() { return sink().reopen(); }

std::string logFile() { return sink().file(); }

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
