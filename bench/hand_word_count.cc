// The reference of the word benchmarks: a word count written by hand, with and without durability.
//
// hand_word_count -m FILE [--counts OUT]
//   Counts FILE in memory on one core.
// hand_word_count PORT LOGFILE [CHECKPOINT_SECONDS=10] [--counts OUT]
//   Dials 127.0.0.1:PORT and counts until the peer ends. One thread receives into 4 MiB blocks of
//   whole lines, one writes each to LOGFILE (preallocated) and fdatasyncs, one counts what is
//   durable. Every CHECKPOINT_SECONDS the counting one writes the whole table to LOGFILE.ckpt:
//   write, fdatasync, rename.
// Prints one line of JSON. OUT gets a line "word<tab>count" for every word, in no order.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bench/hand_count.h"

namespace {

using tidemill::bench::HandCount;

constexpr std::size_t kBlockBytes = 4 << 20;
constexpr std::size_t kSlackBytes = 64;
constexpr std::size_t kPreallocatedBytes = 64 << 20;

double wallSeconds() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

void writeCounts(const HandCount& counts, const char* path) {
    std::FILE* file = std::fopen(path, "w");
    if (file == nullptr) fail(path);
    counts.forEach([&](std::string_view word, std::uint64_t count) {
        std::fprintf(file, "%.*s\t%llu\n", static_cast<int>(word.size()), word.data(),
                     static_cast<unsigned long long>(count));
    });
    if (std::fclose(file) != 0) fail(path);
}

struct Block {
    std::vector<char> bytes = std::vector<char>(kBlockBytes + kSlackBytes);
    std::size_t sizeBytes = 0;
};

// Blocks on their way from one thread to the next; null says that no more come.
class BlockQueue {
public:
    void push(Block* block) {
        {
            std::lock_guard lock(mutex_);
            blocks_.push_back(block);
        }
        changed_.notify_one();
    }
    Block* pop() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return !blocks_.empty(); });
        Block* block = blocks_.front();
        blocks_.pop_front();
        return block;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Block*> blocks_;
};

