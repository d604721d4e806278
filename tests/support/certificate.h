// Certificates that tests make.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace tidemill::test {

// NAME.pem and NAME.key in `directory`: a certificate of a day that vouches for itself. `names`:
// whom it is for, "IP:127.0.0.1". False where there is no openssl.
inline bool makeCertificate(const std::filesystem::path& directory, const std::string& name,
                            const std::string& names) {
    const auto command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj "
        "/CN=" +
        name + " -addext subjectAltName=" + names + " -keyout " +
        (directory / (name + ".key")).string() + " -out " + (directory / (name + ".pem")).string() +
        " >/dev/null 2>&1";
    return std::system(command.c_str()) == 0;
}

}  // namespace tidemill::test
