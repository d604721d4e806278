#include "aws/sign.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <ctime>

#include "core/check.h"

namespace tidemill::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string hex(std::string_view bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    text.reserve(2 * bytes.size());
    for (const char c : bytes) {
        text += kDigits[static_cast<unsigned char>(c) >> 4];
        text += kDigits[static_cast<unsigned char>(c) & 15];
    }
    return text;
}

std::string sha256(std::string_view bytes) {
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), hash);
    return {reinterpret_cast<const char*>(hash), sizeof hash};
}

std::string hmac(std::string_view key, std::string_view bytes) {
    unsigned char code[SHA256_DIGEST_LENGTH];
    unsigned int size = 0;
    const auto* made =
        HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), code, &size);
    TM_CHECK(made != nullptr && size == sizeof code, "OpenSSL has HMAC-SHA256");
    return {reinterpret_cast<const char*>(code), size};
}

// "20261101T000000Z"
std::string timeOf(Clock::time_point now) {
    const auto seconds = Clock::to_time_t(now);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[32];
    const auto size = std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
    return {text, size};
}

void add(std::string& text, std::string_view name, std::string_view value) {
    text.append(name).append(":").append(value).append("\n");
}

}  // namespace

std::vector<std::string> signPost(const PostToSign& post, const Credentials& credentials,
                                  Clock::time_point now) {
    const std::string time = timeOf(now);
    const std::string day = time.substr(0, 8);
    const bool hasToken = !credentials.sessionToken.empty();

    // Names in the order of the alphabet.
    std::string headers;
    add(headers, "content-type", post.contentType);
    add(headers, "host", post.host);
    add(headers, "x-amz-date", time);
    if (hasToken) add(headers, "x-amz-security-token", credentials.sessionToken);
    add(headers, "x-amz-target", post.target);
    const std::string names = std::string("content-type;host;x-amz-date;") +
                              (hasToken ? "x-amz-security-token;" : "") + "x-amz-target";
    const std::string request =
        "POST\n/\n\n" + headers + "\n" + names + "\n" + hex(sha256(post.body));

    const std::string scope =
        day + "/" + std::string(post.region) + "/" + std::string(post.service) + "/aws4_request";
    const std::string text =
        std::string(kAlgorithm) + "\n" + time + "\n" + scope + "\n" + hex(sha256(request));
    const auto ofDay = hmac("AWS4" + credentials.secretKey, day);
    const auto key = hmac(hmac(hmac(ofDay, post.region), post.service), "aws4_request");

    std::vector<std::string> sent{
        "Content-Type: " + std::string(post.contentType), "Host: " + std::string(post.host),
        "X-Amz-Date: " + time, "X-Amz-Target: " + std::string(post.target),
        "Authorization: " + std::string(kAlgorithm) + " Credential=" + credentials.keyId + "/" +
            scope + ", SignedHeaders=" + names + ", Signature=" + hex(hmac(key, text))};
    if (hasToken) sent.push_back("X-Amz-Security-Token: " + credentials.sessionToken);
    return sent;
}

}  // namespace tidemill::aws
