// What the program's exit codes mean; docs/command_line.md lists them for people.
#pragma once

#include "core/error.h"

namespace tidemill::tools {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;    // failed while it ran, or what was asked for is not there
inline constexpr int kExitUsage = 2;     // wrong command line
inline constexpr int kExitJobFile = 3;   // wrong or missing job file
inline constexpr int kExitRefused = 4;   // the data directory, or the session, is not ours to use
inline constexpr int kExitDamaged = 5;   // acknowledged data is damaged, or verify has found some
inline constexpr int kExitHeals = 6;     // damaged state; a new start takes a sound checkpoint
inline constexpr int kExitPeerAway = 7;  // stopped; batches wait in the log for an output's peer
inline constexpr int kExitNotAsInput = 8;  // send: durable, but not what the input holds
inline constexpr int kExitTakenOver = 9;   // send: another sender has the session
inline constexpr int kExitAtOnce = 130;    // a second signal: stopped without finishing

// For an error of the engine.
int exitCodeOf(const core::Error& error);

// "tidemill: MESSAGE" on standard error; returns exitCodeOf the error.
int sayFailure(const core::Error& error);

}  // namespace tidemill::tools
