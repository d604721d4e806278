#include "outputs/sql/postgres/connection.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <map>
#include <regex>

#include "core/logging.h"
#include "core/suggestion.h"

namespace tidemill::outputs {
namespace {

using core::ErrorKind;
using Clock = std::chrono::steady_clock;
using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

constexpr int kConnectSeconds = 10;
constexpr std::size_t kMessageBytesMax = 1024;

// "ERROR:  23505: text" as one line, without what a second and later lines add but the detail.
std::string oneLine(std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    for (char& c : text)
        if (c == '\n') c = ' ';
    if (text.size() > kMessageBytesMax) text.resize(kMessageBytesMax);
    return text;
}

std::string valueOf(const PQconninfoOption* options, std::string_view name) {
    for (; options != nullptr && options->keyword != nullptr; ++options)
        if (options->keyword == name && options->val != nullptr) return options->val;
    return {};
}

Options parsed(const std::string& connection, std::string& why) {
    char* said = nullptr;
    Options options(PQconninfoParse(connection.c_str(), &said), PQconninfoFree);
    if (said != nullptr) {
        why = oneLine(said);
        PQfreemem(said);
    }
    return options;
}

// What the server said while a connection was made has its state in the text only:
// "connection to server … failed: FATAL:  28P01: password authentication failed …".
std::string stateIn(const std::string& message) {
    static const std::regex kState(R"(:  ([0-9A-Z]{5}): )");
    std::smatch match;
    return std::regex_search(message, match, kState) ? match[1].str() : std::string();
}

// Such as no other attempt would mend, without a word from the server.
bool needsPerson(const std::string& message) {
    constexpr std::array kParts = {
        "certificate",          "private key",     "server does not support",
        "no password supplied", "invalid sslmode", "sslrootcert"};
    return std::any_of(kParts.begin(), kParts.end(),
                       [&](const char* part) { return message.find(part) != std::string::npos; });
}

ErrorKind kindOf(std::string_view state) {
    if (state == "53100") return ErrorKind::kNoSpace;
    if (state == "42P01" || state == "3D000" || state == "3F000") return ErrorKind::kNotFound;
    return state.starts_with("08") || state.empty() ? ErrorKind::kIo : ErrorKind::kInvalid;
}

// Waits until the socket is ready for what libpq is at; false: not before `until`.
bool await(PGconn* connection, PostgresPollingStatusType status, Clock::time_point until) {
    pollfd ready{PQsocket(connection),
                 static_cast<short>(status == PGRES_POLLING_READING ? POLLIN : POLLOUT), 0};
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    return left > 0 && ::poll(&ready, 1, static_cast<int>(left)) > 0;
}

}  // namespace

Trouble troubleOfSqlState(std::string_view state) {
    if (state.size() != 5) return Trouble::kPassing;  // the connection is lost
    // Lost, rolled back for others' sake, too busy, stopped by an administrator, or a standby that
    // may become the primary.
    constexpr std::array<std::string_view, 16> kPassing = {
        "25006", "25P03", "25P04", "40001", "40003", "40P01", "53000", "53200",
        "53300", "53400", "55P03", "57014", "57P01", "57P02", "57P03", "57P05"};
    const bool passes = state.starts_with("08") ||
                        std::find(kPassing.begin(), kPassing.end(), state) != kPassing.end();
    return passes ? Trouble::kPassing : Trouble::kPermanent;
}

core::Result<> checkPgConnection(const std::string& connection) {
    if (connection.find('\0') != std::string::npos)
        return core::fail(ErrorKind::kInvalid, "the connection string holds a NUL byte");
    std::string why;
    if (parsed(connection, why)) return {};
    // What is quoted may be a part of a password, unless it is nearly an option's name.
    const auto first = why.find('"'), last = why.rfind('"');
    if (first != why.npos && first != last) {
        std::vector<std::string> known;
        const Options defaults(PQconndefaults(), PQconninfoFree);
        for (const auto* option = defaults.get(); option != nullptr && option->keyword != nullptr;
             ++option)
            known.emplace_back(option->keyword);
        const auto near = core::suggestion(why.substr(first + 1, last - first - 1), known);
        if (near.starts_with(", did you mean")) why += near;
        else why.replace(first, last - first + 1, "\"…\"");
    }
    return core::fail(ErrorKind::kInvalid, "the connection string cannot be read: " + why);
}

std::string shownPgConnection(const std::string& connection) {
    std::string why, text;
    const auto given = parsed(connection, why);
    const Options defaults(PQconndefaults(), PQconninfoFree);
    for (const char* name : {"service", "host", "hostaddr", "port", "dbname", "user"}) {
        auto value = valueOf(given.get(), name);
        if (value.empty()) value = valueOf(defaults.get(), name);
        if (value.empty()) continue;
        text += (text.empty() ? "" : " ") + std::string(name) + "=" + core::escaped(value, 200);
    }
    return text;
}

SqlResult<std::unique_ptr<PgConnection>> PgConnection::open(const std::string& connection,
                                                            std::string place) {
    std::string why;
    const auto given = parsed(connection, why);
    // What stands in the string behind these is stronger; the client's encoding is ours.
    const std::array keywords = {"application_name",    "keepalives_idle",
                                 "keepalives_interval", "keepalives_count",
                                 "tcp_user_timeout",    "dbname",
                                 "client_encoding",     static_cast<const char*>(nullptr)};
    const std::array values = {"tidemill", "30",
                               "10",       "3",
                               "60000",    connection.c_str(),
                               "UTF8",     static_cast<const char*>(nullptr)};
    PGconn* const made = PQconnectStartParams(keywords.data(), values.data(), 1);
    if (made == nullptr) return passing(place + ": no memory for a connection");
    std::unique_ptr<PgConnection> owner(new PgConnection(made, std::move(place)));
    PQsetErrorVerbosity(made, PQERRORS_VERBOSE);
    PQsetNoticeProcessor(
        made, [](void*, const char* text) { core::logDebug("PostgreSQL says: " + oneLine(text)); },
        nullptr);
    int seconds = std::atoi(valueOf(given.get(), "connect_timeout").c_str());
    if (seconds <= 0) seconds = kConnectSeconds;
    const auto until = Clock::now() + std::chrono::seconds(seconds);
    auto status = PGRES_POLLING_WRITING;
    while (PQstatus(made) != CONNECTION_BAD && status != PGRES_POLLING_OK &&
           status != PGRES_POLLING_FAILED) {
        if (!await(made, status, until))
            return passing(owner->place_ + ": no answer in " + std::to_string(seconds) + " s");
        status = PQconnectPoll(made);
    }
    if (PQstatus(made) == CONNECTION_OK) {
        PQsetErrorVerbosity(made, PQERRORS_DEFAULT);
        return owner;
    }
    auto message = oneLine(PQerrorMessage(made));
    const auto state = stateIn(message);
    static const std::regex kLocation(R"(\s*LOCATION:  [^,]+, [^:]+:\d+)");
    message = owner->place_ + ": " + std::regex_replace(message, kLocation, "");
    const bool forGood = state.empty()
                             ? needsPerson(message) || PQconnectionNeedsPassword(made) != 0
                             : troubleOfSqlState(state) == Trouble::kPermanent;
    if (forGood) return refused(kindOf(state), std::move(message));
    return passing(std::move(message));
}

PgConnection::~PgConnection() { PQfinish(connection_); }

tl::unexpected<SqlFailure> PgConnection::failed(const PGresult* result) const {
    const auto said = [&](int which) {
        const char* text = result == nullptr ? nullptr : PQresultErrorField(result, which);
        return std::string(text == nullptr ? "" : text);
    };
    const auto state = said(PG_DIAG_SQLSTATE);
    std::string text = said(PG_DIAG_MESSAGE_PRIMARY);
    if (text.empty()) text = oneLine(PQerrorMessage(connection_));
    if (text.empty()) text = "the connection is lost";
    // "COPY totals, line 3"; the detail would show the row.
    if (const auto line = oneLine(said(PG_DIAG_CONTEXT)); !line.empty()) text += "; " + line;
    if (text.size() > kMessageBytesMax) text.resize(kMessageBytesMax);
    if (!state.empty()) text += " (SQL state " + state + ")";
    const bool isLost = PQstatus(connection_) != CONNECTION_OK;
    return tl::unexpected(
        SqlFailure{isLost ? Trouble::kPassing : troubleOfSqlState(state),
                   {isLost ? ErrorKind::kIo : kindOf(state), place_ + ": " + text}});
}

SqlResult<PgResult> PgConnection::run(const std::string& sql) {
    PgResult result(PQexec(connection_, sql.c_str()));
    const auto status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) return failed(result.get());
    return result;
}

