// postgres.copy: lines of an access log in memory to rows of a PostgreSQL table, as a job file with
// one batch, next to the same by hand: a loop over the lines that sends them with libpq's COPY, in
// one transaction. By turns, on the same server; what the tables hold is compared.
//
// postgres_copy SERVER [--lines=N] [--runs=N] [--upsert] [--json]
// SERVER: bench/private_postgres. --upsert: by way of a key, next to the same statements by hand.
#include <libpq-fe.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "bench/arguments.h"
#include "bench/process.h"
#include "bench/report.h"
#include "bench/row_text.h"
#include "core/logging.h"
#include "tidemill/tidemill.h"
#include "tools/job_file.h"
#include "tools/job_plan.h"

namespace {

namespace fs = std::filesystem;
using namespace tidemill;
using namespace tidemill::bench;
using Clock = std::chrono::steady_clock;

constexpr const char* kColumns = "number, host, path, status, bytes";

// A number in front of each line, which makes it a key.
std::string numbered(std::size_t lines) {
    const std::string plain = rowText(RowsBy::kCsv, lines);
    std::string text;
    std::size_t number = 0;
    for (std::size_t at = 0; at < plain.size();) {
        const auto end = plain.find('\n', at) + 1;
        text += std::to_string(number++) + ",";
        text.append(plain, at, end - at);
        at = end;
    }
    return text;
}

class Server {
public:
    explicit Server(const std::string& connection) : connection_(PQconnectdb(connection.c_str())) {
        if (PQstatus(connection_) != CONNECTION_OK) die(PQerrorMessage(connection_));
    }
    ~Server() { PQfinish(connection_); }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::string run(const std::string& sql) const {
        PGresult* const result = PQexec(connection_, sql.c_str());
        const auto status = PQresultStatus(result);
        if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_COPY_IN)
            die(PQerrorMessage(connection_));
        std::string first;
        if (PQntuples(result) > 0) first = PQgetvalue(result, 0, 0);
        PQclear(result);
        return first;
    }
    void put(const std::string& bytes) const {
        if (PQputCopyData(connection_, bytes.data(), static_cast<int>(bytes.size())) != 1)
            die(PQerrorMessage(connection_));
    }
    void end() const {
        PQputCopyEnd(connection_, nullptr);
        while (PGresult* const result = PQgetResult(connection_)) {
            if (PQresultStatus(result) != PGRES_COMMAND_OK) die(PQerrorMessage(connection_));
            PQclear(result);
        }
    }

private:
    PGconn* const connection_;
};

std::string tableOf(const std::string& name, bool hasKey) {
    return "drop table if exists " + name + "; create table " + name + " (number bigint" +
           (hasKey ? " primary key" : "") +
           ", host text, path text, status bigint, bytes bigint); checkpoint";
}

// Fields of a line of CSV whose third may be quoted.
void appendText(std::string& out, std::string_view line) {
    std::string_view fields[6];
    for (auto& field : fields) {
        if (line.starts_with('"')) {
            field = line.substr(1, line.find('"', 1) - 1);
            line.remove_prefix(std::min(line.size(), field.size() + 3));
            continue;
        }
        field = line.substr(0, line.find(','));
        line.remove_prefix(std::min(line.size(), field.size() + 1));
    }
    const auto escaped = [&](std::string_view text) {
        for (const char c : text) {
            if (c == '\\') out += '\\';
            out += c;
        }
    };
    const auto number = [&](std::string_view text) {
        std::int64_t value = 0;
        std::from_chars(text.data(), text.data() + text.size(), value);
        char digits[24];
        out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
    };
    number(fields[0]);
    out += '\t';
    escaped(fields[1]);
    out += '\t';
    escaped(fields[3]);
    out += '\t';
    number(fields[4]);
    out += '\t';
    number(fields[5]);
    out += '\n';
}

