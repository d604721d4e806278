// The REST interface is what docs/openapi.yaml says, no less and no more.
#include <set>

#include "tests/support/plain_yaml.h"
#include "tests/tools/page_fixture.h"
#include "tools/web/job_page.h"

namespace tidemill::test {
namespace {

using Names = std::set<std::string>;

class Rest : public Page {
protected:
    Rest() : document_(PlainYaml::parse(contentOf(TIDEMILL_SOURCE_DIR "/docs/openapi.yaml"))) {}

    Json json(const std::string& path) {
        const auto answer = get(path);
        EXPECT_EQ(answer.code, 200) << path << ": " << answer.body;
        EXPECT_THAT(answer.head, HasSubstr("Content-Type: application/json")) << path;
        return Json::parse(answer.body, nullptr, false);
    }

    const Json& named(const std::string& reference) {
        return document_.at(Json::json_pointer(reference.substr(1)));
    }

    // That `value` is what the schema says, with no field that it does not name.
    void check(const Json& value, const Json& schema, const std::string& where) {
        if (schema.contains("$ref")) return check(value, named(schema["$ref"]), where);
        const std::string type = schema.value("type", "");
        const bool fits = type == "string"    ? value.is_string()
                          : type == "integer" ? value.is_number_integer()
                          : type == "number"  ? value.is_number()
                          : type == "boolean" ? value.is_boolean()
                          : type == "array"   ? value.is_array()
                          : type == "object"  ? value.is_object()
                                              : true;
        EXPECT_TRUE(fits) << where << " is no " << type << ": " << value;
        if (!fits) return;
        if (type == "array")
            for (const auto& item : value) check(item, schema["items"], where + "[]");
        if (!schema.contains("properties")) return;
        for (const auto& name : schema["required"])
            EXPECT_TRUE(value.contains(name)) << where << " lacks " << name;
        for (const auto& [name, field] : value.items()) {
            seen_.insert(where + "." + name);
            ASSERT_TRUE(schema["properties"].contains(name)) << where << " has " << name;
            check(field, schema["properties"][name], where + "." + name);
        }
    }

