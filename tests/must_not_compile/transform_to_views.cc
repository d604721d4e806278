// expect: what the function makes may hold views of elements that are gone
#include "tidemill/tidemill.h"

using namespace tidemill;

void declare(DStream<std::string> words) {
    words.transform([](Batch<std::string>& batch) {
        std::vector<std::string_view> views;
        batch.forEach([&](const std::string& word) { views.push_back(word); });
        return views;
    });
}
