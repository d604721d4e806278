// The settings of RocksDB, for the files of state/ that talk to it.
#pragma once

#include <rocksdb/options.h>
#include <rocksdb/status.h>

#include <memory>
#include <string>

#include "core/error.h"
#include "state/rocks_store.h"

namespace tidemill::state {

// "state database: ingest failed: …"; corruption, a full disk and everything else are told apart.
[[nodiscard]] tl::unexpected<core::Error> failRocks(const rocksdb::Status& status,
                                                    const std::string& what);

rocksdb::Options rocksOptions(const RocksOptions& options);

// Reduces the operands of rows by the kind that their first byte names.
std::shared_ptr<rocksdb::MergeOperator> rowMergeOperator();

}  // namespace tidemill::state
