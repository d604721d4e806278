// Mistakes that tests make on purpose, to see that they are found. No program sets one.
#pragma once

namespace tidemill::sources::kinesis {

enum class Mutant {
    kNone,
    kResumesOneOff,    // positions are kept one record before the one they should name
    kForgetsFinished,  // a shard that was read to its end is read again
};

// One for the process; set before a job starts.
Mutant& mutant();

}  // namespace tidemill::sources::kinesis
