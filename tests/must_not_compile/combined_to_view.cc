// expect: what the function makes may hold views of elements that are gone
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::pair<int, std::string>> pairs) {
    using View = std::string_view;
    pairs.combineByKey([](const std::string& value) { return View(value); },
                       [](View a, const std::string&) { return a; },
                       [](View a, View) { return a; });
}
