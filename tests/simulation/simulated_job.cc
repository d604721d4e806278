#include "tests/simulation/simulated_job.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>

#include "recovery/inspect.h"

namespace tidemill::test {
namespace {

constexpr std::size_t kRecordsMax = 60;  // of a batch of any stream: joins multiply
// Lines begin with so many bytes that mean nothing, so that the log has several segments.
constexpr std::size_t kFillingBytes = 400;

std::string lineOf(const Record& record) {
    return std::string(kFillingBytes, '.') + record.first + " " + std::to_string(record.second);
}

Record parse(std::string_view line) {
    line.remove_prefix(kFillingBytes);
    const auto blank = line.rfind(' ');
    Record record(line.substr(0, blank), 0);
    std::from_chars(line.data() + blank + 1, line.data() + line.size(), record.second);
    return record;
}

std::vector<std::string> printed(const Records& records) {
    std::vector<std::string> lines;
    for (const auto& record : records) core::appendElement(lines.emplace_back(), record);
    std::sort(lines.begin(), lines.end());
    return lines;
}

std::string joined(const std::vector<std::string>& elements) {
    std::string text;
    for (const auto& element : elements) text += element + " ";
    return text;
}

// Counts the batches that are complete, and wakes who waits for them.
class Completed final : public StreamingListener {
public:
    void onBatchCompleted(const BatchInfo& batch) override {
        std::lock_guard lock(mutex_);
        last_ = std::max(last_, batch.id);
        changed_.notify_all();
    }
    // Returns once batch `id` is complete or the job has ended; false when neither comes.
    bool await(std::uint64_t id, const StreamingContext& context) {
        const auto until = std::chrono::steady_clock::now() + kPatience;
        const auto resumed = context.status().checkpointBatch.value_or(0);
        std::unique_lock lock(mutex_);
        last_ = std::max(last_, resumed);
        while (last_ < id && context.state() == StreamingContext::State::kActive) {
            if (std::chrono::steady_clock::now() > until) return false;
            changed_.wait_for(lock, std::chrono::milliseconds(1));
        }
        return true;
    }

private:
    static constexpr std::chrono::seconds kPatience{60};

    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t last_ = 0;
};

}  // namespace

SimulatedPlan::SimulatedPlan(unsigned seed, std::int64_t batches)
    : batches_(batches), hasFiles_(seed % 2 == 0), random_(seed) {
    drawInput();
    if (hasFiles_) drawFiles();
    std::vector<OperatorKind> kinds;
    for (auto list : {keyedOperators(), windowOperators(), stateOperators(), stateOperators()})
        kinds.insert(kinds.end(), list.begin(), list.end());
    const std::size_t inputs = nodes_.size();
    while (nodes_.size() < inputs + 4) drawNode(kinds);
}

Record SimulatedPlan::drawRecord() {
    const char* keys[] = {"a", "b", "c", "", "über", "a key that is no short one"};
    const char* key = keys[random_() % 6];
    return {key, static_cast<std::int64_t>(random_() % 20)};
}

// No file, one or two before a batch; some are empty, some lack their last line end.
void SimulatedPlan::drawFiles() {
    Node input;
    input.operation.name = "files";
    for (std::int64_t tick = 1; tick <= batches_; ++tick) {
        auto& records = input.history[tick];
        for (auto n = random_() % 3; n > 0; --n) {
            auto& text = files_[tick].emplace_back();
            for (auto lines = random_() % 4; lines > 0; --lines) {
                records.push_back(drawRecord());
                text += tidemill::test::lineOf(records.back());
                if (lines > 1 || random_() % 2 == 0) text += "\n";
            }
        }
    }
    nodes_.push_back(std::move(input));
}

std::vector<std::string> SimulatedPlan::filesOf(std::int64_t tick) const {
    const auto found = files_.find(tick);
    return found == files_.end() ? std::vector<std::string>() : found->second;
}

void SimulatedPlan::drawInput() {
    Node input;
    input.operation.name = "simulated sender";
    linesUntil_.push_back(0);
    for (std::int64_t tick = 1; tick <= batches_; ++tick) {
        auto& records = input.history[tick];
        for (auto n = random_() % 8; n > 0; --n) {
            records.push_back(drawRecord());
            lines_.push_back(tidemill::test::lineOf(records.back()));
        }
        linesUntil_.push_back(lines_.size());
    }
    nodes_.push_back(std::move(input));
}

void SimulatedPlan::drawNode(const std::vector<OperatorKind>& kinds) {
    const auto& kind = kinds[random_() % kinds.size()];
    Node node;
    node.parents.push_back(random_() % nodes_.size());
    const auto slide = nodes_[node.parents[0]].operation.slide;
    if (kind.parents == 2) {
        std::vector<std::size_t> alike;
        for (std::size_t i = 0; i < nodes_.size(); ++i)
            if (nodes_[i].operation.slide == slide) alike.push_back(i);
        node.parents.push_back(alike[random_() % alike.size()]);
    }
    std::vector<std::int64_t> ticks;
    for (std::int64_t tick = 1; tick <= batches_; ++tick) ticks.push_back(tick);
    std::map<std::string, long> counts;
    std::map<std::int64_t, int> versions;
    for (const auto tick : ticks) versions[tick] = 0;
    Draw draw{random_, slide, 1, false, ticks, versions, std::make_shared<const int>(0), counts};
    node.operation = kind.draw(draw);
    node.operation.name = kind.name;
    if (node.operation.slide > 3) return;
    std::vector<History> parents;
    for (const auto parent : node.parents) parents.push_back(nodes_[parent].history);
    node.history = node.operation.compute(parents);
    for (const auto& [tick, records] : node.history)
        if (records.size() > kRecordsMax) return;
    for (const auto parent : node.parents) nodes_[parent].isLeaf = false;
    nodes_.push_back(std::move(node));
}

std::uint64_t SimulatedPlan::linesUntil(std::int64_t tick) const {
    return linesUntil_[static_cast<std::size_t>(std::clamp<std::int64_t>(tick, 0, batches_))];
}

std::string SimulatedPlan::description() const {
    std::string text;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        text += "  node " + std::to_string(i) + ": " + nodes_[i].operation.name + " " +
                nodes_[i].operation.description + " of";
        for (const auto parent : nodes_[i].parents) text += " " + std::to_string(parent);
        text += nodes_[i].isLeaf ? ", seen\n" : "\n";
    }
    return text;
}

