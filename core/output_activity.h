// In whose hands a batch is while outputs run: their own, their peers', or the operators' that make
// what they read.
#pragma once

#include <atomic>

namespace tidemill::core {

// Thread safety: thread-safe; one output at a time.
class OutputActivity {
public:
    // An output has a peer, and nothing is made for it at this moment: it waits until the peer is
    // there, or until it has taken what it was given.
    bool atPeer() const { return hasPeer_ && making_ == 0; }

    // While it lives an output is run, or asked for its note.
    class Running {
    public:
        Running(OutputActivity& activity, bool hasPeer) : activity_(activity) {
            activity_.hasPeer_ = hasPeer;
        }
        ~Running() { activity_.hasPeer_ = false; }
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;

    private:
        OutputActivity& activity_;
    };

    // While it lives operators make what is read; null: nobody wants to know.
    class Making {
    public:
        explicit Making(OutputActivity* activity) : activity_(activity) { add(1); }
        ~Making() { add(-1); }
        Making(const Making&) = delete;
        Making& operator=(const Making&) = delete;

        // While it lives, within that, the output takes what was made.
        class Pause {
        public:
            explicit Pause(Making& making) : making_(making) { making_.add(-1); }
            ~Pause() { making_.add(1); }
            Pause(const Pause&) = delete;
            Pause& operator=(const Pause&) = delete;

        private:
            Making& making_;
        };

    private:
        void add(int tasks) {
            if (activity_ != nullptr) activity_->making_ += tasks;
        }
        OutputActivity* const activity_;
    };

private:
    std::atomic<bool> hasPeer_ = false;
    std::atomic<int> making_ = 0;
};

}  // namespace tidemill::core
