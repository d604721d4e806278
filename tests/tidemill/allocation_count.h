// Counts the calls of operator new of the whole process. A program that links this has its own
// operator new and delete.
#pragma once

#include <cstdint>

namespace tidemill::test {

// By all threads, since the process began. Thread safety: thread-safe.
std::uint64_t allocationCount();

}  // namespace tidemill::test
