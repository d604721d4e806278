// The other programs of a benchmark, and what they use of the machine.
#pragma once

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace tidemill::bench {

[[noreturn]] inline void die(const std::string& message) {
    std::cerr << "benchmark: " << message << "\n";
    std::exit(1);
}

// Starts a program; its standard output goes to `output`, and so does its standard error when
// `quiet`.
inline pid_t startProgram(const std::vector<std::string>& arguments, const std::string& output,
                          bool quiet = false) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    std::vector<char*> raw;
    for (const auto& argument : arguments) raw.push_back(const_cast<char*>(argument.c_str()));
    raw.push_back(nullptr);
    if (std::freopen(output.c_str(), "w", stdout) == nullptr) ::_exit(126);
    if (quiet && ::dup2(STDOUT_FILENO, STDERR_FILENO) < 0) ::_exit(126);
    ::execv(raw[0], raw.data());
    ::_exit(127);
}

struct Usage {
    double cpuSeconds = 0;
    double peakMebibytes = 0;
};

// Waits for a child; one that failed ends the benchmark.
inline Usage awaitChild(pid_t child, const std::string& what) {
    int status = 0;
    rusage usage{};
    if (::wait4(child, &status, 0, &usage) != child || status != 0) die(what + " failed");
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return {seconds(usage.ru_utime) + seconds(usage.ru_stime),
            static_cast<double>(usage.ru_maxrss) / 1024};
}

// CPU time that a running process has used so far.
inline double cpuSecondsOf(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

inline double residentMebibytesOf(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("VmRSS:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
    return 0;
}

inline std::string contentsOf(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

// The number under `name` in a line of JSON; 0 when it is not there.
inline double jsonNumber(const std::string& text, const std::string& name) {
    const auto at = text.find("\"" + name + "\":");
    return at == text.npos ? 0 : std::strtod(text.c_str() + at + name.size() + 3, nullptr);
}

}  // namespace tidemill::bench
