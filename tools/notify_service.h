// Messages to the service manager that started the process.
#pragma once

#include <string_view>

namespace tidemill::tools {

// Sends `state`, such as "READY=1", to the socket that $NOTIFY_SOCKET names; does nothing without
// one. Protocol: sd_notify(3).
void notifyService(std::string_view state);

}  // namespace tidemill::tools
