// How a benchmark says its figures: a line for people, or one JSON object.
#pragma once

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace tidemill::bench {

inline double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// A figure and what it is measured against in the same run.
struct Figure {
    std::string name;
    double value = 0;
    std::string unit;
    double ratio = 0;                                  // to the reference; 0: there is none
    double reference = 0;                              // the reference's value, in the same unit
    std::vector<std::pair<std::string, double>> more;  // further numbers, by name
    std::vector<double> ratios;                        // of each run; their median is `ratio`

    void print(bool json) const {
        if (json) {
            std::printf(
                "{\"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", \"ratio\": %.4g, "
                "\"reference\": %.6g",
                name.c_str(), value, unit.c_str(), ratio, reference);
            if (!ratios.empty())
                std::printf(", \"ratio_low\": %.4g, \"ratio_high\": %.4g, \"runs\": %zu", low(),
                            high(), ratios.size());
            for (const auto& [key, number] : more)
                std::printf(", \"%s\": %.6g", key.c_str(), number);
            std::printf("}\n");
        } else {
            std::printf("%-16s %10.4g %-16s", name.c_str(), value, unit.c_str());
            if (ratio != 0) std::printf(" ratio %-6.3g (reference %.4g)", ratio, reference);
            if (!ratios.empty())
                std::printf(" from %.3g to %.3g in %zu runs", low(), high(), ratios.size());
            std::printf("\n");
            for (const auto& [key, number] : more)
                std::printf("    %-24s %.6g\n", key.c_str(), number);
        }
        std::fflush(stdout);
    }

private:
    double low() const { return *std::min_element(ratios.begin(), ratios.end()); }
    double high() const { return *std::max_element(ratios.begin(), ratios.end()); }
};

}  // namespace tidemill::bench
