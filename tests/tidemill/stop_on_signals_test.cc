// stopOnSignals and runUntilStopped, in child processes that are sent signals.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <thread>

#include "tidemill/tidemill.h"

namespace tidemill {
namespace {

constexpr int kDone = 10;
constexpr int kWrong = 11;

class StopOnSignals : public testing::Test {
protected:
    // Runs body(notify) in a child, whose exit code is what body returns. notify() lets ready()
    // return here.
    template <class Body>
    void child(Body body) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::close(ends[0]);
            const int code = body([&] { (void)!::write(ends[1], "x", 1); });
            ::_exit(code);
        }
        ::close(ends[1]);
        ready_ = ends[0];
    }
    StopOnSignals() {
        std::string name = testing::TempDir() + "stop_on_signals_XXXXXX";
        directory_ = ::mkdtemp(name.data());
    }
    void TearDown() override {
        std::filesystem::remove_all(directory_);
        if (ready_ >= 0) ::close(ready_);
    }
    void ready() const {
        char byte = 0;
        ASSERT_EQ(::read(ready_, &byte, 1), 1);
    }
    void signal(int number) const { ::kill(pid_, number); }
    int end() const {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

    // A job that makes a checkpoint only when it is stopped gracefully.
    StreamingOptions options() const {
        StreamingOptions options;
        options.directory = directory_ / "data";
        options.interval = 20ms;
        options.checkpointBytes = 0;
        options.checkpointInterval = Duration(0);
        return options;
    }

    std::filesystem::path directory_;
    pid_t pid_ = -1;
    int ready_ = -1;
};

TEST_F(StopOnSignals, TheFirstSignalStopsGracefully) {
    for (const int number : {SIGINT, SIGTERM}) {
        child([&](auto notify) {
            StreamingContext ssc(options());
            ssc.memoryTextStream("a\nb\n").countByValue().runningTotals("totals");
            ssc.onBatchCompleted([&](const BatchInfo&) { notify(); });
            ssc.stopOnSignals();
            ssc.start();
            ssc.awaitTermination();
            return kDone;
        });
        ready();
        signal(number);
        EXPECT_EQ(end(), kDone);
        EXPECT_FALSE(std::filesystem::is_empty(directory_ / "data" / "generations"));
        std::filesystem::remove_all(directory_ / "data");
    }
}

TEST_F(StopOnSignals, SignalBeforeStartStopsBehindIt) {
    child([&](auto) {
        StreamingContext ssc(options());
        ssc.memoryTextStream("a\nb\n").print();
        ssc.stopOnSignals();
        ::raise(SIGTERM);
        ssc.start();
        ssc.awaitTermination();
        return ssc.state() == StreamingContext::State::kStopped ? kDone : kWrong;
    });
    EXPECT_EQ(end(), kDone);
}

TEST_F(StopOnSignals, SignalsToAThreadThatWasThereBeforeAreSeen) {
    child([&](auto) {
        std::promise<void> go;
        std::thread earlier([&] {
            go.get_future().wait();
            ::pthread_kill(::pthread_self(), SIGINT);
        });
        StreamingContext ssc(options());
        ssc.memoryTextStream("a\nb\n").print();
        ssc.start();
        ssc.stopOnSignals();
        go.set_value();
        ssc.awaitTermination();
        earlier.join();
        return kDone;
    });
    EXPECT_EQ(end(), kDone);
}

TEST_F(StopOnSignals, TwoSignalsWithinAMomentAreOne) {
    child([&](auto) {
        StreamingContext ssc(options());
        ssc.memoryTextStream("a\nb\n").print();
        ssc.stopOnSignals();
        ssc.start();
        ::raise(SIGTERM);
        ::raise(SIGTERM);
        ssc.awaitTermination();
        return kDone;
    });
    EXPECT_EQ(end(), kDone);
}

TEST_F(StopOnSignals, ALaterSecondSignalEndsAtOnce) {
    child([&](auto notify) {
        StreamingContext ssc(options());
        ssc.memoryTextStream("a\nb\n").forEachBatch([&](Batch<std::string_view>&) {
            notify();
            std::promise<void>().get_future().wait_for(1h);
        });
        ssc.stopOnSignals();
        ssc.start();
        ssc.awaitTermination();
        return kWrong;
    });
    ready();
    // However late the child is to see them: two of these lie more than a moment apart.
    int status = 0;
    do {
        signal(SIGTERM);
        std::this_thread::sleep_for(200ms);
    } while (::waitpid(pid_, &status, WNOHANG) == 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

TEST_F(StopOnSignals, TheOldHandlersComeBackWithTheEndOfTheContext) {
    struct sigaction before {
    }, during{}, after{};
    ::sigaction(SIGTERM, nullptr, &before);
    {
        StreamingContext ssc(options());
        ssc.stopOnSignals();
        ssc.stopOnSignals();  // once more is nothing more
        ::sigaction(SIGTERM, nullptr, &during);
    }
    ::sigaction(SIGTERM, nullptr, &after);
    EXPECT_NE(during.sa_handler, before.sa_handler);
    EXPECT_EQ(after.sa_handler, before.sa_handler);
}

TEST_F(StopOnSignals, RunUntilStoppedReturnsWhatMainShould) {
    child([&](auto notify) {
        StreamingContext ssc(options());
        ssc.memoryTextStream("a\nb\n").forEachBatch([&](Batch<std::string_view>&) { notify(); });
        return ssc.runUntilStopped();
    });
    ready();
    signal(SIGTERM);
    EXPECT_EQ(end(), 0);
}

TEST_F(StopOnSignals, AStartThatFailsIsAMessageAndAnExitCode) {
    auto bad = options();
    bad.directory = directory_ / "no" / "parent";
    testing::internal::CaptureStderr();
    StreamingContext ssc(bad);
    ssc.memoryTextStream("a\n").print();
    EXPECT_EQ(ssc.runUntilStopped(), 1);
    EXPECT_NE(testing::internal::GetCapturedStderr().find("is missing: " +
                                                          bad.directory.parent_path().string()),
              std::string::npos);
}

}  // namespace
}  // namespace tidemill
