// rows.expressions: ten expressions of job files over columns of an access log, on one core, next
// to loops by hand over the same columns, by turns; the results are compared.
//
// The figure is of all ten one after the other; `ratio_…` of each alone.
//
// rows_expressions [--rows=N] [--runs=N] [--json]
#include <re2/re2.h>

#include <chrono>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bench/arguments.h"
#include "bench/report.h"
#include "core/arena.h"
#include "rows/expression.h"

namespace {

using namespace tidemill;
using namespace tidemill::bench;
using namespace tidemill::rows;

using Clock = std::chrono::steady_clock;
using Text = std::string_view;

double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

// The rows of one chunk; each chunk is read several times, as one that has just been read would be.
struct Requests {
    std::vector<std::string> texts;
    ColumnBuffer path{Type::kText}, referer{Type::kText}, status{Type::kInt}, bytes{Type::kInt},
        when{Type::kTime}, elapsed{Type::kFloat};
    std::vector<Column> columns;
};

Schema schema() {
    return *Schema::of({{"path", Type::kText},
                        {"referer", Type::kText},
                        {"status", Type::kInt},
                        {"bytes", Type::kInt},
                        {"at", Type::kTime},
                        {"elapsed", Type::kFloat}});
}

void fill(Requests& chunk, std::mt19937_64& random) {
    constexpr const char* kPaths[] = {"/health", "/healthz/ready",        "/api/v1/users/",
                                      "/User/",  "/static/js/app.min.js", "/api/v2/orders/",
                                      "/login"};
    constexpr std::int64_t kStatus[] = {200, 200, 200, 200, 200, 304, 404, 500, 503, 301};
    chunk.texts.reserve(2 * kChunkRows);
    for (std::size_t i = 0; i < kChunkRows; ++i) {
        std::string path = kPaths[random() % std::size(kPaths)];
        if (path.ends_with('/')) path += std::to_string(random() % 100'000);
        chunk.texts.push_back(std::move(path));
        chunk.path.as<Type::kText>()[i] = chunk.texts.back();
        chunk.texts.push_back("https://example.org/from/" + std::to_string(random() % 1000));
        chunk.referer.as<Type::kText>()[i] = chunk.texts.back();
        if (random() % 3 == 0) chunk.referer.setNull(i);
        chunk.status.as<Type::kInt>()[i] = kStatus[random() % std::size(kStatus)];
        chunk.bytes.as<Type::kInt>()[i] = static_cast<std::int64_t>(random() % 100'000);
        chunk.when.as<Type::kTime>()[i] =
            1'700'000'000'000'000 + static_cast<std::int64_t>(random() % 100'000'000'000'000);
        chunk.elapsed.as<Type::kFloat>()[i] = static_cast<double>(random() % 10'000) / 1000;
    }
    for (ColumnBuffer* column :
         {&chunk.path, &chunk.referer, &chunk.status, &chunk.bytes, &chunk.when, &chunk.elapsed})
        chunk.columns.push_back(column->column());
}

// What a loop by hand reads and writes. Texts that are made go to the arena, as there.
struct Hand {
    const Text* path;
    const Text* referer;
    const std::uint64_t* noReferer;
    const std::int64_t* status;
    const std::int64_t* bytes;
    const std::int64_t* when;
    const double* elapsed;
    std::uint8_t bools[kChunkRows];
    std::int64_t ints[kChunkRows];
    double floats[kChunkRows];
    Text texts[kChunkRows];
    core::Arena* arena;
};

const re2::RE2& userPath() {
    static const re2::RE2 kRegex("^/api/v[0-9]+/users/[0-9]+", re2::RE2::Latin1);
    return kRegex;
}

struct Case {
    const char* name;
    const char* sql;
    void (*byHand)(Hand&);
};

template <class F>
void each(F&& f) {
    for (std::size_t i = 0; i < kChunkRows; ++i) f(i);
}

const Case kCases[] = {
    {"compare", "status >= 500",
     [](Hand& h) { each([&](std::size_t i) { h.bools[i] = h.status[i] >= 500; }); }},
    {"and_prefix", "status >= 500 and path not like '/health%'",
     [](Hand& h) {
         each([&](std::size_t i) {
             h.bools[i] = h.status[i] >= 500 && !h.path[i].starts_with("/health");
         });
     }},
    {"divide", "bytes / 1024.0",
     [](Hand& h) {
         each([&](std::size_t i) { h.floats[i] = static_cast<double>(h.bytes[i]) / 1024.0; });
     }},
    {"arithmetic", "bytes * 8 + status",
     [](Hand& h) {
         bool any = false;  // a wrong number would be worse than none
         each([&](std::size_t i) {
             std::int64_t product = 0;
             any |= __builtin_mul_overflow(h.bytes[i], std::int64_t{8}, &product);
             any |= __builtin_add_overflow(product, h.status[i], &h.ints[i]);
         });
         if (any) std::abort();
     }},
    {"in", "status in (404, 410, 451)",
     [](Hand& h) {
         each([&](std::size_t i) {
             h.bools[i] = h.status[i] == 404 || h.status[i] == 410 || h.status[i] == 451;
         });
     }},
    {"contains", "path like '%/js/%'",
     [](Hand& h) {
         each([&](std::size_t i) {
             h.bools[i] = memmem(h.path[i].data(), h.path[i].size(), "/js/", 4) != nullptr;
         });
     }},
    {"case", "case when status < 400 then 'good' when status < 500 then 'client' else 'server' end",
     [](Hand& h) {
         each([&](std::size_t i) {
             h.texts[i] = h.status[i] < 400 ? "good" : h.status[i] < 500 ? "client" : "server";
         });
     }},
    {"coalesce", "coalesce(referer, '-')",
     [](Hand& h) {
         each([&](std::size_t i) {
             h.texts[i] = (h.noReferer[i / 64] >> (i % 64)) & 1 ? Text("-") : h.referer[i];
         });
     }},
    {"date_trunc", "date_trunc('hour', at)",
     [](Hand& h) {
         each([&](std::size_t i) { h.ints[i] = h.when[i] - h.when[i] % 3'600'000'000; });
     }},
    {"regex", "path ~ '^/api/v[0-9]+/users/[0-9]+'",
     [](Hand& h) {
         each([&](std::size_t i) {
             h.bools[i] = userPath().Match({h.path[i].data(), h.path[i].size()}, 0,
                                           h.path[i].size(), re2::RE2::UNANCHORED, nullptr, 0);
         });
     }},
};

bool isSame(const Column& column, const Hand& hand) {
    for (std::size_t i = 0; i < kChunkRows; ++i) {
        bool same = !column.isNull(i);
        switch (column.type) {
            case Type::kBool: same = same && column.as<Type::kBool>()[i] == hand.bools[i]; break;
            case Type::kFloat: same = same && column.as<Type::kFloat>()[i] == hand.floats[i]; break;
            case Type::kInt:
            case Type::kTime: same = same && column.as<Type::kInt>()[i] == hand.ints[i]; break;
            case Type::kText:
            case Type::kJson: same = same && column.as<Type::kText>()[i] == hand.texts[i];
        }
        if (!same) return false;
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 7);
    const auto rows = static_cast<std::size_t>(arguments.number("--rows", 4'000'000));

    std::mt19937_64 random(1);
    std::vector<Requests> chunks(64);
    for (auto& chunk : chunks) fill(chunk, random);
    const std::size_t turns = std::max<std::size_t>(1, rows / kChunkRows / chunks.size());
    const auto done = static_cast<double>(turns * chunks.size() * kChunkRows);

    auto hand = std::make_unique<Hand>();
    core::Arena arena;
    RowFailures failures;
    Figure figure{.name = "rows.expressions", .unit = "M rows/s", .more = {}};
    // Of all expressions together, of each run.
    std::vector<double> ours(static_cast<std::size_t>(arguments.runs)), byHand(ours.size());
    for (const Case& one : kCases) {
        const auto expression = parseExpression(one.sql, schema());
        if (!expression) {
            std::fprintf(stderr, "%s: %s\n", one.sql, expression.error().message.c_str());
            return 1;
        }
        const auto evaluator = (*expression)->makeEvaluator();
        const auto chunkOf = [&](Requests& of) {
            Chunk chunk;
            chunk.rows = chunk.selectedCount = kChunkRows;
            chunk.columns = of.columns;
            return chunk;
        };
        const auto look = [&](Requests& of) {
            *hand = {.path = of.path.as<Type::kText>(),
                     .referer = of.referer.as<Type::kText>(),
                     .noReferer = of.columns[1].nulls,
                     .status = of.status.as<Type::kInt>(),
                     .bytes = of.bytes.as<Type::kInt>(),
                     .when = of.when.as<Type::kTime>(),
                     .elapsed = of.elapsed.as<Type::kFloat>(),
                     .bools = {},
                     .ints = {},
                     .floats = {},
                     .texts = {},
                     .arena = &arena};
            one.byHand(*hand);
        };
        for (auto& chunk : chunks) {
            look(chunk);
            if (isSame(evaluator->evaluate(chunkOf(chunk), arena, failures), *hand)) continue;
            std::fprintf(stderr, "%s: the results differ\n", one.sql);
            return 1;
        }
        std::vector<double> oursRuns, handRuns;
        for (int run = 0; run < arguments.runs; ++run) {
            auto begin = Clock::now();
            for (std::size_t turn = 0; turn < turns; ++turn) {
                for (auto& chunk : chunks) evaluator->evaluate(chunkOf(chunk), arena, failures);
                arena.reset();
            }
            oursRuns.push_back(seconds(Clock::now() - begin));
            begin = Clock::now();
            for (std::size_t turn = 0; turn < turns; ++turn)
                for (auto& chunk : chunks) {
                    hand->path = chunk.path.as<Type::kText>();
                    hand->referer = chunk.referer.as<Type::kText>();
                    hand->noReferer = chunk.columns[1].nulls;
                    hand->status = chunk.status.as<Type::kInt>();
                    hand->bytes = chunk.bytes.as<Type::kInt>();
                    hand->when = chunk.when.as<Type::kTime>();
                    hand->elapsed = chunk.elapsed.as<Type::kFloat>();
                    one.byHand(*hand);
                    asm volatile("" : : "r"(hand.get()) : "memory");  // it is all wanted
                }
            handRuns.push_back(seconds(Clock::now() - begin));
        }
        if (!failures.empty()) {
            std::fprintf(stderr, "%s: %s\n", one.sql, failures.all()[0].second.c_str());
            return 1;
        }
        const double oursMedian = median(oursRuns), handMedian = median(handRuns);
        for (std::size_t run = 0; run < ours.size(); ++run) {
            ours[run] += oursRuns[run];
            byHand[run] += handRuns[run];
        }
        figure.more.emplace_back(std::string("ratio_") + one.name, handMedian / oursMedian);
        figure.more.emplace_back(std::string("rows_per_us_") + one.name, done / oursMedian / 1e6);
    }
    const double count = static_cast<double>(std::size(kCases)) * done;
    figure.value = count / median(ours) / 1e6;
    figure.reference = count / median(byHand) / 1e6;
    for (std::size_t run = 0; run < ours.size(); ++run)
        figure.ratios.push_back(byHand[run] / ours[run]);
    figure.ratio = median(figure.ratios);
    figure.print(arguments.json);
    return 0;
}
