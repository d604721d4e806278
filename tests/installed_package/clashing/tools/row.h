#error "the program's own header is found instead of Tidemill's: tools/row.h"
