#error "the program's own header is found instead of Tidemill's: sources/queue_source.h"