double runHand(const Server& server, std::string_view text, bool hasKey) {
    server.run(tableOf("by_hand", hasKey));
    const auto begun = Clock::now();
    server.run("begin");
    if (hasKey)
        server.run(
            "create temp table rows_by_hand on commit drop as select * from by_hand with no "
            "data");
    server.run(std::string("copy ") + (hasKey ? "rows_by_hand" : "by_hand") + " (" + kColumns +
               ") from stdin");
    std::string piece;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = text.find('\n', at);
        appendText(piece, text.substr(at, end - at));
        at = end + 1;
        if (piece.size() < (64 << 10)) continue;
        server.put(piece);
        piece.clear();
    }
    server.put(piece);
    server.end();
    if (hasKey)
        server.run(
            "insert into by_hand select * from rows_by_hand on conflict (number) do update "
            "set host = excluded.host, path = excluded.path, status = excluded.status, "
            "bytes = excluded.bytes");
    server.run("commit");
    return std::chrono::duration<double>(Clock::now() - begun).count();
}

double runOutput(const Server& server, const std::string& connection, std::string_view text,
                 bool hasKey) {
    server.run(tableOf("by_job", hasKey));
    server.run("drop table if exists tidemill_progress");
    const std::string file =
        "[job]\nname = \"rows\"\non_error = \"stop\"\n[[source]]\nname = \"lines\"\ntype = "
        "\"listen\"\nport = 0\n"
        "[[step]]\ndo = \"fields\"\nby = \"csv\"\nfields = {number = {at = 1, type = \"int\"}, "
        "host = {at = 2, type = \"text\"}, path = {at = 4, type = \"text\"}, status = {at = 5, "
        "type = \"int\"}, bytes = {at = 6, type = \"int\"}}\n"
        "[[output]]\nto = \"postgres\"\ntable = \"by_job\"\nconnection = \"" +
        connection + "\"\n" + (hasKey ? "mode = \"upsert\"\nkey = \"number\"\n" : "");
    auto job = core::orThrow(tools::parseJobFile(file, "rows.toml"));
    job.options.interval = Duration(1);
    job.options.maxBatchBytes = text.size() + 1;
    StreamingContext context(job.options);
    core::orThrow(tools::planJob(job, context, {{"lines", context.memoryTextStream(text)}}));
    context.start();
    while (context.status().batches.batches == 0) std::this_thread::sleep_for(1ms);
    context.stop();
    return std::chrono::duration<double>(context.status().batches.processingTotal).count();
}

std::string outputOfCommand(const std::string& command) {
    std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    char line[512] = "";
    if (!pipe || std::fgets(line, sizeof line, pipe.get()) == nullptr) die(command + " failed");
    return std::string(line, std::string_view(line).find('\n'));
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 5);
    if (arguments.plain.size() != 1)
        die("usage: postgres_copy bench/private_postgres [--lines=N] [--runs=N] [--upsert]");
    core::setLogLevel(core::LogLevel::kWarning);
    const auto lines = static_cast<std::size_t>(arguments.number("--lines", 1'000'000));
    const bool hasKey = arguments.has("--upsert");
    const std::string text = numbered(lines);
    const std::string directory =
        fs::temp_directory_path() / ("postgres_copy." + std::to_string(::getpid()));
    const auto connection = outputOfCommand(arguments.plain[0] + " start " + directory);
    std::vector<double> ours, hand, ratio;
    {
        const Server server(connection);
        runHand(server, text, hasKey);  // warm
        for (int run = 0; run < arguments.runs; ++run) {
            hand.push_back(runHand(server, text, hasKey));
            ours.push_back(runOutput(server, connection, text, hasKey));
            ratio.push_back(hand.back() / ours.back());
            const std::string columns(kColumns);
            if (server.run("select count(*) from (select " + columns +
                           " from by_hand except select " + columns + " from by_job) t") != "0" ||
                server.run("select count(*) from by_job") != std::to_string(lines))
                die("the tables differ");
        }
    }
    (void)std::system((arguments.plain[0] + " stop " + directory).c_str());
    const double million = static_cast<double>(lines) / 1e6;
    Figure{hasKey ? "postgres.upsert" : "postgres.copy",
           million / median(ours),
           "million rows/s",
           median(ratio),
           million / median(hand),
           {},
           ratio}
        .print(arguments.json);
    return 0;
}