SimulatedJob::SimulatedJob(const SimulatedPlan& plan, unsigned workers)
    : plan_(plan),
      workers_(workers),
      sender_(std::make_shared<SimulatedSender>(
          [&plan](std::uint64_t line) { return plan.lineOf(line); },
          [&plan](BatchTime time) { return plan.linesUntil(toMillis(time) / kTickMillis); })) {
    for (const char* directory : {"/out", "/in"}) (void)disk_.createDirectory(directory);
    (void)disk_.syncDirectory("/");
}

// Somebody else's, who syncs what he writes and moves it in when it is complete.
void SimulatedJob::dropFiles(std::int64_t tick) {
    int number = 0;
    for (const auto& text : plan_.filesOf(tick)) {
        const std::string path = "/in/" + std::to_string(tick) + "-" + std::to_string(number++);
        const auto written = core::publishFile(disk_, path, text);
        EXPECT_TRUE(written) << written.error().message;
    }
}

// Frames behind one that was lost do not count; the log begins at its first while this is asked.
bool SimulatedJob::hasRecordedBatch() {
    bool found = false;
    core::Lsn next(1);
    (void)recovery::dumpLog(disk_, "/data", core::Lsn(), [&](const auto& frame) {
        if (frame.lsn != next) return core::Result<>();
        next = next.next();
        found = found || frame.record.has_value();
        return core::Result<>();
    });
    return found;
}

bool SimulatedJob::hasTrimmed() const {
    const std::string prefix = "/data/wal/";
    for (const auto& [path, bytes] : disk_.contents())
        if (path.starts_with(prefix)) return std::stoull(path.substr(prefix.size())) > 1;
    return false;
}

void SimulatedJob::build(StreamingContext& context) {
    std::vector<Stream> streams;
    streams.push_back(sender_->stream(context).map(parse));
    if (plan_.hasFiles())
        streams.push_back(
            context.textFileStream("/in", {.existing = ExistingFiles::kTake}).map(parse));
    for (std::size_t i = streams.size(); i < plan_.nodes().size(); ++i) {
        std::vector<Stream> parents;
        for (const auto parent : plan_.nodes()[i].parents) parents.push_back(streams[parent]);
        streams.push_back(plan_.nodes()[i].operation.build(parents));
    }
    for (std::size_t i = 0; i < streams.size(); ++i) {
        if (!plan_.nodes()[i].isLeaf) continue;
        const auto stream = std::visit([](const auto& any) { return owning(any); }, streams[i]);
        stream.forEachBatch(
            [this, i](Batch<Record>& batch) { show(i, batch.id(), printed(batch.collect())); });
        stream.saveAsTextFiles("/out/node-" + std::to_string(i));
    }
}

