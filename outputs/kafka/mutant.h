// Mistakes that tests make on purpose, to see that they are found. No program sets one.
#pragma once

namespace tidemill::outputs {

enum class Mutant {
    kNone,
    kNoWait,           // P2 takes what is committed for all that there is
    kProgressOutside,  // the progress record is a transaction of its own, behind the batch's
    kKeepsProducer,    // rule R is off
    kRandomId,         // each producer has a transactional.id of its own: nobody is fenced
};

// One for the process; read by one thread after it was set by main().
Mutant& mutant();

}  // namespace tidemill::outputs