    Json document_;
    Names seen_;
};

Names namesOf(const Json& list) {
    Names names;
    for (const auto& one : list) names.insert(one.get<std::string>());
    return names;
}

TEST_F(Rest, TheDocumentNamesExactlyThePathsAndParametersThereAre) {
    const StreamingOptions options;
    const tools::DaemonStatus status(options, [] { return EngineStatus{}; });
    const tools::BatchHistory batches;
    Names served, documented;
    for (const auto& route : tools::pageRoutes(options, status, batches, "")) {
        served.insert(route.path);
        for (const auto& name : route.parameters) served.insert(route.path + "?" + name);
    }
    for (const auto& [path, what] : document_["paths"].items()) {
        documented.insert(path);
        Names inPath;
        for (const auto& parameter : what["get"].value("parameters", Json::array())) {
            if (parameter["in"] == "path") inPath.insert("{" + parameter.value("name", "") + "}");
            else documented.insert(path + "?" + parameter.value("name", ""));
        }
        for (const auto& name : inPath) EXPECT_THAT(path, HasSubstr(name));
        EXPECT_EQ(static_cast<std::size_t>(std::count(path.begin(), path.end(), '{')),
                  inPath.size())
            << path;
    }
    EXPECT_EQ(served, documented);
    // What is required is there, and what is referred to.
    for (const auto& [name, schema] : document_["components"]["schemas"].items())
        for (const auto& required : namesOf(schema["required"]))
            EXPECT_TRUE(schema["properties"].contains(required)) << name << "." << required;
}

TEST_F(Rest, AnswersHaveTheFieldsThatTheDocumentNames) {
    const auto daemon = startWithPage();
    ASSERT_EQ(rig_.look({"checkpoint", "now"}).code, 0);
    const auto last = Json::parse(get("/api/v1/batches").body).back()["id"].dump();
    for (const auto& [path, what] : document_["paths"].items()) {
        auto asked = path;
        for (const auto& [name, value] :
             std::vector<std::pair<std::string, std::string>>{{"{appId}", "program"},
                                                              {"{streamId}", "1"},
                                                              {"{batchId}", last},
                                                              {"{outputOpId}", "1"},
                                                              {"{table}", "totals"}})
            if (const auto at = asked.find(name); at != asked.npos)
                asked.replace(at, name.size(), value);
        if (path.ends_with("/history")) asked += "?key=mill";
        const auto& content = what["get"]["responses"]["200"]["content"];
        if (content.contains("application/json"))
            check(json(asked), content["application/json"]["schema"], path);
        else if (!content.contains("text/event-stream")) EXPECT_EQ(get(asked).code, 200) << asked;
    }
    // Not only empty lists were looked at.
    const std::string of = "/api/v1/applications/{appId}";
    for (const auto& field :
         {of + "/streaming/receivers[].eventRates", of + "/streaming/statistics.avgInputRate",
          of + "/streaming/batches[].processingTime",
          of + "/streaming/batches/{batchId}/operations[].duration", of + "/state.tables[].types",
          of + "/state/{table}.rows[].row", of + "/state/{table}/top.rows[].line",
          of + "/state/{table}/history[].row", of + "/checkpoints[].bytes",
          std::string("/api/v1/applications[].attempts[].sparkUser")})
        EXPECT_TRUE(seen_.contains(field)) << field;
    stopGracefully(*daemon);
}

TEST_F(Rest, BatchesSourcesAndStateAreThoseOfTheJob) {
    const auto daemon = startWithPage();
    const std::string application = "/api/v1/applications/program";
    ASSERT_EQ(rig_.look({"checkpoint", "now"}).code, 0);
    const auto statistics = json(application + "/streaming/statistics");
    EXPECT_EQ(statistics["batchDuration"], 50);
    EXPECT_EQ(statistics["numReceivers"], 1);
    EXPECT_EQ(statistics["numActiveReceivers"], 1);
    EXPECT_EQ(statistics["numProcessedRecords"], 1);
    EXPECT_EQ(statistics["numReceivedRecords"], 1);
    std::uint64_t input = 0;
    std::uint64_t before = ~std::uint64_t{0};
    for (const auto& batch : json(application + "/streaming/batches?status=COMPLETED")) {
        EXPECT_LT(batch["batchId"], before) << "newest first";
        before = batch["batchId"];
        input += batch["inputSize"].get<std::uint64_t>();
        EXPECT_EQ(batch["numTotalOutputOps"], 1);
        EXPECT_EQ(batch["numCompletedOutputOps"], 1);
    }
    EXPECT_EQ(input, 1u);
    double events = 0;
    const auto receiver = json(application + "/streaming/receivers/1");
    for (const auto& rate : receiver["eventRates"]) events += rate[1].get<double>();
    EXPECT_DOUBLE_EQ(events, 1 / 0.05);
    const auto top = json(application + "/state/totals/top?limit=1");
    EXPECT_EQ(top["rows"],
              (Json::array({{{"line", "mill\t2"}, {"row", {{"key", "mill"}, {"value", 2}}}}})));
    const auto found = json(application + "/state/totals?prefix=ti");
    ASSERT_EQ(found["rows"].size(), 1u);
    EXPECT_EQ(found["rows"][0]["row"]["key"], "tide");
    EXPECT_EQ(found["more"], false);
    EXPECT_EQ(json(application + "/state/totals?limit=1")["more"], true);
    EXPECT_EQ(json(application + "/state/totals/history?key=mill").back()["row"]["value"], 2);
    EXPECT_EQ(json(application + "/state/totals/history?key=sea").back()["present"], false);
    EXPECT_EQ(json(application + "/state")["tables"][0]["name"], "totals");
    stopGracefully(*daemon);
}

TEST_F(Rest, WhatIsMalformedIsAnErrorInWords) {
    const auto daemon = startWithPage();
    const std::string application = "/api/v1/applications/program";
    struct Case {
        std::string path;
        int code;
        std::string says;
    };
    for (const auto& [path, code, says] : std::vector<Case>{
             {"/api/v1/nothing", 404, "there is no such path; there are: / /metrics"},
             {"/api/v1/../../etc/passwd", 404, "there is no such path"},
             {"/api/v1/%2e%2e/status", 404, "there is no such path"},
             {"/api/v1/status%00x", 400, "a control character"},
             {"/api/v1/status%0d%0aSet-Cookie:a=b", 400, "a control character"},
             {"/api/v1/st%zztus", 400, "two hexadecimal digits"},
             {"/api/v1/status%2", 400, "two hexadecimal digits"},
             {"/api/v1//status", 404, "there is no such path"},
             {"/api/v1%2fstatus", 404, "there is no such p"},
             {"/api/v1/batches?after=x", 400, "after is a number from 0 to"},
             {"/api/v1/batches?after=-1", 400, "not \"-1\""},
             {"/api/v1/batches?after=99999999999999999999", 400, "after is a number"},
             {"/api/v1/batches?aftre=1", 400, "unknown parameter \"aftre\""},
             {"/api/v1/batches?after=1&after=2", 400, "comes twice"},
             {"/api/v1/batches?after=" + std::string(9000, '1'), 400, "at most 8192"},
             {"/api/v1/applications/other", 404, "there is no application \"other\""},
             {"/api/v1/applications/other/state", 404, "this one is \"program\""},
             {application + "/streaming/receivers/0", 400, "streamId is a number from 1 to 1"},
             {application + "/streaming/receivers/2", 400, "streamId is a number from 1 to 1"},
             {application + "/streaming/batches/0", 400, "batchId is a number from 1"},
             {application + "/streaming/batches/999999", 404, "is not among the last 1000"},
             {application + "/streaming/batches/1/operations/7", 404, "no output 7"},
             {application + "/streaming/batches?status=DONE", 400, "COMPLETED or PROCESSING"},
             {application + "/state/none", 404, "no state table \"none\""},
             {application + "/state/..%2f..%2fetc", 404, "no state table \"../../etc\""},
             {application + "/state/totals?limit=1001", 400, "limit is a number from 1 to 1000"},
             {application + "/state/totals?asOf=0", 404, "no checkpoint is as old as batch 0"},
             {application + "/state/totals/top?by=weight", 400, "no column \"weight\""}}) {
        if (path.find("/state/") != path.npos) ASSERT_EQ(rig_.look({"checkpoint", "now"}).code, 0);
        const auto answer = get(path);
        EXPECT_EQ(answer.code, code) << path << ": " << answer.body;
        if (path.find("%2fstatus") == path.npos) {
            const auto error = Json::parse(answer.body, nullptr, false);
            ASSERT_TRUE(error.is_object() && error.size() == 1 && error.contains("error"))
                << path << ": " << answer.body;
            EXPECT_THAT(error["error"].get<std::string>(), HasSubstr(says)) << path;
        }
        EXPECT_THAT(answer.head, testing::Not(HasSubstr("Set-Cookie")));
    }
    EXPECT_EQ(get("/healthz").code, 200);
    stopGracefully(*daemon);
}

}  // namespace
}  // namespace tidemill::test
