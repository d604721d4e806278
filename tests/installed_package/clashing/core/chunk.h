#error "the program's own header is found instead of Tidemill's: core/chunk.h"
