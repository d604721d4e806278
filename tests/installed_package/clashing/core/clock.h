// The program's own, with a name that Tidemill has too.
#pragma once

namespace program {
inline int hours() { return 24; }
}  // namespace program
