#include "tools/job_secrets.h"

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "core/file_system.h"
#include "core/secrets.h"

namespace tidemill::tools {
namespace {

constexpr std::string_view kEnvironment = "${env:";
constexpr std::string_view kFile = "${file:";

class Secrets {
public:
    explicit Secrets(JobFileErrors& errors) : errors_(errors) {}

    void put(toml::node& node, const std::string& key) {
        if (auto* table = node.as_table()) {
            for (auto& [name, value] : *table) put(value, std::string(name.str()));
        } else if (auto* list = node.as_array()) {
            for (auto& value : *list) put(value, key);
        } else if (auto* text = node.as_string()) {
            if (text->get().find("${") != std::string::npos)
                text->get() = resolved(text->get(), key, positionOf(node));
        }
    }

private:
    std::string resolved(const std::string& text, const std::string& key, Position at) {
        std::string made;
        std::string_view rest = text;
        while (!rest.empty()) {
            if (rest.starts_with("$${")) {
                made += "${";
                rest.remove_prefix(3);
                continue;
            }
            const bool isFile = rest.starts_with(kFile);
            if (!isFile && !rest.starts_with(kEnvironment)) {
                made += rest.front();
                rest.remove_prefix(1);
                continue;
            }
            const auto end = rest.find('}');
            if (end == rest.npos) {
                errors_.add(at, key + " has \"" + std::string(isFile ? kFile : kEnvironment) +
                                    "\" without a \"}\" behind it; \"$${\" is a plain \"${\"");
                return made;
            }
            const auto begin = (isFile ? kFile : kEnvironment).size();
            const std::string name(rest.substr(begin, end - begin));
            const auto value = isFile ? ofFile(name, key, at) : ofEnvironment(name, key, at);
            if (value) core::keepSecret(*value, rest.substr(0, end + 1));
            made += value ? *value : std::string(rest.substr(0, end + 1));
            rest.remove_prefix(end + 1);
        }
        return made;
    }

    std::optional<std::string> ofEnvironment(const std::string& name, const std::string& key,
                                             Position at) {
        if (const char* value = std::getenv(name.c_str())) return value;
        errors_.add(at, key + " names the environment variable \"" + name + "\", which is not set");
        return std::nullopt;
    }

    std::optional<std::string> ofFile(const std::string& path, const std::string& key,
                                      Position at) {
        auto text = core::readWholeFile(core::posixFileSystem(), path, kSecretFileBytesMax);
        if (!text) {
            errors_.add(at, key + " names the file \"" + path +
                                "\", which cannot be read: " + text.error().message);
            return std::nullopt;
        }
        if (text->ends_with('\n')) text->pop_back();
        if (text->ends_with('\r')) text->pop_back();
        return std::string(text->begin(), text->end());
    }

    JobFileErrors& errors_;
};

}  // namespace

void putSecrets(toml::table& root, JobFileErrors& errors) { Secrets(errors).put(root, ""); }

}  // namespace tidemill::tools
