// Follows users through the pages they visit: lines "USER PAGE" from a socket. A user who was not
// seen for 30 seconds has left, and the visit is summed up.
//
//   nc -lk 9999                  in one terminal: type lines such as "ann /home"
//   user_sessions [PORT [DIR [MILLISECONDS]]]   in another
#include <tidemill/tidemill.h>

using namespace tidemill;

int main(int argc, char** argv) {
    const auto port = static_cast<std::uint16_t>(argc > 1 ? std::stoi(argv[1]) : 9999);
    StreamingContext ssc(argc > 2 ? argv[2] : "./sessions.data", 1s);
    ssc.socketTextStream("localhost", port)
        .map([](std::string_view line) {
            const auto space = line.find(' ');
            return std::pair(line.substr(0, space),
                             space == line.npos ? line.substr(0, 0) : line.substr(space + 1));
        })
        .mapWithState<std::vector<std::string>>(
            [](const std::string_view& user, std::optional<std::string_view> page,
               State<std::vector<std::string>>& visited) -> std::optional<std::string> {
                if (visited.isTimingOut())
                    return std::string(user) + " left after " +
                           std::to_string(visited.get().size()) + " pages, the last was " +
                           visited.get().back();
                auto pages = visited.getOption().value_or(std::vector<std::string>());
                pages.emplace_back(*page);
                visited.update(pages);
                return std::nullopt;
            })
        .timeout(argc > 3 ? Duration(std::stoi(argv[3])) : 30s)
        .named("visits")
        .print();
    return ssc.runUntilStopped();  // Ctrl-C or SIGTERM: what was received is processed first
}
