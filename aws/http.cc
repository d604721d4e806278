#include "aws/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

#include "core/check.h"

namespace tidemill::aws {
namespace {

constexpr std::string_view kDate = "date:";

struct FreeEasy {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

struct Transfer {
    HttpRequest request;
    Http::Done done;
    HttpAnswer answer;
    bool tooLong = false;
    char error[CURL_ERROR_SIZE] = "";
    std::unique_ptr<curl_slist, FreeList> headers;
    std::unique_ptr<CURL, FreeEasy> easy;
};

std::size_t takeBody(char* bytes, std::size_t, std::size_t size, void* context) {
    auto& transfer = *static_cast<Transfer*>(context);
    if (size > transfer.request.answerBytesMax - transfer.answer.body.size()) {
        transfer.tooLong = true;
        return 0;
    }
    transfer.answer.body.append(bytes, size);
    return size;
}

std::size_t takeHeader(char* bytes, std::size_t, std::size_t size, void* context) {
    auto& answer = static_cast<Transfer*>(context)->answer;
    std::string_view line(bytes, size);
    if (line.size() > kDate.size() && curl_strnequal(bytes, kDate.data(), kDate.size()) != 0) {
        const auto seconds = curl_getdate(std::string(line.substr(kDate.size())).c_str(), nullptr);
        if (seconds > 0) answer.serverMillis = std::int64_t{seconds} * 1'000;
    }
    return size;
}

template <class Value>
void set(Transfer& transfer, CURLoption option, Value value) {
    const auto code = curl_easy_setopt(transfer.easy.get(), option, value);
    TM_CHECK(code == CURLE_OK, "libcurl takes its options");
}

void addHeader(Transfer& transfer, const char* line) {
    auto* longer = curl_slist_append(transfer.headers.get(), line);
    TM_CHECK(longer != nullptr, "memory for a header");
    (void)transfer.headers.release();
    transfer.headers.reset(longer);
}

void initialise() {
    static std::once_flag once;
    std::call_once(once, [] {
        TM_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "libcurl can be used");
    });
}

std::unique_ptr<Transfer> prepare(HttpRequest request, Http::Done done) {
    initialise();
    auto made = std::make_unique<Transfer>();
    auto& transfer = *made;
    transfer.request = std::move(request);
    transfer.done = std::move(done);
    transfer.easy.reset(curl_easy_init());
    TM_CHECK(transfer.easy != nullptr, "memory for a request");
    const auto& asked = transfer.request;
    for (const auto& header : asked.headers) addHeader(transfer, header.c_str());
    addHeader(transfer, "Expect:");
    set(transfer, CURLOPT_URL, asked.url.c_str());
    set(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
    if (asked.method == "POST") {
        set(transfer, CURLOPT_POST, 1L);
        set(transfer, CURLOPT_POSTFIELDS, asked.body.data());
        set(transfer, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(asked.body.size()));
    } else if (asked.method != "GET") {
        set(transfer, CURLOPT_CUSTOMREQUEST, asked.method.c_str());
    }
    set(transfer, CURLOPT_HTTPHEADER, transfer.headers.get());
    set(transfer, CURLOPT_WRITEFUNCTION, &takeBody);
    set(transfer, CURLOPT_WRITEDATA, &transfer);
    set(transfer, CURLOPT_HEADERFUNCTION, &takeHeader);
    set(transfer, CURLOPT_HEADERDATA, &transfer);
    set(transfer, CURLOPT_ERRORBUFFER, transfer.error);
    set(transfer, CURLOPT_PRIVATE, &transfer);
    set(transfer, CURLOPT_NOSIGNAL, 1L);
    set(transfer, CURLOPT_TCP_NODELAY, 1L);
    set(transfer, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(asked.connectLimit.count()));
    set(transfer, CURLOPT_TIMEOUT_MS, static_cast<long>(asked.limit.count()));
    if (asked.direct) set(transfer, CURLOPT_NOPROXY, "*");
    // As AWS' own tools have it.
    if (const char* bundle = std::getenv("AWS_CA_BUNDLE"); bundle != nullptr && *bundle != '\0')
        set(transfer, CURLOPT_CAINFO, bundle);
    return made;
}

bool personMends(CURLcode code) {
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_URL_MALFORMAT ||
           code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_SSL_CACERT_BADFILE ||
           code == CURLE_SSL_CERTPROBLEM;
}

HttpAnswer answerOf(Transfer& transfer, CURLcode code) {
    auto& answer = transfer.answer;
    if (code == CURLE_OK) {
        long status = 0;
        curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
        answer.code = static_cast<int>(status);
        return std::move(answer);
    }
    answer.needsPerson = personMends(code);
    if (transfer.tooLong)
        answer.trouble = "the answer has more than " +
                         std::to_string(transfer.request.answerBytesMax) + " bytes";
    else answer.trouble = *transfer.error != '\0' ? transfer.error : curl_easy_strerror(code);
    answer.body.clear();
    return std::move(answer);
}

}  // namespace

struct Http::State {
    CURLM* multi = nullptr;
    std::map<CURL*, std::unique_ptr<Transfer>> open;
};

Http::Http() : state_(std::make_unique<State>()) {
    initialise();
    state_->multi = curl_multi_init();
    TM_CHECK(state_->multi != nullptr, "memory for requests");
}

Http::~Http() {
    for (const auto& [easy, transfer] : state_->open) curl_multi_remove_handle(state_->multi, easy);
    state_->open.clear();
    curl_multi_cleanup(state_->multi);
}

void Http::send(HttpRequest request, Done done) {
    auto transfer = prepare(std::move(request), std::move(done));
    auto* easy = transfer->easy.get();
    TM_CHECK(curl_multi_add_handle(state_->multi, easy) == CURLM_OK, "a request is sent once");
    state_->open.emplace(easy, std::move(transfer));
}

void Http::poll(std::chrono::milliseconds longest) {
    int running = 0;
    curl_multi_perform(state_->multi, &running);
    if (running == static_cast<int>(state_->open.size()))
        curl_multi_poll(state_->multi, nullptr, 0, static_cast<int>(longest.count()), nullptr);
    curl_multi_perform(state_->multi, &running);
    int left = 0;
    while (const auto* message = curl_multi_info_read(state_->multi, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        auto* easy = message->easy_handle;
        const auto code = message->data.result;
        const auto at = state_->open.find(easy);
        auto transfer = std::move(at->second);
        state_->open.erase(at);
        curl_multi_remove_handle(state_->multi, easy);
        transfer->done(answerOf(*transfer, code));
    }
}

void Http::wake() { curl_multi_wakeup(state_->multi); }

std::size_t Http::open() const { return state_->open.size(); }

HttpAnswer perform(HttpRequest request) {
    const auto transfer = prepare(std::move(request), {});
    const auto code = curl_easy_perform(transfer->easy.get());
    return answerOf(*transfer, code);
}

}  // namespace tidemill::aws
