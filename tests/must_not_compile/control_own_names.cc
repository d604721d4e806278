// Names of a program's own beside `using namespace tidemill`: they compile, at the outermost level
// where Tidemill has no such public name, and whatever they are in a namespace of the program's.
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "tidemill/tidemill.h"

using namespace std;
using namespace tidemill;

struct Event {
    string user;
    long cents = 0;
};
enum class Stage { kFirst, kLast };
int count(const vector<Event>& events) { return static_cast<int>(events.size()); }
string window(const Event& event) { return event.user; }
void print(const string& text) { cout << text; }
struct Source {};
struct Sink {};
struct Record {};
struct Table {};
struct Session {};
struct Order {};
struct Window {};
struct Graph {};
struct Node {};
struct Block {};
struct Clock {};
struct Error {};
struct Workers {};

namespace shop {
namespace core {
int hours() { return 24; }
}  // namespace core
namespace state {
struct Table {};
}  // namespace state
namespace sources {
int count = 0;
}
struct State {
    int visits = 0;
};
struct Job {};
struct Engine {};
struct Visit {
    string page;
};
struct Batch {};
struct Emit {};
struct Duration {};

void declare(StreamingContext& context) {
    Batch batch;
    Emit emit;
    Duration duration;
    state::Table table;
    Job job;
    Engine engine;
    (void)batch, (void)emit, (void)duration, (void)table, (void)job, (void)engine;
    const Visit home{"/"};
    const State before{core::hours() + sources::count};
    context.socketTextStream("localhost", 9999)
        .map([home, before](string_view line) {
            return pair(string(line) + home.page, long{before.visits});
        })
        .reduceByKey(plus<>())
        .mapWithState<long>(
            [](const string& user, optional<long> cents, tidemill::State<long>& sum) {
                sum.update(sum.getOption().value_or(0) + cents.value_or(0));
                return pair(user, sum.get());
            })
        .print();
}
}  // namespace shop

int main() {
    StreamingContext context("./orders.data", 1s);
    RecordQueue<pair<string, long>> orders;
    context.queueStream(orders)
        .map([](const pair<string, long>& order) {
            const Event event{order.first, order.second};
            return pair(window(event), event.cents);
        })
        .reduceByKeyAndWindow(plus<long>(), 30s, 10s)
        .forEachBatch([](Batch<pair<string, long>>& batch) {
            map<string, long> sums;
            for (const auto& [user, cents] : batch.collect()) sums[user] = cents;
            print(to_string(sums.size()) + to_string(count({Event{"ann", 1}})));
        });
    shop::declare(context);
    return context.runUntilStopped();
}
