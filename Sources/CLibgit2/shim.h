#include <git2.h>
#include <git2/sys/repository.h>

// git_libgit2_opts takes variable arguments, which Swift cannot pass: one function for each shape that is used.

static inline int pmo_libgit2_set_switch(int option, int enabled) {
    return git_libgit2_opts(option, enabled);
}

static inline int pmo_libgit2_set_search_path(int level, const char *path) {
    return git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, path);
}
