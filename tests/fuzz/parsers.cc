#include "tests/fuzz/parsers.h"

#include <iterator>

namespace tidemill::fuzz {

const std::vector<Parser>& parsers() {
    static const auto all = [] {
        std::vector<Parser> made;
        for (auto part : {logParsers(), positionParsers(), connectionParsers(), rowParsers(),
                          textParsers(), kinesisParsers()})
            made.insert(made.end(), part.begin(), part.end());
        return made;
    }();
    return all;
}

}  // namespace tidemill::fuzz
