// What a batch is at while it runs with care, because it has ended the process before: where the
// process ends, the last that was told says which record it was.
#pragma once

#include <string>
#include <string_view>

#include "core/batch_record.h"

namespace tidemill::core {

// Thread safety: by one thread at a time; such a batch runs one task after another.
class ProgressMarker {
public:
    virtual ~ProgressMarker() = default;
    // The operators behind a source are about to work on this record.
    virtual void record(const RecordPlace& place) = 0;
    // They have: no record is at work.
    virtual void noRecord() = 0;
    // A user's function is about to be called for an element, which is shown as print would.
    virtual void call(const std::string& operation, const std::string& element) = 0;
    // It has returned.
    virtual void returned() = 0;
};

}  // namespace tidemill::core
