// What the looking commands share.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/error.h"
#include "recovery/inspect.h"
#include "state/state_reader.h"
#include "tools/commands.h"

namespace tidemill::tools {

// As openNewest(). Says on standard error which batch it is of and how many logged records it does not
// include. Errors: kNotFound when there is none.
core::Result<std::unique_ptr<state::StateReader>> openState(const InspectOptions& options);

// Writes to standard output; returns false when nobody reads it any more.
bool put(const std::string& text);

// Flushes standard output; returns the exit code, and says why when not everything was written.
int finishOutput();

}  // namespace tidemill::tools