core::Result<> SimulatedJob::live() {
    StreamingOptions options;
    options.directory = "/data";
    options.files = std::shared_ptr<core::FileSystem>(std::shared_ptr<void>(), &faults_);
    options.oneOrder = true;
    options.workers = workers_;
    options.interval = Duration(kTickMillis);
    options.checkpointInterval = Duration(2 * kTickMillis);
    options.segmentBytes = 4 << 10;
    options.deltaBudgetBytes = 16 << 10;
    // A life before the first batch was recorded begins anew, and a job that begins at a time of
    // the grid has its first batch at the next one.
    const std::int64_t early = nowMillis_ == kTickMillis && !hasRecordedBatch() ? 1 : 0;
    auto clock = std::make_shared<ManualClock>(fromMillis(nowMillis_ - early));
    options.clock = clock;
    auto completed = std::make_shared<Completed>();
    try {
        StreamingContext context(options);
        build(context);
        context.addListener(completed);
        context.start();
        clock->advance(Duration(early));
        // A batch that was due when the last life ended runs at once.
        for (;;) {
            const auto batch = static_cast<std::uint64_t>(nowMillis_ / kTickMillis);
            if (!completed->await(batch, context)) {
                problems_ += "batch " + std::to_string(batch) + " did not come to its end\n";
                return core::fail(core::ErrorKind::kIo, "the job hangs");
            }
            if (context.awaitTermination(std::chrono::milliseconds(0))) return {};
            if (nowMillis_ / kTickMillis >= plan_.batches()) break;
            nowMillis_ += kTickMillis;
            dropFiles(nowMillis_ / kTickMillis);
            clock->advance(Duration(kTickMillis));
        }
        context.stop();
    } catch (const StreamingError& error) {
        return core::fail(error.kind(), error.what());
    }
    return {};
}

void SimulatedJob::show(std::size_t node, std::uint64_t batch, std::vector<std::string> elements) {
    std::lock_guard lock(mutex_);
    const auto [place, isNew] = shown_[node].try_emplace(batch, elements);
    if (!isNew && place->second != elements && problems_.empty())
        problems_ = "node " + std::to_string(node) + " batch " + std::to_string(batch) +
                    " was shown as " + joined(place->second) + "and again as " + joined(elements) +
                    "\n";
}

std::vector<std::string> SimulatedJob::expected(std::size_t node, std::int64_t tick) const {
    const auto& history = plan_.nodes()[node].history;
    const auto found = history.find(tick);
    return found == history.end() ? std::vector<std::string>() : printed(found->second);
}

std::string SimulatedJob::differences() const {
    std::string text = problems_;
    for (std::size_t node = 0; node < plan_.nodes().size(); ++node) {
        if (!plan_.nodes()[node].isLeaf) continue;
        const auto description = shown_.find(node);
        for (std::int64_t tick = 1; tick <= plan_.batches(); ++tick) {
            std::vector<std::string> elements;
            if (description != shown_.end())
                if (const auto batch = description->second.find(static_cast<std::uint64_t>(tick));
                    batch != description->second.end())
                    elements = batch->second;
            if (elements != expected(node, tick))
                return text + "node " + std::to_string(node) + " batch " + std::to_string(tick) +
                       " gave " + joined(elements) + "instead of " + joined(expected(node, tick)) +
                       "\n";
        }
        text += savedDifferences(node);
    }
    if (sender_->acknowledgedLines() > plan_.linesUntil(plan_.batches()))
        text += "more lines were acknowledged than sent\n";
    return text;
}

// The text files of a node: one directory per batch, with all of it.
std::string SimulatedJob::savedDifferences(std::size_t node) const {
    std::map<std::int64_t, std::vector<std::string>> saved;
    const std::string prefix = "/out/node-" + std::to_string(node) + "-";
    for (const auto& [path, bytes] : disk_.contents()) {
        if (!path.starts_with(prefix)) continue;
        const auto slash = path.find('/', prefix.size());
        const auto name = path.substr(slash + 1);
        if (!name.starts_with("part-")) continue;
        auto& lines = saved[std::stoll(path.substr(prefix.size())) / kTickMillis];
        for (std::size_t at = 0; at < bytes.size();) {
            const auto end = bytes.find('\n', at);
            lines.push_back(bytes.substr(at, end - at));
            at = end + 1;
        }
    }
    for (const auto& [tick, records] : plan_.nodes()[node].history) {
        auto& lines = saved[tick];
        std::sort(lines.begin(), lines.end());
        if (lines != expected(node, tick))
            return "node " + std::to_string(node) + " saved at tick " + std::to_string(tick) + " " +
                   joined(lines) + "instead of " + joined(expected(node, tick)) + "\n";
    }
    return {};
}

}  // namespace tidemill::test
