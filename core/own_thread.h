// Whether the calling thread is one that a job runs on. User code that runs there, such as an
// output operation or a listener, must not wait for the job: it would wait for itself.
#pragma once

#include <cstddef>

namespace tidemill::core {

// Aligned, since mold 1.10 (Debian 12) puts a program's thread-local data before its data segment
// as if it were a part of it: data of 4 bytes that falls to the end of a page makes a program that
// cannot be loaded ("cannot apply additional memory protection after relocation").
alignas(std::max_align_t) inline thread_local int ownThreadDepth = 0;

inline bool onOwnThread() { return ownThreadDepth != 0; }

// The thread belongs to a job while one exists. Nests.
class OwnThreadScope {
public:
    OwnThreadScope() { ++ownThreadDepth; }
    ~OwnThreadScope() { --ownThreadDepth; }
    OwnThreadScope(const OwnThreadScope&) = delete;
    OwnThreadScope& operator=(const OwnThreadScope&) = delete;
};

}  // namespace tidemill::core
