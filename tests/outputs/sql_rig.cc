#include "tests/outputs/sql_rig.h"

#include <signal.h>

#include <fstream>
#include <thread>

namespace tidemill::test {

std::string runRows(const RowBatches& given,
                    const std::function<core::Result<>(const rows::RowStream&)>& add,
                    const std::filesystem::path& directory, ErrorPolicy policy) {
    std::vector<rows::test::Cells> all;
    RecordQueue<std::string> queue;
    for (const auto& batch : given.batches) {
        std::vector<std::string> numbers;
        for (const auto& row : batch) {
            numbers.push_back(std::to_string(all.size()));
            all.push_back(row);
        }
        queue.push(numbers);
    }
    const rows::test::Table table(*rows::Schema::of(given.columns), std::move(all));
    auto options = inMemory();
    options.directory = directory;
    options.errorPolicy = policy;
    Life life(options, fromMillis(1'700'000'000'000));
    const auto stream =
        rows::readRows(life.context().queueStream(queue).map(
                           [](const std::string& line) { return std::string_view(line); }),
                       std::make_shared<rows::test::TableReader>(table));
    try {
        if (const auto added = add(stream); !added) return "refused: " + added.error().message;
        life.start();
        life.run(given.batches.size());
        life.context().stop();
        life.context().awaitTermination();
    } catch (const std::exception& error) {
        return error.what();
    }
    return {};
}

SqlJobRig::SqlJobRig(const std::function<std::string(const std::string&)>& output) {
    std::filesystem::create_directory(directory_ / "input");
    std::ofstream(directory_ / "job.toml")
        << "[job]\nname = \"rig\"\ninterval = \"40ms\"\n"
           "[checkpoint]\ninterval = \"300ms\"\n"
           "[[source]]\ntype = \"files\"\ndirectory = \""
        << (directory_ / "input").string()
        << "\"\nexisting = \"take\"\n"
           "[[step]]\ndo = \"fields\"\nby = \"csv\"\nname = \"rows\"\n"
           "fields = {id = {at = 1, type = \"int\"}, k = 2}\n"
           "[[step]]\ndo = \"aggregate\"\nname = \"sums\"\nkey = \"k\"\nrunning = true\n"
           "compute = {n = \"count()\"}\n"
           "[[output]]\nfrom = \"rows\"\n"
        << output("lines") << "[[output]]\nfrom = \"sums\"\nmode = \"upsert\"\nkey = \"k\"\n"
        << output("totals");
}

void SqlJobRig::feed(std::size_t lines) {
    const auto path = directory_ / "input" / (std::to_string(++files_) + ".tmp");
    std::ofstream out(path);
    for (std::size_t i = 0; i < lines; ++i, ++lines_) {
        const std::string key = "k" + std::to_string(lines_ % 17);
        out << lines_ << "," << key << "\n";
        ++keys_[key];
    }
    out.close();
    std::filesystem::rename(path, directory_ / "input" / (std::to_string(files_) + ".csv"));
}

std::unique_ptr<ChildProcess> SqlJobRig::start(const std::string& failpoint,
                                               const std::string& data) const {
    ChildProcess::Options options;
    options.arguments = {TIDEMILL_PROGRAM_PATH, "run", directory_ / "job.toml", "--data-dir",
                         directory_ / data};
    if (!failpoint.empty()) options.environment["TIDEMILL_FAILPOINT"] = failpoint;
    options.outputFile = directory_ / "out";
    options.errorFile = directory_ / "log";
    return std::make_unique<ChildProcess>(options);
}

std::string SqlJobRig::finish(const Query& query) {
    feed(7);  // so that there is something to wait for
    const auto job = start();
    const bool all = await(query);
    const int code = stop(*job);
    const auto found = problems(query);
    if (all && code == 0) return found;
    return found + "code " + std::to_string(code) + "\n" + words();
}

bool SqlJobRig::await(const Query& query, std::chrono::seconds longest) const {
    const auto until = std::chrono::steady_clock::now() + longest;
    while (std::chrono::steady_clock::now() < until) {
        const auto found = query("select count(*) from lines");
        if (!found.empty() && std::strtoull(found.c_str(), nullptr, 10) >= lines_) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
}

int SqlJobRig::stop(ChildProcess& job) const {
    job.signal(SIGTERM);
    return job.wait(std::chrono::seconds(60)).value_or(-1);
}

std::string SqlJobRig::allWords() const {
    std::ifstream in(directory_ / "log");
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string SqlJobRig::problems(const Query& query) const {
    std::string said;
    const auto n = std::to_string(lines_);
    const auto found = query(
        "select count(*), count(distinct id), min(id), max(id), "
        "count(case when k = 'k' || (id % 17) then 1 end) from lines");
    const std::string expected = n + "|" + n + "|0|" + std::to_string(lines_ - 1) + "|" + n + "\n";
    if (found != expected) said += "lines: " + found + " instead of " + expected;
    std::string totals;
    for (const auto& [key, count] : keys_) totals += key + "|" + std::to_string(count) + "\n";
    const auto summed = query("select k, n from totals order by k");
    if (summed != totals) said += "totals: " + summed + " instead of " + totals;
    return said;
}

}  // namespace tidemill::test