int dial(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    while (true) {
        const int peer = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(peer, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return peer;
        close(peer);
        usleep(20'000);
    }
}

// The three threads' work; what is not common to them is local to one function.
class DurableCount {
public:
    DurableCount(int port, std::string logPath, double checkpointSeconds)
        : peer_(dial(port)), logPath_(std::move(logPath)), checkpointSeconds_(checkpointSeconds) {
        log_ = open(logPath_.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
        if (log_ < 0) fail(logPath_.c_str());
        for (auto& block : blocks_) free_.push(&block);
    }

    void run() {
        std::thread receiver([this] { receive(); });
        std::thread logger([this] { logBlocks(); });
        countBlocks();
        receiver.join();
        logger.join();
    }

    void print() const {
        rusage usage{};
        getrusage(RUSAGE_SELF, &usage);
        const double cpuSeconds =
            static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
            static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
        const double seconds = lastCounted_ - firstReceived_;
        std::printf(
            "{\"name\":\"hand\",\"words\":%llu,\"distinct\":%zu,\"bytes\":%zu,\"seconds\":%.3f,"
            "\"words_per_s\":%.0f,\"mb_per_s\":%.1f,\"fdatasyncs\":%zu,\"checkpoints\":%d,"
            "\"bytes_written\":%zu,\"rss_mb\":%.1f,\"cpu_s\":%.2f}\n",
            static_cast<unsigned long long>(counts_.words()), counts_.distinct(), loggedBytes_,
            seconds, static_cast<double>(counts_.words()) / seconds,
            static_cast<double>(loggedBytes_) / 1e6 / seconds, syncs_, checkpoints_,
            loggedBytes_ + checkpointBytes_, static_cast<double>(usage.ru_maxrss) / 1024.0,
            cpuSeconds);
    }

    const HandCount& counts() const { return counts_; }

private:
    void receive() {
        std::string carried;
        for (bool ended = false; !ended;) {
            Block& block = *free_.pop();
            std::memcpy(block.bytes.data(), carried.data(), carried.size());
            block.sizeBytes = carried.size();
            carried.clear();
            while (block.sizeBytes < kBlockBytes) {
                const ssize_t received = recv(peer_, block.bytes.data() + block.sizeBytes,
                                              kBlockBytes - block.sizeBytes, 0);
                if (received <= 0) {
                    ended = true;
                    break;
                }
                if (firstReceived_ == 0) firstReceived_ = wallSeconds();
                block.sizeBytes += static_cast<std::size_t>(received);
            }
            if (!ended) {
                std::size_t lines = block.sizeBytes;
                while (lines != 0 && block.bytes[lines - 1] != '\n') --lines;
                carried.assign(block.bytes.data() + lines, block.sizeBytes - lines);
                block.sizeBytes = lines;
            }
            received_.push(&block);
        }
        received_.push(nullptr);
    }

    void logBlocks() {
        std::size_t preallocated = 0;
        while (Block* block = received_.pop()) {
            while (loggedBytes_ + block->sizeBytes > preallocated) {
                // Where it cannot be done, writing extends the file.
                (void)posix_fallocate(log_, static_cast<off_t>(preallocated), kPreallocatedBytes);
                preallocated += kPreallocatedBytes;
            }
            for (std::size_t done = 0; done < block->sizeBytes;) {
                const ssize_t written =
                    pwrite(log_, block->bytes.data() + done, block->sizeBytes - done,
                           static_cast<off_t>(loggedBytes_ + done));
                if (written <= 0) fail("pwrite");
                done += static_cast<std::size_t>(written);
            }
            loggedBytes_ += block->sizeBytes;
            if (fdatasync(log_) != 0) fail("fdatasync");
            ++syncs_;
            durable_.push(block);
        }
        durable_.push(nullptr);
    }

    void countBlocks() {
        double lastCheckpoint = wallSeconds();
        while (Block* block = durable_.pop()) {
            counts_.add(block->bytes.data(), block->sizeBytes);
            free_.push(block);
            lastCounted_ = wallSeconds();
            if (lastCounted_ - lastCheckpoint > checkpointSeconds_) {
                lastCheckpoint = lastCounted_;
                checkpoint();
            }
        }
    }

    void checkpoint() {
        const std::string path = logPath_ + ".ckpt", temporary = path + ".tmp";
        const int file = open(temporary.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
        const std::string bytes = counts_.slotBytes();
        if (file < 0 ||
            write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
            fdatasync(file) != 0)
            fail(temporary.c_str());
        close(file);
        if (std::rename(temporary.c_str(), path.c_str()) != 0) fail(path.c_str());
        ++checkpoints_;
        checkpointBytes_ += bytes.size();
    }

    const int peer_;
    const std::string logPath_;
    const double checkpointSeconds_;
    int log_ = -1;
    Block blocks_[8];
    BlockQueue free_, received_, durable_;

    double firstReceived_ = 0;
    std::size_t loggedBytes_ = 0;
    std::size_t syncs_ = 0;
    HandCount counts_;
    double lastCounted_ = 0;
    int checkpoints_ = 0;
    std::size_t checkpointBytes_ = 0;
};

int countFile(const char* path, const char* countsPath) {
    std::FILE* file = std::fopen(path, "r");
    if (file == nullptr) fail(path);
    std::fseek(file, 0, SEEK_END);
    const auto size = static_cast<std::size_t>(std::ftell(file));
    std::rewind(file);
    std::vector<char> text(size + kSlackBytes);
    if (std::fread(text.data(), 1, size, file) != size) fail(path);
    std::fclose(file);

    HandCount counts;
    const double start = wallSeconds();
    counts.add(text.data(), size);
    const double seconds = wallSeconds() - start;
    std::printf(
        "{\"name\":\"hand-memory\",\"words\":%llu,\"distinct\":%zu,\"seconds\":%.3f,"
        "\"words_per_s\":%.0f,\"mb_per_s\":%.1f}\n",
        static_cast<unsigned long long>(counts.words()), counts.distinct(), seconds,
        static_cast<double>(counts.words()) / seconds, static_cast<double>(size) / 1e6 / seconds);
    if (countsPath != nullptr) writeCounts(counts, countsPath);
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    const char* countsPath = nullptr;
    std::vector<const char*> plain;
    for (int i = 1; i < count; ++i) {
        if (std::strcmp(arguments[i], "--counts") == 0 && i + 1 < count)
            countsPath = arguments[++i];
        else plain.push_back(arguments[i]);
    }
    if (plain.size() < 2) {
        std::fprintf(stderr,
                     "usage: hand_word_count -m FILE [--counts OUT]\n"
                     "       hand_word_count PORT LOGFILE [CHECKPOINT_SECONDS] [--counts OUT]\n");
        return 2;
    }
    if (std::strcmp(plain[0], "-m") == 0) return countFile(plain[1], countsPath);

    DurableCount job(std::atoi(plain[0]), plain[1], plain.size() > 2 ? std::atof(plain[2]) : 10);
    job.run();
    job.print();
    if (countsPath != nullptr) writeCounts(job.counts(), countsPath);
}
