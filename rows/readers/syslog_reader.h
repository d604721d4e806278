// Syslog messages of RFC 3164 and RFC 5424, and lines of the files that syslog daemons write.
#pragma once

#include <memory>
#include <vector>

#include "core/error.h"
#include "rows/reader.h"

namespace tidemill::rows {

// Every column with its type: priority, facility, severity, version int; time time; host, app, pid,
// msgid text; data json; message text.
std::vector<FieldSpec> syslogFields();

// Places are those columns. A column that the record's form has not, or has as "-", is null. The
// priority may be absent, as it is in files. A time is RFC 3164's, without a year: the latest such
// that is at most a day after the batch's; or ISO 8601. `data` is the structured data of RFC 5424:
// {"id": {"name": "value"}}, with a list of values where a name comes more than once.
// Errors: kInvalid.
core::Result<std::shared_ptr<const Reader>> makeSyslogReader(std::vector<FieldSpec> fields);

}  // namespace tidemill::rows
