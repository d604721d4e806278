// Whether the calling thread is one that a job runs on. User code that runs there, such as an
// output operation or a listener, must not wait for the job: it would wait for itself.
#pragma once

namespace tidemill::core {

inline thread_local int ownThreadDepth = 0;

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
