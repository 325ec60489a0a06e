/* Calls of the C library that stand behind _GNU_SOURCE, which Swift's Glibc module leaves out. */
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <spawn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

int pipe2(int descriptors[2], int flags);
int memfd_create(const char *name, unsigned int flags);
int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);

int syncfs(int descriptor);
int renameat2(int old_directory, const char *old_name, int new_directory, const char *new_name, unsigned int flags);
ssize_t copy_file_range(int from, off_t *from_offset, int to, off_t *to_offset, size_t length, unsigned int flags);

/* Makes a file share another's blocks (ioctl_ficlone(2)); ioctl is variadic, which Swift cannot call. */
static inline int clone_file(int to, int from) {
    return ioctl(to, FICLONE, from);
}

/* Opens a path below a directory that no link and no `..` is on the way of (openat2(2)); the C library has no call. */
static inline int open_beneath(int directory, const char *path, int flags) {
    struct open_how how = {.flags = (unsigned int)flags, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

/* What kind of file system a path is on, as statfs(2) numbers them; -1 where that cannot be told. */
static inline long file_system_kind(const char *path) {
    struct statfs status;
    return statfs(path, &status) == 0 ? (long)status.f_type : -1;
}

/* Makes a subvolume of btrfs, or with a source the snapshot of that subvolume (btrfs-ioctl(2)). */
static inline int make_subvolume(int directory, const char *name, int source) {
    struct btrfs_ioctl_vol_args arguments = {.fd = source};
    strncpy(arguments.name, name, sizeof arguments.name - 1);
    return ioctl(directory, source < 0 ? BTRFS_IOC_SUBVOL_CREATE : BTRFS_IOC_SNAP_CREATE, &arguments);
}
