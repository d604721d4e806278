#error "the program's own header is found instead of Tidemill's: core/operators/map.h"
