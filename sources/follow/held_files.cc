#include "sources/follow/held_files.h"

namespace tidemill::sources::follow {

std::shared_ptr<core::File> HeldFiles::find(const FileKey& key) const {
    const auto found = files_.find(key);
    return found == files_.end() ? nullptr : found->second.first;
}

void HeldFiles::use(const FileKey& key, std::shared_ptr<core::File> file) {
    if (const auto found = files_.find(key); found != files_.end()) {
        order_.splice(order_.begin(), order_, found->second.second);
        return;
    }
    if (files_.size() == kHeldMax) close(FileKey(order_.back()));
    order_.push_front(key);
    files_.emplace(key, std::pair(std::move(file), order_.begin()));
}

void HeldFiles::close(const FileKey& key) {
    const auto found = files_.find(key);
    if (found == files_.end()) return;
    order_.erase(found->second.second);
    files_.erase(found);
}

}  // namespace tidemill::sources::follow
