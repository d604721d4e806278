// Files that stay open for a while after they were read, so that what is appended to one that lost
// its name can still be read. Private to sources/follow/.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <utility>

#include "core/file_system.h"
#include "sources/follow/follow_position.h"

namespace tidemill::sources::follow {

// Thread safety: externally synchronized.
class HeldFiles {
public:
    // Descriptors, whatever the number of files.
    static constexpr std::size_t kHeldMax = 64;

    // Null: it is not open.
    std::shared_ptr<core::File> find(const FileKey& key) const;
    // The file that was used longest ago is closed when there are too many.
    void use(const FileKey& key, std::shared_ptr<core::File> file);
    void close(const FileKey& key);
    std::size_t size() const { return files_.size(); }

private:
    using Order = std::list<FileKey>;
    Order order_;  // the last used first
    std::map<FileKey, std::pair<std::shared_ptr<core::File>, Order::iterator>> files_;
};

}  // namespace tidemill::sources::follow
