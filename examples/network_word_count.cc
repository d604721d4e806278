// Counts words from a socket: per batch, and running totals that survive any crash.
//
//   nc -lk 9999              in one terminal: type lines here
//   network_word_count       in another; kill it, start it again: the totals go on
#include <tidemill/tidemill.h>

using namespace tidemill;

int main() {
    StreamingContext ssc("./wordcount.data", 1s);  // resumes what the directory holds
    auto lines = ssc.socketTextStream("localhost", 9999);
    auto words = lines.flatMap(splitWords);
    auto counts = words.map([](std::string_view word) { return std::pair(word, 1L); })
                      .reduceByKey(std::plus<>());
    counts.print();
    counts.runningTotals("totals").print();  // the words of the batch with their new totals
    return ssc.runUntilStopped();  // Ctrl-C or SIGTERM: what was received is processed first
}
