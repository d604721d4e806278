#include "tools/control/daemon_control.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "core/format.h"
#include "core/logging.h"

namespace tidemill::tools {
namespace {

using Json = nlohmann::ordered_json;

// What a client has sent may stand in the answer.
ControlServer::Answer answered(const Json& json) {
    return {json.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

ControlServer::Answer refused(const std::string& why) { return answered({{"error", why}}); }

ControlServer::Answer answered(const core::Result<Json>& json) {
    return json ? answered(*json) : refused(json.error().message);
}

// Behind the word and the blank; empty when there is nothing.
std::string_view behindWord(std::string_view request, std::string_view word) {
    return request.substr(std::min(request.size(), word.size() + 1));
}

}  // namespace

DaemonControl::DaemonControl(StreamingContext& context, const std::optional<Page>& page,
                             std::string plan)
    : context_(context),
      status_(context.options(), [&context] { return context.status(); }),
      liveState_(context),
      batches_(std::make_shared<BatchHistory>()),
      page_(page ? std::make_unique<JobPage>(page->address, page->security, context.options(),
                                             status_, *batches_, std::move(plan))
                 : nullptr),
      server_(
          context.options().directory.string(),
          [this](std::string_view request) { return answer(request); },
          [this] {
              status_.sample();
              if (page_) page_->everySecond();
          }) {
    if (page_) context.addListener(batches_);
}

ControlServer::Answer DaemonControl::answer(std::string_view request) {
    if (request == kStatusRequest) return {status_.report().dump()};
    if (request == kCheckpointRequest) return checkpoint();
    if (request == kStopRequest) return stop(false);
    if (request == kStopNowRequest) return stop(true);
    const auto word = request.substr(0, request.find(' '));
    if (word == kSavepointRequest) return savepoint(behindWord(request, word));
    if (word == kPauseRequest || word == kResumeRequest || word == kRateRequest)
        return intake(request);
    if (word == kGetRequest) return get(behindWord(request, word));
    if (word == kGotRequest) return got(behindWord(request, word));
    std::string shown;
    core::appendPrintable(shown, request.substr(0, 80));
    return refused("unknown request \"" + shown + "\"; there are: " + std::string(kStatusRequest) +
                   ", " + std::string(kCheckpointRequest) + ", " + std::string(kSavepointRequest) +
                   " NAME, " + std::string(kStopRequest) + ", " + std::string(kStopNowRequest) +
                   ", " + std::string(kPauseRequest) + " N, " + std::string(kResumeRequest) +
                   " N, " + std::string(kRateRequest) + " N RATE, " + std::string(kGetRequest) +
                   " {\"table\": …, \"key\": …}, " + std::string(kGotRequest) + " N");
}

ControlServer::Answer DaemonControl::get(std::string_view what) {
    const auto json = Json::parse(what, nullptr, false);
    const auto text = [&](const char* name) {
        return json.is_object() && json.contains(name) && json[name].is_string();
    };
    if (!text("table") || !text("key"))
        return refused("get needs an object with the texts \"table\" and \"key\"");
    return answered(
        liveState_.ask(json["table"].get<std::string>(), json["key"].get<std::string>()));
}

ControlServer::Answer DaemonControl::got(std::string_view number) {
    std::uint64_t request = 0;
    const auto read = std::from_chars(number.data(), number.data() + number.size(), request);
    if (read.ec != std::errc() || read.ptr != number.data() + number.size())
        return refused("got needs the number of a look-up");
    return answered(liveState_.answer(request));
}

// Durable when the answer is sent.
ControlServer::Answer DaemonControl::intake(std::string_view request) {
    const auto word = request.substr(0, request.find(' '));
    auto rest = behindWord(request, word);
    std::uint32_t number = 0;
    const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (read.ec != std::errc() || number == 0)
        return refused(std::string(word) + " needs the number of a source, from 1");
    rest.remove_prefix(static_cast<std::size_t>(read.ptr - rest.data()));
    if (rest.starts_with(' ')) rest.remove_prefix(1);
    const bool isRate = word == kRateRequest;
    std::optional<Rate> rate;
    if (isRate && rest != kDeclaredRate) {
        rate = parseRate(rest);
        if (!rate) return refused(std::string(kRateForms));
    }
    if (!isRate && !rest.empty())
        return refused(std::string(word) + " takes the number of a source and nothing else");
    try {
        if (isRate) context_.setSourceRate(number - 1, rate);
        else if (word == kPauseRequest) context_.pauseSource(number - 1);
        else context_.resumeSource(number - 1);
    } catch (const StreamingError& error) {
        return refused(error.what());
    }
    return {Json{{"source", number}}.dump()};
}

ControlServer::Answer DaemonControl::checkpoint() {
    const auto number = context_.requestCheckpoint();
    if (!number) return refused("the job has not started yet: no checkpoint can be made");
    return {Json{{"request", *number}}.dump()};
}

ControlServer::Answer DaemonControl::savepoint(std::string_view name) {
    try {
        return {Json{{"request", context_.requestSavepoint(std::string(name))}}.dump()};
    } catch (const StreamingError& error) {
        return refused(error.what());
    }
}

// A stop is what a signal would do, so that there is one way for both.
ControlServer::Answer DaemonControl::stop(bool now) {
    core::logInfo(now ? "asked to stop at once" : "asked to stop");
    return {Json{{"process", ::getpid()}}.dump(), [this, now] {
                if (!stopping_.exchange(true)) ::kill(::getpid(), SIGTERM);
                // The other signal of the two ends the process where it stands.
                if (now) ::kill(::getpid(), SIGINT);
            }};
}

}  // namespace tidemill::tools
