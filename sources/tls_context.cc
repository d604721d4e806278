#include "sources/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <cstring>

#include "core/secrets.h"
#include "sources/http/http_check.h"

namespace tidemill::sources {

using core::ErrorKind;
using core::Result;

namespace {

Result<TlsContext> makeContext(const SSL_METHOD* method) {
    TlsContext context(::SSL_CTX_new(method), ::SSL_CTX_free);
    if (!context) return core::fail(ErrorKind::kIo, "TLS cannot be set up: " + lastTlsError());
    ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    ::SSL_CTX_set_mode(context.get(),
                       SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return context;
}

// Passwords are not asked for on a terminal that nobody sits at.
int noPassword(char*, int, int, void*) { return 0; }

core::Error wrongFile(const char* key, const std::string& path, const std::string& what) {
    return {ErrorKind::kInvalid,
            std::string(key) + " \"" + path + "\" " + what + ": " + lastTlsError()};
}

}  // namespace

std::string lastTlsError() {
    const auto code = ::ERR_peek_last_error();
    std::string text = "no reason is known";
    if (ERR_SYSTEM_ERROR(code)) text = std::strerror(ERR_GET_REASON(code));
    else if (const char* reason = ::ERR_reason_error_string(code)) text = reason;
    ::ERR_clear_error();
    return text;
}

Result<TlsContext> makeServerContext(const SecurityFiles& files) {
    if (files.certificate.empty() || files.key.empty())
        return core::fail(ErrorKind::kInvalid,
                          std::string("TLS needs both cert_file and key_file; ") +
                              (files.key.empty() ? "key_file" : "cert_file") + " is missing");
    TM_ASSIGN(auto context, makeContext(::TLS_server_method()));
    auto* raw = context.get();
    ::ERR_clear_error();
    ::SSL_CTX_set_default_passwd_cb(raw, &noPassword);
    if (::SSL_CTX_use_certificate_chain_file(raw, files.certificate.c_str()) != 1)
        return core::fail(
            wrongFile("cert_file", files.certificate, "holds no certificate that can be read"));
    if (::SSL_CTX_use_PrivateKey_file(raw, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
        return core::fail(
            wrongFile("key_file", files.key,
                      "holds no key for the certificate in cert_file that can be read"));
    return context;
}

Result<TlsContext> makeClientContext(const std::string& caFile, const char* option) {
    TM_ASSIGN(auto context, makeContext(::TLS_client_method()));
    auto* raw = context.get();
    ::ERR_clear_error();
    ::SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
    if (caFile.empty()) {
        ::SSL_CTX_set_default_verify_paths(raw);
    } else if (::SSL_CTX_load_verify_locations(raw, caFile.c_str(), nullptr) != 1) {
        return core::fail(wrongFile(option, caFile, "holds no certificates that can be read"));
    }
    return context;
}

Result<std::string> readTokenFile(const std::string& path) {
    if (path.empty()) return std::string();
    TM_ASSIGN(auto token, http::readToken(path));
    core::keepSecret(token, "${token_file}");
    return token;
}

Result<> checkSecurity(const SecurityFiles& files) {
    if (files.encrypts()) TM_TRY(makeServerContext(files));
    TM_TRY(readTokenFile(files.token));
    return {};
}

}  // namespace tidemill::sources
