#include "aws/credentials.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "aws/http.h"
#include "aws/json.h"
#include "core/file_system.h"
#include "core/logging.h"
#include "core/secrets.h"

namespace tidemill::aws {

using core::ErrorKind;
using core::Result;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kTextMax = 16 << 10;  // of a key or a token
constexpr milliseconds kConnectLimit{1'000};
constexpr milliseconds kLimit{2'000};
constexpr std::chrono::minutes kRenewBefore{5};
constexpr std::chrono::seconds kAskAgain{30};
constexpr auto kContainerHost = "http://169.254.170.2";
constexpr auto kInstanceHost = "http://169.254.169.254";

// "2026-11-01T12:00:00Z"
std::optional<Clock::time_point> timeOf(std::string_view text) {
    std::tm parts{};
    const std::string whole(text);
    const char* end = strptime(whole.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (end == nullptr || *end == '\0' || std::strchr("Z.+", *end) == nullptr) return std::nullopt;
    return Clock::from_time_t(timegm(&parts));
}

Credentials kept(Credentials credentials) {
    core::keepSecret(credentials.secretKey, "(secret key of AWS)");
    core::keepSecret(credentials.sessionToken, "(session token of AWS)");
    return credentials;
}

// They become lines of a request.
Result<> checkKeys(const Credentials& credentials, const std::string& from) {
    const auto isPlain = [](const std::string& text) {
        return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
    };
    if (!credentials.keyId.empty() && !credentials.secretKey.empty() &&
        isPlain(credentials.keyId) && isPlain(credentials.secretKey) &&
        isPlain(credentials.sessionToken))
        return {};
    return core::fail(ErrorKind::kInvalid,
                      "the credentials of AWS in " + from +
                          " are not whole, or hold blanks or other bytes that none have");
}

Result<FoundCredentials> found(Credentials credentials, std::string from, bool changes) {
    TM_TRY(checkKeys(credentials, from));
    return FoundCredentials{kept(std::move(credentials)), std::move(from), changes};
}

using Maybe = std::optional<FoundCredentials>;

Result<Maybe> fromEnvironment(const Environment& environment) {
    const auto id = environment("AWS_ACCESS_KEY_ID");
    const auto key = environment("AWS_SECRET_ACCESS_KEY");
    if (!id && !key) return Maybe();
    if (!id || !key)
        return core::fail(ErrorKind::kInvalid,
                          std::string("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together; ") +
                              (id ? "the second" : "the first") + " is not set");
    return found({*id, *key, environment("AWS_SESSION_TOKEN").value_or("")}, "the environment",
                 false);
}

Result<Maybe> fromProfile(const Profile& profile, bool isNamed) {
    const std::string from = "profile \"" + core::escaped(profile.name, 60) + "\"";
    if (!profile.isThere && isNamed)
        return core::fail(ErrorKind::kInvalid, from + " is in no file of AWS' credentials");
    for (const auto* section : {&profile.credentials, &profile.config}) {
        const auto value = [section](const char* name) {
            const auto at = section->find(name);
            return at == section->end() ? std::string() : at->second;
        };
        if (value("aws_access_key_id").empty() && value("aws_secret_access_key").empty()) continue;
        return found({value("aws_access_key_id"), value("aws_secret_access_key"),
                      value("aws_session_token")},
                     from, true);
    }
    for (const char* other : {"role_arn", "credential_process", "sso_session", "sso_start_url"})
        if (profile.value(other))
            return core::fail(ErrorKind::kUnsupported,
                              from + " has " + other +
                                  ", which is not followed here: give it keys, for which `aws "
                                  "configure export-credentials` may be of use");
    return Maybe();
}

// The answer of an endpoint. Its words are not repeated: they may hold keys.
Result<FoundCredentials> parseKeys(const std::string& body, const std::string& from) {
    JsonAnswer answer;
    auto object = answer.parse(body);
    if (!object) return core::fail(ErrorKind::kIo, from + ": " + object.error().message);
    if (const auto code = object->text("Code", kTextMax); code && *code != "Success")
        return core::fail(ErrorKind::kIo,
                          from + ": it answers \"" + core::escaped(*code, 60) + "\"");
    Credentials credentials;
    credentials.keyId = object->requiredText("AccessKeyId", kTextMax);
    credentials.secretKey = object->requiredText("SecretAccessKey", kTextMax);
    credentials.sessionToken = object->text("Token", kTextMax).value_or("");
    const auto expires = object->text("Expiration", kTextMax);
    if (const auto checked = answer.checked(); !checked)
        return core::fail(ErrorKind::kIo, from + ": " + checked.error().message);
    if (expires) {
        credentials.expires = timeOf(*expires);
        if (!credentials.expires)
            return core::fail(ErrorKind::kIo, from + ": \"Expiration\" is no time");
    }
    return found(std::move(credentials), from, true);
}

Result<std::string> ask(const std::string& from, const char* method, const std::string& url,
                        std::vector<std::string> headers) {
    HttpRequest request;
    request.method = method;
    request.url = url;
    request.headers = std::move(headers);
    request.connectLimit = kConnectLimit;
    request.limit = kLimit;
    request.answerBytesMax = 256 << 10;
    request.direct = true;
    auto answer = perform(std::move(request));
    if (answer.code == 200) return std::move(answer.body);
    return core::fail(ErrorKind::kIo, from + ": " +
                                          (answer.code == 0 ? answer.trouble
                                                            : "it answers with status " +
                                                                  std::to_string(answer.code)));
}

// A token goes there: to this machine, to the addresses of container agents, or encrypted.
bool mayHaveToken(const std::string& url) {
    if (url.starts_with("https://")) return true;
    for (const char* host :
         {"http://127.", "http://localhost", "http://[::1]", "http://169.254.170.2",
          "http://169.254.170.23", "http://[fd00:ec2::23]"}) {
        const std::string_view rest =
            std::string_view(url).substr(std::min(url.size(), std::strlen(host)));
        const bool isNetwork = std::string_view(host).ends_with('.');
        if (!url.starts_with(host)) continue;
        if (isNetwork) {
            const auto end = rest.find_first_not_of("0123456789.");
            if (end == rest.npos || rest[end] == '/' || rest[end] == ':') return true;
            continue;
        }
        if (rest.empty() || rest.front() == '/' || rest.front() == ':') return true;
    }
    return false;
}

Result<Maybe> fromContainer(const Environment& environment) {
    const auto relative = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const auto full = environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (!relative && !full) return Maybe();
    const std::string from = "the container's endpoint";
    const std::string url = relative ? kContainerHost + *relative : *full;
    if (relative && !relative->starts_with('/'))
        return core::fail(ErrorKind::kInvalid,
                          "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with '/'");
    if (!mayHaveToken(url))
        return core::fail(
            ErrorKind::kInvalid,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor of this machine");
    auto token = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (const auto path = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
        TM_ASSIGN(token, core::readWholeFile(core::posixFileSystem(), *path, kTextMax));
        while (!token->empty() && (token->back() == '\n' || token->back() == '\r'))
            token->pop_back();
    }
    std::vector<std::string> headers{"Accept: application/json"};
    if (token) {
        if (token->find_first_of("\r\n") != token->npos)
            return core::fail(ErrorKind::kInvalid, from + ": its token has more than one line");
        core::keepSecret(*token, "(token of the container)");
        headers.push_back("Authorization: " + *token);
    }
    TM_ASSIGN(const auto body, ask(from, "GET", url, std::move(headers)));
    return parseKeys(body, from);
}

Result<Maybe> fromInstance(const Environment& environment) {
    if (environment("AWS_EC2_METADATA_DISABLED").value_or("") == "true") return Maybe();
    const std::string from = "the instance's metadata";
    auto host = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT").value_or(kInstanceHost);
    while (host.ends_with('/')) host.pop_back();
    auto token = ask(from, "PUT", host + "/latest/api/token",
                     {"X-aws-ec2-metadata-token-ttl-seconds: 21600"});
    if (!token)
        return core::fail(
            ErrorKind::kNotFound,
            "no credentials of AWS: neither the environment (AWS_ACCESS_KEY_ID) nor "
            "a profile nor a container has any, and there is no instance that does (" +
                token.error().message + ")");
    if (token->empty() || token->find_first_of("\r\n") != token->npos)
        return core::fail(ErrorKind::kIo, from + ": its token is none");
    core::keepSecret(*token, "(token of the instance)");
    const std::vector<std::string> headers{"X-aws-ec2-metadata-token: " + *token};
    const std::string roles = host + "/latest/meta-data/iam/security-credentials/";
    TM_ASSIGN(auto role, ask(from, "GET", roles, headers));
    role.erase(std::min(role.find_first_of("\r\n"), role.size()));
    const bool isName = !role.empty() && std::all_of(role.begin(), role.end(), [](char c) {
        return c > ' ' && c < 0x7f && std::strchr("/?#%", c) == nullptr;
    });
    if (!isName) return core::fail(ErrorKind::kIo, from + ": the instance has no role");
    TM_ASSIGN(const auto body, ask(from, "GET", roles + role, headers));
    return parseKeys(body, from);
}

}  // namespace

Result<FoundCredentials> findCredentials(const Environment& environment,
                                         const std::string& profile) {
    Maybe got;
    if (profile.empty()) {
        TM_ASSIGN(got, fromEnvironment(environment));
        if (got) return std::move(*got);
    }
    TM_ASSIGN(const auto read, readProfile(environment, profile));
    const bool isNamed = !profile.empty() || environment("AWS_PROFILE");
    TM_ASSIGN(got, fromProfile(read, isNamed));
    if (got) return std::move(*got);
    if (environment("AWS_WEB_IDENTITY_TOKEN_FILE"))
        return core::fail(ErrorKind::kUnsupported,
                          "AWS_WEB_IDENTITY_TOKEN_FILE is not followed here: use EKS Pod Identity, "
                          "or keys");
    TM_ASSIGN(got, fromContainer(environment));
    if (got) return std::move(*got);
    TM_ASSIGN(got, fromInstance(environment));
    if (got) return std::move(*got);
    return core::fail(ErrorKind::kNotFound,
                      "no credentials of AWS: neither the environment (AWS_ACCESS_KEY_ID) nor "
                      "profile \"" +
                          core::escaped(read.name, 60) + "\" nor a container has any");
}

Result<const FoundCredentials*> CredentialsKeeper::get(Clock::time_point now) {
    const auto& held = found_.credentials;
    const bool has = !held.keyId.empty();
    const bool isGood = has && (!held.expires || *held.expires > now);
    const bool isLong = has && (!held.expires || *held.expires - kRenewBefore > now);
    if (isLong || (isGood && now < askAgain_)) return &found_;
    askAgain_ = now + kAskAgain;
    auto asked = findCredentials(environment_, profile_);
    if (asked) found_ = std::move(*asked);
    else if (!isGood) return core::fail(std::move(asked.error()));
    return &found_;
}

Result<bool> CredentialsKeeper::replace() {
    auto asked = findCredentials(environment_, profile_);
    if (!asked) return core::fail(std::move(asked.error()));
    const bool areOthers = asked->credentials.keyId != found_.credentials.keyId ||
                           asked->credentials.secretKey != found_.credentials.secretKey ||
                           asked->credentials.sessionToken != found_.credentials.sessionToken;
    found_ = std::move(*asked);
    return areOthers;
}

}  // namespace tidemill::aws
