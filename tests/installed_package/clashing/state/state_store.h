#error "the program's own header is found instead of Tidemill's: state/state_store.h"
