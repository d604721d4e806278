// WorkerPool: processes forked from the program that call its functions, so that several cores run
// Python at the same time.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "python/native/accumulators.h"
#include "python/native/shared_memory.h"

namespace tidemill::python {

class Function;

// What a worker process sends back of what a function gave.
enum class AnswerAs : std::uint8_t {
    kValue,  // the value itself
    kList,   // a list of what the value, an iterable, gives
    kTruth,  // True or False
    // The same as kList of a function that is called with two arguments: a partition's number and
    // an iterator. The argument that is sent is a tuple of the number and a list.
    kPartition,
};

// A chunk's calls and their answers, in the memory that both processes have:
//
//   call     each argument:  size (varint), the argument as docs/formats/python_values.md says
//   answer   each argument:  0, size, the value;  or 1, size, the traceback's text
//                            number of additions to accumulators; of each: size, name, size, term
//
// Thread safety: thread-safe once fork() has returned.
class WorkerPool {
public:
    // A call or an answer of more bytes is an error: a partition for mapPartitions, or what a
    // function made of a thousand elements.
    static constexpr std::size_t kBytesMax = std::size_t{1} << 30;

    // So many processes.
    explicit WorkerPool(std::size_t processes) : wanted_(processes) {}
    ~WorkerPool() { close(); }
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    // A function that the processes are to know, which lives as long as they; its number. Before
    // fork().
    std::uint32_t add(const Function& function, AnswerAs as);
    // Where additions to accumulators go. Before fork().
    void keep(std::shared_ptr<Accumulators> accumulators) {
        accumulators_ = std::move(accumulators);
    }
    // Adds what a call in a process has added. Requires Python's lock. Throws as Accumulator::add.
    void add(const std::string& accumulator, PyObject* term) const;
    bool isEmpty() const { return calls_.empty(); }

    // Starts the processes: copies of this one as it is now, but for other threads. Requires
    // Python's lock. Throws std::system_error.
    void fork();
    // Ends them. When no job of theirs runs any more.
    void close();
    // In a child of a fork that is not the pool's: the processes are not its own.
    void forget();

    // The answer to a chunk's call. Waits for a process that has nothing to do, and for its answer;
    // lets Python's lock go meanwhile. Throws core::TaskFailure when the process has ended, or for
    // too many bytes.
    std::string call(std::uint32_t function, std::uint32_t arguments, AddScope::Of adds,
                     std::string_view bytes);

private:
    struct Process {
        pid_t pid = -1;
        int socket = -1;
        SharedMemory memory;
        bool isBusy = false;
    };
    struct Call {
        const Function* function;
        AnswerAs as;
        std::string name;
    };
    class Lease;
    friend class WorkerProcess;

    // Throws core::TaskFailure, and for every call from now on.
    [[noreturn]] void ended(Process& process, const Call& call);

    const std::size_t wanted_;
    std::vector<Call> calls_;
    std::shared_ptr<Accumulators> accumulators_;
    std::vector<std::unique_ptr<Process>> processes_;
    std::mutex mutex_;
    std::condition_variable free_;
    std::string failure_;  // of a process that ended; by mutex_
};

}  // namespace tidemill::python
