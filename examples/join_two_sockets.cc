// Joins two feeds by key, batch by batch: "ID ORDER" lines from one socket, "ID PAYMENT" lines from
// another.
//
//   nc -lk 9001     nc -lk 9002     join_two_sockets [PORT PORT]
#include <tidemill/tidemill.h>

using namespace tidemill;

std::pair<std::string_view, std::string_view> keyed(std::string_view line) {
    const auto space = std::min(line.find(' '), line.size());
    return {line.substr(0, space), line.substr(std::min(space + 1, line.size()))};
}

int main(int argc, char** argv) {
    const auto port = [&](int i, int otherwise) {
        return static_cast<std::uint16_t>(argc > i ? std::stoi(argv[i]) : otherwise);
    };
    StreamingContext ssc(2s);  // without a directory nothing survives: fine for a look
    const auto orders = ssc.socketTextStream("localhost", port(1, 9001)).map(keyed);
    const auto payments = ssc.socketTextStream("localhost", port(2, 9002)).map(keyed);
    orders.leftOuterJoin(payments).print();  // (7,(apples,Some(4.50))) or (8,(pears,None))
    return ssc.runUntilStopped();  // Ctrl-C or SIGTERM: what was received is processed first
}
