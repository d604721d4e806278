// One size for all budgets of memory.
#pragma once

#include <cstddef>

#include "tidemill/options.h"

namespace tidemill {

// The smallest that divideMemory() takes.
inline constexpr std::size_t kMemoryBytesMin = 96 << 20;

// Sets the budgets of `options` so that the process of a job with them takes about `bytes` at most:
// 64 MiB for the program itself, and sixteenths of the rest for batches (two), what is received
// (four; what a batch reads back from the log comes on top, and is as much at most), changed state
// (four), and RocksDB's cache (one). The other three are for the tables that a batch makes. Blocks,
// state rows and what remember() holds are bounded to fit. Budgets that are set later stand.
//
// Sources that keep something of their own come on top: unfinished HTTP requests, 64 MiB at most;
// what a Kafka client has fetched, 64 MiB and its records. So does what functions of the program
// allocate, and what persist, groupByKey, mapWithState and the like hold of a batch is several
// times what came in.
//
// Throws std::invalid_argument for less than kMemoryBytesMin.
void divideMemory(std::size_t bytes, StreamingOptions& options);

}  // namespace tidemill
