#include "tools/file_source_spec.h"

#include "sources/follow/follow_path.h"

namespace tidemill::tools {
namespace {

// A key that belongs to the other kind of files.
void refuse(TomlTable& table, const char* key, const std::string& why, JobFileErrors& errors) {
    if (table.node(key) != nullptr) errors.add(table.at(key), key + why);
}

void readFollowed(TomlTable& table, SourceSpec& source, JobFileErrors& errors) {
    FollowOptions options;
    refuse(
        table, "existing",
        " is for files that are read once; start = \"begin\" or \"end\" says where files that are "
        "followed are begun",
        errors);
    refuse(table, "on_lost_data",
           " is for files that are read once; what files that are followed have lost is said, and "
           "the job goes on",
           errors);
    if (source.csv)
        errors.add(table.at("records"),
                   "records of files that are followed are lines: leave records out, or follow");
    if (table.has("start"))
        if (const auto start = table.choice("start", {"begin", "end"}))
            options.start = static_cast<FollowStart>(*start);
    options.lookEvery = table.duration("look_every", options.lookEvery, Duration(1));
    source.follow = options;
    const auto directory = table.text("directory", "");
    source.path = table.text("path", "");
    if (source.path.empty() == directory.empty())
        return errors.add(table.at("path"),
                          "a source that follows files has path, such as \"logs/*.log\", or "
                          "directory, whose files are all followed, and not both");
    const auto* key = directory.empty() ? "path" : "directory";
    if (!directory.empty()) source.path = directory + (directory.ends_with('/') ? "" : "/");
    const auto split = sources::follow::splitFollowPath(source.path);
    if (!split) return errors.add(table.at(key), split.error().message);
    source.directory = split->directories;
}

}  // namespace

void readFileSource(TomlTable& table, SourceSpec& source, JobFileErrors& errors) {
    if (table.boolean("follow", false)) return readFollowed(table, source, errors);
    for (const char* key : {"path", "start", "look_every"})
        refuse(table, key, " is for files that are followed: add follow = true", errors);
    source.directory = table.requiredText("directory");
    if (table.has("existing"))
        if (const auto existing = table.choice("existing", {"leave", "take"}))
            source.files.existing = static_cast<ExistingFiles>(*existing);
    if (table.has("on_lost_data"))
        if (const auto lost = table.choice("on_lost_data", {"stop", "skip"}))
            source.files.onLostData = static_cast<LostData>(*lost);
}

}  // namespace tidemill::tools
