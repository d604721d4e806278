#include "tools/web/later_answers.h"

#include <pthread.h>

#include <utility>

namespace tidemill::tools {

LaterAnswers::LaterAnswers(std::size_t waitingMost)
    : waitingMost_(waitingMost), thread_([this] { loop(); }) {
    pthread_setname_np(thread_.native_handle(), "tm-answers");
}

bool LaterAnswers::ask(std::function<void(bool)> work) {
    const std::lock_guard lock(mutex_);
    if (ended_ || waiting_.size() == waitingMost_) return false;
    waiting_.push_back(std::move(work));
    changed_.notify_one();
    return true;
}

void LaterAnswers::loop() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [&] { return ended_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        const auto work = std::move(waiting_.front());
        waiting_.pop_front();
        const bool isOver = ended_;
        lock.unlock();
        work(isOver);
        lock.lock();
    }
}

void LaterAnswers::end() {
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        changed_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

}  // namespace tidemill::tools
