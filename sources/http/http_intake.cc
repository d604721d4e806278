#include "sources/http/http_intake.h"

#include <microhttpd.h>

#include <algorithm>
#include <utility>

#include "core/failpoint.h"
#include "core/logging.h"
#include "sources/http/append_lines.h"
#include "sources/http/http_check.h"

namespace tidemill::sources::http {
namespace {

using Stage = Connection::Stage;

// What a client sends behind a refusal is read up to here, so that it sees the answer.
constexpr std::uint64_t kSwallowedBytesMax = 64 << 20;
constexpr std::chrono::seconds kReportEvery{10};
constexpr unsigned kRetrySoonSeconds = 1;
constexpr unsigned kRetryLaterSeconds = 5;

Answer comeAgain(std::string why, unsigned seconds) {
    Answer answer{503, std::move(why) + "; nothing was taken, send it again"};
    answer.retrySeconds = seconds;
    return answer;
}

// Of a request whose lines may be in the log or not.
Answer notKnown(const std::string& why) {
    Answer answer{503, why +
                           "; whether the records were taken is not known: send them again "
                           "within a session to have each once"};
    answer.retrySeconds = kRetryLaterSeconds;
    return answer;
}

}  // namespace

HttpIntake::HttpIntake(std::shared_ptr<Network> network, core::SourceId source, HttpListen listen,
                       core::SourceObserver* observer)
    : network_(std::move(network)),
      source_(source),
      listen_(std::move(listen)),
      label_(listen_.label.empty() ? "source " + core::toString(source) : listen_.label),
      observer_(observer),
      lanes_(lanePrefix(listen_.options.path)),
      connections_(listen_.options),
      timer_(network_->loop().io()) {}

HttpIntake::~HttpIntake() { stop(false); }

std::unique_ptr<Request> HttpIntake::begin(MHD_Connection* connection, std::string_view path,
                                           std::string_view method) {
    const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    auto request = std::make_unique<Request>();
    request->connection = static_cast<Connection*>(info->socket_context);
    connections_.enters(*request->connection, Stage::kReading);
    request->head = readHead(connection, path, method, rules_);
    request->answer = request->connection->refusal;
    if (!request->answer) request->answer = std::move(request->head.refusal);
    if (!request->answer) request->answer = cannotTake();
    if (!request->answer) request->body.emplace(request->head.isGzip, rules_.requestBytesMax);
    return request;
}

bool HttpIntake::more(Request& request, std::string_view piece) {
    if (request.answer) {
        request.swallowedBytes += piece.size();
        return request.swallowedBytes <= kSwallowedBytesMax;
    }
    request.answer = request.body->take(piece);
    if (request.answer) request.body.reset();
    connections_.holds(*request.connection, request.body ? request.body->heldBytes() : 0);
    return true;
}

bool HttpIntake::handle(MHD_Connection* connection, std::string_view path, std::string_view method,
                        std::string_view piece, Request*& request) {
    if (request == nullptr) {
        request = begin(connection, path, method).release();
        if (!request->answer) return true;
        const bool isLong = request->head.bodyBytes.value_or(0) > kSwallowedBytesMax;
        if (!request->answer->closes && !request->head.waitsForContinue && !isLong) return true;
        request->answer->closes = true;  // its body is not read
        return answer(connection, *request);
    }
    if (!piece.empty()) return more(*request, piece);
    if (!request->answer) {
        auto atOnce = complete(connection, *request);
        if (!atOnce) return true;
        request->answer = std::move(atOnce);
    }
    return answer(connection, *request);
}

std::optional<Answer> HttpIntake::cannotTake() {
    if (logFailed_) return comeAgain("the log takes nothing more", kRetryLaterSeconds);
    if (stopping_) return comeAgain("the job is stopping", kRetryLaterSeconds);
    if (paused_)
        return comeAgain("receiving is paused: by an operator, or until the disk has room",
                         kRetryLaterSeconds);
    if (allowedBytes_ == 0) return comeAgain("max_rate is used up", kRetrySoonSeconds);
    return std::nullopt;
}

std::optional<Answer> HttpIntake::complete(MHD_Connection* connection, Request& request) {
    if (auto refusal = cannotTake()) return refusal;
    if (request.head.asksOnly) {
        const auto lines = network_->log().sessionLines(lanes_ + request.head.session);
        return awaitDurable(connection, request, network_->log().last(), taken(0, lines));
    }
    if (auto refusal = request.body->finish()) return refusal;
    return append(connection, request);
}

std::optional<Answer> HttpIntake::append(MHD_Connection* connection, Request& request) {
    const auto recordBytesMax = network_->lineLimits().recordBytesMax;
    const auto counted = linesOf(request.body->text(), recordBytesMax);
    if (counted.tooLong != 0)
        return Answer{413, "line " + std::to_string(counted.tooLong) + " of the body has " +
                               std::to_string(counted.tooLongBytes) + " bytes; at most " +
                               std::to_string(recordBytesMax) +
                               " are taken (max_record_bytes); nothing of the request was taken"};
    const bool ofSession = !request.head.session.empty();
    LinesToLog lines;
    lines.source = source_;
    lines.text = request.body->text();
    lines.count = counted.count;
    lines.sessionsMax = network_->sessionsMax();
    lines.connection = request.connection->number;
    lines.firstLine = ofSession ? request.head.firstLine : request.connection->nextLine;
    if (ofSession) lines.lane = lanes_ + request.head.session;
    const auto logged = appendLines(network_->log(), network_->pool(), lines);
    using Outcome = Logged::Outcome;
    switch (logged.outcome) {
        case Outcome::kDone: break;
        case Outcome::kGap: {
            Answer answer{409, "the session is at line " + std::to_string(logged.position) +
                                   ", so line " + std::to_string(logged.position + 1) +
                                   " is next; the request begins with line " +
                                   std::to_string(lines.firstLine) + ", nothing was taken"};
            answer.durable = logged.position;
            return awaitDurable(connection, request, network_->log().last(), std::move(answer));
        }
        case Outcome::kTooManySessions:
            return Answer{429, "there are " + std::to_string(lines.sessionsMax) +
                                   " sessions already (max_sessions); nothing was taken"};
        case Outcome::kNoMemory:
            report(
                "requests are answered 503: what was received fills the memory for it "
                "(receive_budget) until batches have taken some");
            return comeAgain("received data fills the memory for it (receive_budget)",
                             kRetrySoonSeconds);
        case Outcome::kFailed: return comeAgain("the log takes nothing more", kRetryLaterSeconds);
    }
    hasTaken(logged.taken, logged.taken == 0 ? 0 : request.body->text().size());
    request.body.reset();
    connections_.holds(*request.connection, 0);
    if (!ofSession) request.connection->nextLine += counted.count;
    return awaitDurable(
        connection, request, logged.lsn,
        taken(logged.taken, ofSession ? std::optional(logged.position) : std::nullopt));
}

void HttpIntake::hasTaken(std::uint64_t records, std::uint64_t bytes) {
    records_ += records;
    bytes_ += bytes;
    auto allowed = allowedBytes_.load();
    while (allowed != core::Allowance::kUnlimited &&
           !allowedBytes_.compare_exchange_weak(allowed, allowed - std::min(allowed, bytes))) {
    }
}

std::optional<Answer> HttpIntake::awaitDurable(MHD_Connection* connection, Request& request,
                                               core::Lsn lsn, Answer answer) {
    connections_.enters(*request.connection, Stage::kWaiting);
    {
        const std::lock_guard lock(mutex_);
        if (gaveUp_) return notKnown(*gaveUp_);
        request.answer = std::move(answer);
        MHD_suspend_connection(connection);
        waiting_.push_back({lsn, connection, &request});
    }
    // It may be durable already, and nobody would say so again.
    resumeDurable();
    return std::nullopt;
}

void HttpIntake::resumeDurable() {
    const auto durable = network_->log().durable();
    std::vector<MHD_Connection*> ready;
    {
        const std::lock_guard lock(mutex_);
        for (; !waiting_.empty() && waiting_.front().lsn <= durable; waiting_.pop_front())
            ready.push_back(waiting_.front().connection);
    }
    for (auto* connection : ready) MHD_resume_connection(connection);
}

void HttpIntake::giveUp(const std::string& why) {
    std::deque<Waiting> all;
    {
        const std::lock_guard lock(mutex_);
        if (!gaveUp_) gaveUp_ = why;
        all.swap(waiting_);
    }
    for (const auto& waiting : all) {
        waiting.request->answer = notKnown(why);
        MHD_resume_connection(waiting.connection);
    }
}

void HttpIntake::logFailed() {
    logFailed_ = true;
    giveUp("the log takes nothing more");
}

bool HttpIntake::answer(MHD_Connection* connection, Request& request) {
    connections_.enters(*request.connection, Stage::kAnswering);
    if (!core::reachFailpoint("ack.beforeSend")) return false;
    if (stopping_) request.answer->closes = true;
    if (!send(connection, *request.answer)) return false;
    return static_cast<bool>(core::reachFailpoint("ack.afterSend"));
}

void HttpIntake::completed(Request& request, bool wasSent) {
    connections_.holds(*request.connection, 0);
    connections_.enters(*request.connection, Stage::kIdle);
    if (!wasSent) ++resets_;
}

core::SourceStatistics HttpIntake::statistics() const {
    core::SourceStatistics now;
    now.bytes = bytes_;
    now.records = records_;
    now.connections = connections_.count();
    now.connectionsTotal = total_;
    now.connectionsRefused = refused_;
    now.connectionsClosed = ended_;
    now.resets = resets_;
    return now;
}

void HttpIntake::report(const std::string& message) {
    {
        const std::lock_guard lock(reportMutex_);
        const auto now = std::chrono::steady_clock::now();
        if (reported_ && now - *reported_ < kReportEvery) return;
        reported_ = now;
    }
    core::logWarning(label_ + ": " + message);
    if (observer_ != nullptr)
        observer_->sourceError(source_, message, core::SourceObserver::Trouble::kOver);
}

}  // namespace tidemill::sources::http
