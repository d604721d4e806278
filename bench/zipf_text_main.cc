// zipf_text BYTES OUT [VOCABULARY=100000] [EXPONENT=1.0] [SEED=1]: writes Zipf text to a file.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/zipf_text.h"

int main(int count, char** arguments) {
    if (count < 3) {
        std::fprintf(stderr, "usage: zipf_text BYTES OUT [VOCABULARY] [EXPONENT] [SEED]\n");
        return 2;
    }
    const std::size_t sizeBytes = std::strtoull(arguments[1], nullptr, 10);
    tidemill::bench::ZipfText generator(
        count > 3 ? std::strtoull(arguments[3], nullptr, 10) : 100'000,
        count > 4 ? std::atof(arguments[4]) : 1.0,
        count > 5 ? std::strtoull(arguments[5], nullptr, 10) : 1);
    std::FILE* file = std::fopen(arguments[2], "w");
    if (file == nullptr) {
        std::perror(arguments[2]);
        return 1;
    }
    std::string line;
    for (std::size_t done = 0; done < sizeBytes; done += line.size()) {
        line.clear();
        generator.appendLine(line);
        if (std::fwrite(line.data(), 1, line.size(), file) != line.size()) {
            std::perror(arguments[2]);
            return 1;
        }
    }
    if (std::fclose(file) != 0) {
        std::perror(arguments[2]);
        return 1;
    }
}
