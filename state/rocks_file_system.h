// RocksDB's file access through core::FileSystem, so that a simulated disk holds the state too.
#pragma once

#include <rocksdb/env.h>

#include <memory>

#include "core/file_system.h"

namespace tidemill::state {

// An environment whose files are those of `files`; threads and clock are RocksDB's own. `files`
// must outlive it, and it must outlive every database that uses it. Locks are not taken: the data
// directory's lock covers the database. Thread safety: thread-safe, as `files` is.
std::unique_ptr<rocksdb::Env> rocksEnvironment(core::FileSystem& files);

}  // namespace tidemill::state
