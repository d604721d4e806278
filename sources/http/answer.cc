#include "sources/http/answer.h"

#include <microhttpd.h>

#include <string_view>

namespace tidemill::sources::http {

Answer taken(std::uint64_t records, std::optional<std::uint64_t> durable) {
    Answer answer;
    answer.body = "{\"taken\": " + std::to_string(records);
    if (durable) answer.body += ", \"durable\": " + std::to_string(*durable);
    answer.body += "}";
    answer.durable = durable;
    return answer;
}

bool send(MHD_Connection* connection, const Answer& answer) {
    const std::string body = answer.body + "\n";
    MHD_Response* const made = MHD_create_response_from_buffer(
        body.size(), const_cast<char*>(body.data()), MHD_RESPMEM_MUST_COPY);
    if (made == nullptr) return false;
    const auto header = [made](const char* name, std::string_view value) {
        MHD_add_response_header(made, name, std::string(value).c_str());
    };
    header("Content-Type", answer.code == 200 ? "application/json" : "text/plain; charset=utf-8");
    header("X-Content-Type-Options", "nosniff");
    if (answer.durable) header("Tidemill-Durable", std::to_string(*answer.durable));
    if (answer.retrySeconds != 0) header("Retry-After", std::to_string(answer.retrySeconds));
    if (answer.code == 401) header("WWW-Authenticate", "Bearer");
    if (answer.code == 405) header("Allow", "GET, POST");
    if (answer.code == 415) header("Accept-Encoding", "gzip");
    if (answer.closes) header("Connection", "close");
    const auto queued = MHD_queue_response(connection, answer.code, made);
    MHD_destroy_response(made);
    return queued == MHD_YES;
}

}  // namespace tidemill::sources::http
