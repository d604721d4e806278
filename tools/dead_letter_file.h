// The files in which a data directory keeps the records that its job has gone on without.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace tidemill::tools {

// One line of such a file.
struct DeadLetter {
    // What `record` is; core::RecordKind has the meanings. kCount: no record.
    enum class Kind { kElement, kLine, kBeginning, kRow, kCount };

    std::uint64_t batch = 0;
    std::int64_t timeMillis = 0;
    Kind kind = Kind::kElement;
    std::uint64_t notKept = 0;  // of kCount: so many more of the batch are not here
    std::string operation, record, error;
};

// The word that stands in the file.
std::string_view toString(DeadLetter::Kind kind);

// `line` is line number `number` of `file`, from 1. Errors (kCorrupt): what is wrong with which
// field of which line.
core::Result<DeadLetter> parseDeadLetter(const std::string& line, const std::filesystem::path& file,
                                         std::uint64_t number);

// The files in the order of their batches; `batch`: the one of that batch, 0 for all. Errors:
// kNotFound (no data directory), kIo.
core::Result<std::vector<std::filesystem::path>> deadLetterFiles(const std::string& dataDirectory,
                                                                 std::uint64_t batch);

// Calls visit(letter) for each of one file, until it returns false. Errors: kIo, kCorrupt.
core::Result<> forEachDeadLetter(const std::filesystem::path& file,
                                 const std::function<bool(const DeadLetter&)>& visit);

}  // namespace tidemill::tools
