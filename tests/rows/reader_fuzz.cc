// Fuzz target of all readers: the first byte chooses one, the lines behind it are its records. With
// clang, -fsanitize=fuzzer drives it (-DTIDEMILL_FUZZ=ON); its main() is then libFuzzer's.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/arena.h"
#include "core/cut_lines.h"
#include "rows/parse_value.h"
#include "rows/write_value.h"
#include "tests/rows/reader_cases.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tidemill;
    using namespace tidemill::rows;
    if (size == 0) return 0;
    static const auto readers = [] {
        std::vector<std::shared_ptr<const Reader>> made;
        for (const auto& tried : readerCases()) made.push_back(tried.make().value());
        return made;
    }();
    const auto rowReader = readers[data[0] % readers.size()]->makeRowReader();
    rowReader->beginBatch(fromMillis(1'718'409'600'000));
    std::vector<std::string_view> records;
    core::cutLines({reinterpret_cast<const char*>(data) + 1, size - 1}, [&](std::string_view line) {
        records.push_back(line);
        return records.size() < kChunkRows;
    });
    if (records.empty()) return 0;
    core::Arena arena;
    RowFailures failures;
    const auto columns = rowReader->read(records, arena, failures);
    std::string json;
    for (std::size_t row = 0; row < records.size(); ++row) {
        if (failures.failed(row)) continue;
        for (const Column& column : columns) {
            json.clear();
            appendJson(json, column, row);
            if (!isJson(json)) std::abort();
        }
    }
    return 0;
}
