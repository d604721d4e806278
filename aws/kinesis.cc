#include "aws/kinesis.h"

#include <algorithm>
#include <map>

#include "aws/json.h"
#include "core/logging.h"

namespace tidemill::aws {
namespace {

constexpr std::string_view kContentType = "application/x-amz-json-1.1";
constexpr std::string_view kVersion = "Kinesis_20131202.";
constexpr std::size_t kErrorBytesMax = 64 << 10;
constexpr std::size_t kShownBytes = 400;
constexpr std::size_t kNameBytesMax = 128;

// docs/guide/kinesis.md, *Errors*, has the same table.
const std::map<std::string_view, CallEnd>& endsByName() {
    using enum CallEnd;
    static const std::map<std::string_view, CallEnd> kEnds{
        {"ProvisionedThroughputExceededException", kThrottled},
        {"LimitExceededException", kThrottled},
        {"KMSThrottlingException", kThrottled},
        {"Throttling", kThrottled},
        {"ThrottlingException", kThrottled},
        {"RequestLimitExceeded", kThrottled},
        {"TooManyRequestsException", kThrottled},
        {"InternalFailure", kTransient},
        {"InternalFailureException", kTransient},
        {"InternalServerError", kTransient},
        {"ServiceUnavailable", kTransient},
        {"ServiceUnavailableException", kTransient},
        {"RequestTimeout", kTransient},
        {"RequestTimeoutException", kTransient},
        {"ResourceInUseException", kTransient},
        {"ExpiredIteratorException", kExpiredIterator},
        {"ExpiredTokenException", kExpiredToken},
        {"ExpiredToken", kExpiredToken},
        {"UnrecognizedClientException", kRefused},
        {"InvalidClientTokenId", kRefused},
        {"InvalidSignatureException", kRefused},
        {"SignatureDoesNotMatch", kRefused},
        {"IncompleteSignature", kRefused},
        {"IncompleteSignatureException", kRefused},
        {"MissingAuthenticationToken", kRefused},
        {"MissingAuthenticationTokenException", kRefused},
        {"ResourceNotFoundException", kNotFound},
        {"InvalidArgumentException", kInvalid},
        {"ValidationException", kInvalid},
        {"SerializationException", kInvalid},
        {"ExpiredNextTokenException", kTransient},
    };
    return kEnds;
}

CallEnd endOf(const std::string& name, int code) {
    const auto at = endsByName().find(name);
    if (at != endsByName().end()) return at->second;
    if (code >= 500 || code == 408) return CallEnd::kTransient;
    if (code == 429) return CallEnd::kThrottled;
    // Something between that answers for itself, such as a proxy.
    if (name.empty() && code != 403) return CallEnd::kTransient;
    return CallEnd::kForbidden;
}

// "com.amazonaws.kinesis.v20131202#Name:http://…" is Name.
std::string bareName(std::string_view type) {
    if (const auto hash = type.find('#'); hash != type.npos) type.remove_prefix(hash + 1);
    return std::string(type.substr(0, type.find(':')));
}

}  // namespace

core::Result<Endpoint> endpointOf(const std::string& url, const std::string& region) {
    Endpoint endpoint;
    endpoint.region = region;
    if (url.empty()) {
        endpoint.host =
            "kinesis." + region + ".amazonaws.com" + (region.starts_with("cn-") ? ".cn" : "");
        endpoint.url = "https://" + endpoint.host + "/";
        return endpoint;
    }
    const bool isSecure = url.starts_with("https://");
    if (!isSecure && !url.starts_with("http://"))
        return core::fail(core::ErrorKind::kInvalid, "endpoint \"" + core::escaped(url, 60) +
                                                         "\" must begin with http:// or https://");
    std::string_view host = std::string_view(url).substr(isSecure ? 8 : 7);
    if (host.ends_with('/')) host.remove_suffix(1);
    const bool isHost = !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
    });
    if (!isHost)
        return core::fail(core::ErrorKind::kInvalid,
                          "endpoint \"" + core::escaped(url, 60) +
                              "\" must be a host, with a port or without, and nothing behind it");
    endpoint.url = std::string(isSecure ? "https://" : "http://") + std::string(host) + "/";
    const std::string_view own = isSecure ? ":443" : ":80";
    if (host.ends_with(own)) host.remove_suffix(own.size());
    endpoint.host = host;
    return endpoint;
}

HttpRequest kinesisCall(const Endpoint& endpoint, const Credentials& credentials,
                        std::string_view action, std::string body, std::size_t answerBytesMax,
                        Clock::time_point now) {
    const std::string target = std::string(kVersion).append(action);
    HttpRequest request;
    request.url = endpoint.url;
    request.headers = signPost(
        {endpoint.host, kContentType, target, body, endpoint.region, "kinesis"}, credentials, now);
    request.headers.push_back("User-Agent: tidemill");
    request.body = std::move(body);
    request.answerBytesMax = answerBytesMax;
    return request;
}

CallAnswer callAnswerOf(HttpAnswer answer) {
    CallAnswer call;
    call.serverMillis = answer.serverMillis;
    call.isOfService = answer.code != 0;
    if (answer.code == 200) {
        call.body = std::move(answer.body);
        return call;
    }
    if (answer.code == 0) {
        call.end = answer.needsPerson ? CallEnd::kForbidden : CallEnd::kTransient;
        call.message = answer.trouble;
        return call;
    }
    std::string name, said;
    JsonAnswer json;
    if (answer.body.size() <= kErrorBytesMax) {
        if (auto object = json.parse(answer.body)) {
            name = bareName(object->text("__type", kErrorBytesMax).value_or(""));
            said = object->text("message", kErrorBytesMax).value_or("");
            if (said.empty()) said = object->text("Message", kErrorBytesMax).value_or("");
        }
    }
    call.end = endOf(name, answer.code);
    call.message = (name.empty() ? "status " + std::to_string(answer.code)
                                 : core::escaped(name, kNameBytesMax)) +
                   (said.empty() ? "" : ": " + core::escaped(said, kShownBytes));
    return call;
}

bool isStreamName(std::string_view name) {
    return !name.empty() && name.size() <= kNameBytesMax &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '.' || c == '-';
           });
}

}  // namespace tidemill::aws
