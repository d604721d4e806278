// A program whose folders are called like Tidemill's.
#include <tidemill/tidemill.h>

#include <future>
#include <iostream>

#include "core/clock.h"

using namespace tidemill;

int main() {
    StreamingContext ssc(100ms);
    RecordQueue<int> hours;
    std::promise<int> seen;
    ssc.queueStream(hours)
        .map([](int hour) { return hour % program::hours(); })
        .forEachBatch([&](Batch<int>& batch) {
            for (const int hour : batch.collect()) seen.set_value(hour);
        });
    ssc.start();
    hours.push({25});
    std::cout << "hour " << seen.get_future().get() << "\n";
    ssc.stop();
}
