#include "python/native/worker_pool.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "python/native/function.h"
#include "python/native/worker_process.h"

namespace tidemill::python {
namespace {

// How long the functions that are still called then are waited for, together.
constexpr std::chrono::seconds kPatience{5};

std::string howItEnded(pid_t pid) {
    int status = 0;
    if (::waitpid(pid, &status, 0) != pid) return "has ended";
    if (WIFSIGNALED(status))
        return "was ended by signal " + std::to_string(WTERMSIG(status)) + " (" +
               ::strsignal(WTERMSIG(status)) + ")";
    return "has ended with exit code " + std::to_string(WEXITSTATUS(status));
}

// Waits until it has ended, which it does when its socket is closed; kills it then.
void reap(pid_t pid, std::chrono::steady_clock::time_point until) {
    while (::waitpid(pid, nullptr, WNOHANG) == 0) {
        if (std::chrono::steady_clock::now() > until) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
            return;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

[[noreturn]] void tooLarge(const char* what, const std::string& name) {
    throw core::TaskFailure(
        core::Error{core::ErrorKind::kInvalid,
                    name + ": " + what +
                        " has more than 1 GiB, which is as much as goes to a worker process at "
                        "once; make the chunks smaller with "
                        "repartition(), or run the program with workers=\"threads\""});
}

}  // namespace

std::uint32_t WorkerPool::add(const Function& function, AnswerAs as) {
    calls_.push_back({&function, as, function.name()});
    return static_cast<std::uint32_t>(calls_.size() - 1);
}

void WorkerPool::add(const std::string& accumulator, PyObject* term) const {
    const auto found = accumulators_ ? accumulators_->find(accumulator) : nullptr;
    if (found == nullptr)
        throw std::runtime_error("accumulator '" + accumulator +
                                 "': it is of no job that runs here: make it before start(), by "
                                 "the SparkContext that the StreamingContext has");
    found->add(term);
}

void WorkerPool::fork() {
    flushPrinted();  // what its copies would print again
    for (std::size_t i = 0; i < wanted_; ++i) {
        auto process = std::make_unique<Process>();
        process->memory = SharedMemory::make();
        int sockets[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
            throw std::system_error(errno, std::generic_category(), "socketpair");
        PyOS_BeforeFork();
        const pid_t pid = ::fork();
        if (pid == 0) {
            // Closes this side of the other processes too: Context::forget, by os.register_at_fork.
            PyOS_AfterFork_Child();
            ::close(sockets[0]);
            const GilScope gil;
            WorkerProcess(*this, sockets[1], process->memory).run();
        }
        const int error = errno;
        PyOS_AfterFork_Parent();
        ::close(sockets[1]);
        if (pid < 0) {
            ::close(sockets[0]);
            failure_ = "the worker processes could not be started";
            throw std::system_error(error, std::generic_category(), "fork");
        }
        process->pid = pid;
        process->socket = sockets[0];
        processes_.push_back(std::move(process));
    }
}

void WorkerPool::close() {
    if (processes_.empty()) return;
    const WithoutGil others;
    for (const auto& process : processes_) ::close(process->socket);
    const auto until = std::chrono::steady_clock::now() + kPatience;
    for (const auto& process : processes_)
        if (process->pid > 0) reap(process->pid, until);
    processes_.clear();
}

// The mutex may have been held by a thread that is gone: not taken.
void WorkerPool::forget() {
    for (const auto& process : processes_) {
        ::close(process->socket);
        process->pid = -1;
    }
    processes_.clear();
}

// A process for one call.
class WorkerPool::Lease {
public:
    explicit Lease(WorkerPool& pool) : pool_(pool) {
        std::unique_lock lock(pool_.mutex_);
        const auto isFree = [&] {
            for (const auto& process : pool_.processes_)
                if (!process->isBusy) process_ = process.get();
            return process_ != nullptr || !pool_.failure_.empty();
        };
        pool_.free_.wait(lock, isFree);
        if (!pool_.failure_.empty())
            throw core::TaskFailure(core::Error{core::ErrorKind::kIo, pool_.failure_});
        process_->isBusy = true;
    }
    ~Lease() {
        {
            const std::lock_guard lock(pool_.mutex_);
            process_->isBusy = false;
        }
        pool_.free_.notify_one();
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Process& operator*() const { return *process_; }

private:
    WorkerPool& pool_;
    Process* process_ = nullptr;
};

std::string WorkerPool::call(std::uint32_t function, std::uint32_t arguments, AddScope::Of adds,
                             std::string_view bytes) {
    const Call& call = calls_[function];
    if (bytes.size() > kBytesMax) tooLarge("what the function is called with", call.name);
    const WithoutGil others;
    const Lease lease(*this);
    Process& process = *lease;
    process.memory.write(bytes);
    const CallMessage message{bytes.size(), function, arguments, static_cast<std::uint32_t>(adds),
                              0};
    AnswerMessage answer;
    if (!sendAll(process.socket, &message, sizeof message) ||
        !receiveAll(process.socket, &answer, sizeof answer))
        ended(process, call);
    if (answer.bytes == AnswerMessage::kTooLarge)
        tooLarge("what the function made of it", call.name);
    return std::string(process.memory.read(answer.bytes));
}

void WorkerPool::ended(Process& process, const Call& call) {
    std::string failure = "a worker process (pid " + std::to_string(process.pid) +
                          ") that called " + call.name + " " + howItEnded(process.pid);
    {
        const std::lock_guard lock(mutex_);
        process.pid = -1;
        failure_ = failure;
    }
    throw core::TaskFailure(core::Error{core::ErrorKind::kIo, std::move(failure)});
}

}  // namespace tidemill::python
