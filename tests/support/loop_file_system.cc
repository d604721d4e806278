#include "tests/support/loop_file_system.h"

#include <fcntl.h>
#include <linux/types.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "tests/support/child_process.h"

namespace tidemill::test {
namespace fs = std::filesystem;
namespace {

// Linux's FS_IOC_SHUTDOWN and its flag "without flushing the journal"; not in all headers.
constexpr unsigned long kShutdownRequest = _IOR('X', 125, __u32);
constexpr __u32 kShutdownNoLogFlush = 2;

std::string findTool(const std::string& name) {
    for (const char* directory : {"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"})
        if (::access((directory + name).c_str(), X_OK) == 0) return directory + name;
    return "";
}

// Once per thread that asks: later mounts are its own, and earlier ones stay as they are.
bool enterOwnMountNamespace() {
    thread_local const bool entered =
        ::unshare(CLONE_NEWNS) == 0 &&
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    return entered;
}

// In memory where there is room: the image need not outlive the machine, only the cut, and a real
// disk's syncs take longer than all the rest of a test.
fs::path placeFor(std::uint64_t sizeBytes) {
    std::error_code error;
    const auto space = fs::space("/dev/shm", error);
    return !error && space.available / 2 > sizeBytes ? "/dev/shm" : fs::temp_directory_path();
}

}  // namespace

std::unique_ptr<LoopFileSystem> LoopFileSystem::make(std::uint64_t sizeBytes, std::string& whyNot) {
    const std::string mkfs = findTool("mkfs.ext4");
    if (::geteuid() != 0) whyNot = "only root may mount a file system";
    else if (mkfs.empty()) whyNot = "there is no mkfs.ext4 (package e2fsprogs)";
    else if (findTool("mount").empty()) whyNot = "there is no mount";
    else if (!enterOwnMountNamespace()) whyNot = "mounting is not allowed here";
    else whyNot.clear();
    if (!whyNot.empty()) return nullptr;

    std::unique_ptr<LoopFileSystem> made(new LoopFileSystem);
    std::string pattern = (placeFor(sizeBytes) / "tidemill-loop-XXXXXX").string();
    made->directory_ = ::mkdtemp(pattern.data());
    made->image_ = made->directory_ / "image";
    made->mountPoint_ = made->directory_ / "mount";
    fs::create_directory(made->mountPoint_);
    int code = 0;
    const int image = ::open(made->image_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const bool sized = image >= 0 && ::ftruncate(image, static_cast<off_t>(sizeBytes)) == 0;
    ::close(image);
    if (!sized) {
        whyNot = "the image cannot be made: " + std::string(std::strerror(errno));
        return nullptr;
    }
    outputOf({mkfs, "-q", "-F", "-m", "0", made->image_.string()}, code);
    if (code != 0) {
        whyNot = "mkfs.ext4 fails with code " + std::to_string(code);
        return nullptr;
    }
    if (!made->mount()) {
        whyNot = "a loop device cannot be mounted";
        return nullptr;
    }
    return made;
}

LoopFileSystem::~LoopFileSystem() {
    if (mounted_) unmount();
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
}

bool LoopFileSystem::mount() {
    // The program finds a free loop device and lets it go with the mount; it may lose a race for
    // the device against another test.
    for (int tries = 0; tries < 5 && !mounted_; ++tries) {
        int code = 0;
        outputOf(
            {findTool("mount"), "-t", "ext4", "-o", "loop", image_.string(), mountPoint_.string()},
            code);
        mounted_ = code == 0;
        if (!mounted_) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return mounted_;
}

bool LoopFileSystem::unmount() {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (::umount2(mountPoint_.c_str(), 0) != 0) {
        if (errno != EBUSY || std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    mounted_ = false;
    return true;
}

bool LoopFileSystem::cut() {
    const int fd = ::open(mountPoint_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    __u32 flag = kShutdownNoLogFlush;
    const bool done = ::ioctl(fd, kShutdownRequest, &flag) == 0;
    ::close(fd);
    return done;
}

bool LoopFileSystem::remount() { return unmount() && mount(); }

}  // namespace tidemill::test
