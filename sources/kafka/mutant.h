// Mistakes that tests make on purpose, to see that they are found. No program sets one.
#pragma once

namespace tidemill::sources::kafka {

enum class Mutant {
    kNone,
    kAnchorUnchecked,   // whatever is in the anchor's place is taken for it
    kResumesOneOff,     // positions are kept behind the record that they should name
    kTakesBelow,        // positions are not compared: what comes again is taken again
    kPositionsNotKept,  // batches do not move the positions in the state
};

// One for the process; set before a job starts.
Mutant& mutant();

}  // namespace tidemill::sources::kafka
