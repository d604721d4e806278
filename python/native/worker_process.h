// WorkerProcess: what a process of a WorkerPool does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "python/native/worker_pool.h"

namespace tidemill::python {

// What the engine's process writes into a worker's socket for each chunk, and what it answers.
struct CallMessage {
    std::uint64_t bytes = 0;
    std::uint32_t function = 0;
    std::uint32_t arguments = 0;
    std::uint32_t adds = 0;  // AddScope::Of
    std::uint32_t unused = 0;
};
struct AnswerMessage {
    static constexpr std::uint64_t kTooLarge = ~std::uint64_t{0};
    std::uint64_t bytes = 0;
};

// Hands on what print() has buffered. Requires Python's lock.
void flushPrinted();

// Sends or receives all of a message; false when the other side has ended.
bool sendAll(int socket, const void* message, std::size_t size);
bool receiveAll(int socket, void* message, std::size_t size);

// Thread safety: the process has this thread alone.
class WorkerProcess {
public:
    WorkerProcess(const WorkerPool& pool, int socket, SharedMemory& memory)
        : pool_(pool), socket_(socket), memory_(memory) {}
    // Answers calls until the engine's process ends or closes the socket; then the process ends.
    // Requires Python's lock.
    [[noreturn]] void run();

private:
    void answer(const CallMessage& message, std::string& out) const;
    void answerOne(const WorkerPool::Call& call, std::string_view argument, AddScope::Of adds,
                   std::string& out) const;

    const WorkerPool& pool_;
    const int socket_;
    SharedMemory& memory_;
};

}  // namespace tidemill::python
