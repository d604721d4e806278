#error "the program's own header is found instead of Tidemill's: recovery/frame.h"
