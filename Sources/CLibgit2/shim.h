#include <git2.h>
#include <git2/sys/repository.h>

/* git_libgit2_opts is variadic, which Swift cannot call. */
static inline int pmo_git_trust_receiver(void) {
    /* The receiver's owner may differ from ours under sudo; who may push is decided before libgit2 is asked. */
    return git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
}
