// How often each word came in the last 30 seconds, every 10 seconds.
//
//   nc -lk 9999                        in one terminal: type lines here
//   windowed_word_count [PORT [DIR]]   in another; kill it, start it again: the window goes on
#include <tidemill/tidemill.h>

using namespace tidemill;

int main(int argc, char** argv) {
    const auto port = static_cast<std::uint16_t>(argc > 1 ? std::stoi(argv[1]) : 9999);
    StreamingContext ssc(argc > 2 ? argv[2] : "./windowed.data", 1s);
    ssc.socketTextStream("localhost", port)
        .flatMap(splitWords)
        .map([](std::string_view word) { return std::pair(word, 1L); })
        .reduceByKeyAndWindow(std::plus<long>(), std::minus<long>(), 30s, 10s,
                              [](const auto& count) { return count.second != 0; })
        .print();
    return ssc.runUntilStopped();  // Ctrl-C or SIGTERM: what was received is processed first
}
