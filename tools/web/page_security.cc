#include "tools/web/page_security.h"

#include <algorithm>

#include "core/file_system.h"
#include "core/secrets.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;

namespace {

Result<std::string> contentOf(const std::string& path, const char* what) {
    auto& files = core::posixFileSystem();
    const auto failed = [&](const std::string& why) {
        return core::fail(ErrorKind::kInvalid,
                          "the page's " + std::string(what) + " cannot be read: " + why);
    };
    const auto file = files.open(path, core::OpenMode::kRead);
    if (!file) return failed(file.error().message);
    const auto info = (*file)->info();
    if (!info) return failed(info.error().message);
    if (info->sizeBytes > PageSecurity::kFileBytesMost)
        return failed("file=" + path + " has " + std::to_string(info->sizeBytes) +
                      " bytes; at most " + std::to_string(PageSecurity::kFileBytesMost));
    std::string content(info->sizeBytes, '\0');
    const auto got = (*file)->readAt(0, content.data(), content.size());
    if (!got) return failed(got.error().message);
    content.resize(*got);
    return content;
}

Result<std::string> pemOf(const std::string& path, const char* what) {
    TM_ASSIGN(auto content, contentOf(path, what));
    if (content.find("-----BEGIN ") == content.npos)
        return core::fail(ErrorKind::kInvalid, "the page's " + std::string(what) +
                                                   " is no PEM (-----BEGIN …): file=" + path);
    return content;
}

Result<std::string> tokenOf(const std::string& path) {
    TM_ASSIGN(auto token, contentOf(path, "token"));
    while (token.ends_with('\n') || token.ends_with('\r')) token.pop_back();
    const bool isPlain = std::all_of(token.begin(), token.end(),
                                     [](unsigned char c) { return c > 0x20 && c < 0x7f; });
    if (!isPlain || token.size() < PageSecurity::kTokenBytesMin)
        return core::fail(ErrorKind::kInvalid,
                          "the page's token must be one line of at least " +
                              std::to_string(PageSecurity::kTokenBytesMin) +
                              " printable ASCII characters without blanks: file=" + path);
    core::keepSecret(token, "${file:" + path + "}");
    return token;
}

}  // namespace

bool PageSecurity::admits(std::string_view authorization) const {
    if (token.empty()) return true;
    constexpr std::string_view kScheme = "Bearer ";
    const auto isLetter = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
    if (authorization.size() < kScheme.size() ||
        !std::equal(kScheme.begin(), kScheme.end() - 1, authorization.begin(), isLetter) ||
        authorization[kScheme.size() - 1] != ' ')
        return false;
    const auto given = authorization.substr(kScheme.size());
    // Every byte of what was given is looked at, whatever the first ones were.
    volatile unsigned differs = given.size() != token.size();
    for (std::size_t i = 0; i < given.size(); ++i)
        differs = differs | (static_cast<unsigned char>(given[i]) ^
                             static_cast<unsigned char>(token[i % token.size()]));
    return differs == 0;
}

Result<PageSecurity> readPageSecurity(const PageFiles& files) {
    PageSecurity security;
    if (!files.certificate.empty()) {
        TM_ASSIGN(security.certificate, pemOf(files.certificate, "certificate"));
        TM_ASSIGN(security.key, pemOf(files.key, "key"));
    }
    if (!files.token.empty()) {
        TM_ASSIGN(security.token, tokenOf(files.token));
    }
    return security;
}

}  // namespace tidemill::tools
