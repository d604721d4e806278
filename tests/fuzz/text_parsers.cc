// What people write, or see and write back.
#include <algorithm>

#include "core/rate.h"
#include "sources/endpoint.h"
#include "tests/fuzz/parsers.h"
#include "tools/dead_letter_file.h"
#include "tools/job_file.h"
#include "tools/typed_bytes.h"

namespace tidemill::fuzz {
namespace {

// Files that it names, such as those of secrets, are opened when the job is run or checked.
void parseJob(std::string_view bytes) {
    const auto job = tools::parseJobFile(std::string(bytes), "job.toml");
    if (!job) require(!job.error().message.empty(), "a refusal without a reason");
}

void parseAddress(std::string_view bytes) {
    const auto endpoint = sources::parseEndpoint(bytes);
    if (!endpoint) return require(!endpoint.error().message.empty(), "a refusal without a reason");
    const auto again = sources::parseEndpoint(sources::hostAndPort(endpoint->host, endpoint->port));
    require(again && again->host == endpoint->host && again->port == endpoint->port,
            "another address");
}

void parseRateText(std::string_view bytes) { (void)parseRate(bytes); }

void parseLetter(std::string_view bytes) {
    const auto letter = tools::parseDeadLetter(std::string(bytes), "letters", 1);
    if (!letter) require(!letter.error().message.empty(), "a refusal without a reason");
}

// The types are the first line, a key as it is shown the second.
void parseShownKey(std::string_view bytes) {
    const auto end = std::min(bytes.find('\n'), bytes.size());
    const auto types = tools::typesOf(bytes.substr(0, end));
    const auto text = bytes.substr(std::min(end + 1, bytes.size()));
    (void)tools::shownValue(types.value, text);
    std::string json;
    tools::appendTypedKey(json, types.key, text);
    const auto key = tools::typedKey(types.key, std::string(text));
    if (!key) return;
    const auto again = tools::typedKey(types.key, tools::shownKey(types.key, *key));
    require(again && *again == *key, "a key that is shown as another one");
}

constexpr const char* kJob = R"job([job]
name = "count"
interval = "1s"
[[source]]
name = "lines"
type = "socket"
host = "localhost"
port = 9999
[[step]]
do = "fields"
format = "json"
fields = { path = "text", bytes = "int" }
[[step]]
do = "filter"
where = "bytes > 10"
[[step]]
do = "aggregate"
key = ["path"]
compute = { n = "count()",
                     total = "sum(bytes)"
}
window = "10s"
[[output]]
to = "json_lines"
path = "out"
)job";

}  // namespace

std::vector<Parser> textParsers() {
    return {
        {"job_file", parseJob, {kJob}},
        {"address", parseAddress, {"example.org:80", "[::1]:9", "unix:/run/a", "4040"}},
        {"rate", parseRateText, {"5000 records/s", "3MiB/s", "64 kB/s"}},
        {"dead_letter",
         parseLetter,
         {R"({"batch":1,"time_ms":2,"operation":"map 2","kind":"line","record":"x","error":"y"})"}},
        {"shown_key", parseShownKey, {"runningTotals key=string value=i64\na\\x00b"}},
    };
}

}  // namespace tidemill::fuzz
