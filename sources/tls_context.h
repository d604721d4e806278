// What an end of TLS connections is set up with: its certificate, or whom it trusts. Private to
// sources/, but for what checks the files of a job: checkSecurity(), makeClientContext().
#pragma once

#include <memory>
#include <string>

#include "core/error.h"
#include "sources/text_security.h"

struct ssl_ctx_st;

namespace tidemill::sources {

using TlsContext = std::shared_ptr<ssl_ctx_st>;

// TLS 1.2 or newer. Errors: kInvalid, with the file: it cannot be read, it is no PEM, the key is
// another certificate's, one of the two is missing.
core::Result<TlsContext> makeServerContext(const SecurityFiles& files);

// Trusts what the certificates in `caFile` vouch for; empty: what the system trusts. Errors:
// kInvalid, with the file, and with `option` as what it was given by.
core::Result<TlsContext> makeClientContext(const std::string& caFile,
                                           const char* option = "ca_file");

// Whether a source could be started with these files. Errors: those of the two above, and of the
// token.
core::Result<> checkSecurity(const SecurityFiles& files);

// The token in the file, which is a secret from now on (core/secrets.h); empty for no file. Errors:
// kInvalid, kNotFound, kIo.
core::Result<std::string> readTokenFile(const std::string& path);

// What OpenSSL says of the calling thread's last error: "certificate verify failed".
std::string lastTlsError();

}  // namespace tidemill::sources
