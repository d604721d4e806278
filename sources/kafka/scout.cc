#include "sources/kafka/scout.h"

#include <chrono>
#include <random>
#include <utility>

#include "core/backoff.h"

namespace tidemill::sources::kafka {
namespace {

constexpr std::chrono::milliseconds kFirstRetry{200};
// Not oftener, however often it is woken.
constexpr std::chrono::milliseconds kBetween{100};
constexpr std::chrono::milliseconds kAskBusyEvery{20};

}  // namespace

Scout::Scout(Handle& client, const KafkaOptions& options, Job job)
    : client_(client),
      options_(options),
      job_(std::move(job)),
      discovery_(client, options, [this] { return ends(); }),
      isFirst_(job_.isFirst) {}

Scout::~Scout() { stop(); }

void Scout::start() {
    thread_ = std::thread([this] { run(); });
}

void Scout::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        wakes_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
}

Scout::Findings Scout::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(findings_, {});
}

void Scout::alarm(const std::string& why) {
    const std::lock_guard lock(mutex_);
    away_ = lookNow_ = true;
    if (!why.empty()) why_ = why;
    wakes_.notify_all();
}

void Scout::isAbsent(const PartitionName& partition) {
    const std::lock_guard lock(mutex_);
    absent_.insert(partition);
    lookNow_ = true;
    wakes_.notify_all();
}

void Scout::recordsCome() {
    const std::lock_guard lock(mutex_);
    if (!troubled_) return;
    lookNow_ = true;
    wakes_.notify_all();
}

void Scout::isBusy() {
    if (busy_.exchange(true)) return;
    const std::lock_guard lock(mutex_);
    wakes_.notify_all();
}

void Scout::hasRoom() {
    const std::lock_guard lock(mutex_);
    askNow_ = true;
    wakes_.notify_all();
}

bool Scout::connected() const {
    const std::lock_guard lock(mutex_);
    return connected_;
}

bool Scout::ends() const {
    const std::lock_guard lock(mutex_);
    return stopping_;
}

void Scout::run() {
    core::Backoff backoff(kFirstRetry, std::random_device()());
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        lookNow_ = false;
        const bool wasAway = std::exchange(away_, false);
        auto absent = std::exchange(absent_, {});
        lock.unlock();
        const bool well = look(wasAway, absent);
        lock.lock();
        absent_.merge(absent);
        troubled_ = !well;
        away_ = away_ || (wasAway && !well);
        if (well) backoff.reset();
        wakes_.wait_for(lock, kBetween, [&] { return stopping_; });
        const std::chrono::milliseconds pause = well ? options_.discoverEvery : backoff.next();
        waitUntil(std::chrono::steady_clock::now() + pause, lock);
    }
}

// Or until there is a reason to look.
void Scout::waitUntil(std::chrono::steady_clock::time_point until,
                      std::unique_lock<std::mutex>& lock) {
    while (!stopping_ && !lookNow_) {
        if (wakes_.wait_until(lock, until,
                              [&] { return stopping_ || lookNow_ || askNow_ || busy_; }) &&
            (stopping_ || lookNow_))
            return;
        if (std::chrono::steady_clock::now() >= until) return;
        askNow_ = false;
        lock.unlock();
        askEachBroker();
        lock.lock();
        wakes_.wait_for(lock, kAskBusyEvery, [&] { return stopping_ || lookNow_ || askNow_; });
        busy_ = false;
    }
}

// Something of each that leads a partition.
void Scout::askEachBroker() const {
    std::set<std::int32_t> asked;
    for (const auto& [name, leader] : leaders_)
        if (!ends() && asked.insert(leader).second) askWatermarks(client_, name);
}

// Takes from `absent` what is back. False: something is in trouble.
bool Scout::look(bool wasAway, std::set<PartitionName>& absent) {
    auto now = discovery_.ask();
    Findings news;
    auto found = now ? addFound(*now, news) : core::Result<bool>(core::fail(now.error()));
    if (ends()) return false;  // what was found may be half of it
    if (!found) {
        job_.failed(std::move(found.error()));
        return false;
    }
    for (auto name = absent.begin(); name != absent.end();) {
        if (now->leaders.contains(*name)) {
            news.toCheck.push_back(*name);
            name = absent.erase(name);
        } else {
            if (now->trouble.empty()) now->trouble = describe(*name) + " does not exist";
            ++name;
        }
    }
    if (!*found && now->trouble.empty()) now->trouble = "a broker does not say where to begin";
    const bool well = now->trouble.empty();
    news.checkAll = wasAway && well;
    if (isFirst_ && now->complete && *found) {
        isFirst_ = false;
        news.begun = true;
    }
    {
        const std::lock_guard lock(mutex_);
        connected_ = connected_ || now->complete;
        findings_.found.insert(findings_.found.end(), news.found.begin(), news.found.end());
        findings_.toCheck.insert(findings_.toCheck.end(), news.toCheck.begin(), news.toCheck.end());
        findings_.checkAll = findings_.checkAll || news.checkAll;
        findings_.begun = findings_.begun || news.begun;
    }
    report(*now);
    return well;
}

// False: where to begin some of the new ones is not known yet.
core::Result<bool> Scout::addFound(const Discovered& now, Findings& into) {
    bool all = true;
    for (const auto& [name, leader] : now.leaders) {
        if (const auto known = leaders_.find(name); known != leaders_.end()) {
            if (std::exchange(known->second, leader) != leader) into.toCheck.push_back(name);
            continue;
        }
        Found found{name, std::nullopt};
        if (ends()) return false;
        if (!job_.isKnown(name)) {
            TM_ASSIGN(found.start, discovery_.startOf(name, isFirst_));
            if (!found.start) {
                all = false;
                continue;
            }
        }
        leaders_.emplace(name, leader);
        into.found.push_back(std::move(found));
    }
    return all;
}

// Reasons have times in them: they do not make another trouble.
void Scout::report(const Discovered& found) {
    const auto& trouble = found.trouble;
    if (trouble == reported_ || job_.observer == nullptr) return;
    reported_ = trouble;
    if (trouble.empty()) return job_.observer->sourceRecovered(job_.source);
    std::string why;
    if (found.nobody) {
        const std::lock_guard lock(mutex_);
        if (!why_.empty()) why = "; the client says: " + why_;
    }
    job_.observer->sourceError(job_.source, trouble + why,
                               core::SourceObserver::Trouble::kUntilRecovered);
}

}  // namespace tidemill::sources::kafka
