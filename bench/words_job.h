// The word count of words.durable as a job file.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

namespace tidemill::bench {

// Written to `work`; it dials `port` on this machine. `more` is appended. Returns its path.
inline std::string writeWordsJob(int port, const std::filesystem::path& work,
                                 const std::string& more = {}) {
    const auto path = work / "job.toml";
    std::ofstream(path) << "[job]\nname = \"words\"\ninterval = \"250ms\"\n"
                           "[checkpoint]\ninterval = \"2s\"\nlog_bytes = 0\n"
                           "[[source]]\ntype = \"socket\"\nport = "
                        << port
                        << "\n"
                           "[[step]]\ndo = \"split\"\n"
                           "[[step]]\ndo = \"count\"\nname = \"counts\"\n"
                           "[[step]]\ndo = \"running_totals\"\nname = \"totals\"\n"
                           "[[output]]\nto = \"print\"\nfrom = \"counts\"\n"
                        << more;
    return path.string();
}

}  // namespace tidemill::bench