SqlResult<> PgConnection::beginCopy(const std::string& sql) {
    const PgResult result(PQexec(connection_, sql.c_str()));
    if (PQresultStatus(result.get()) != PGRES_COPY_IN) return failed(result.get());
    return {};
}

SqlResult<> PgConnection::copy(std::string_view bytes) {
    if (PQputCopyData(connection_, bytes.data(), static_cast<int>(bytes.size())) == 1) return {};
    // Why the server went may be waiting to be read.
    const PgResult result(PQgetResult(connection_));
    return failed(PQresultStatus(result.get()) == PGRES_FATAL_ERROR ? result.get() : nullptr);
}

SqlResult<> PgConnection::endCopy() {
    if (PQputCopyEnd(connection_, nullptr) != 1) return failed(nullptr);
    const PgResult result(PQgetResult(connection_));
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) return failed(result.get());
    while (const PgResult more{PQgetResult(connection_)}) {
        if (PQresultStatus(more.get()) == PGRES_FATAL_ERROR) return failed(more.get());
    }
    return {};
}

std::string PgConnection::parameter(const char* name) const {
    const char* value = PQparameterStatus(connection_, name);
    return value == nullptr ? "" : value;
}

namespace {

std::string taken(char* text) {
    std::string copy(text == nullptr ? "" : text);
    PQfreemem(text);
    return copy;
}

}  // namespace

std::string PgConnection::name(std::string_view name) const {
    return taken(PQescapeIdentifier(connection_, name.data(), name.size()));
}

std::string PgConnection::literal(std::string_view text) const {
    return taken(PQescapeLiteral(connection_, text.data(), text.size()));
}

std::int64_t numberIn(const PgResult& result, int row, int column) {
    const auto text = field(result, row, column);
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

}  // namespace tidemill::outputs
