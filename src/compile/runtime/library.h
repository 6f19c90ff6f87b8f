/* The calls of a program that is a library. */

#include <pthread.h>

/* The caller's process has to go on without its answer, which it cannot: a guard may catch this. */
static NORETURN void end(int status)
{
    flush_output();
    if (status != 3)
        fprintf(stderr, "the program ended inside of a call, with status %d\n", status);
    abort();
}

/* Notes where the stack ends that this call is made on. */
static COLD void open_stack(uintptr_t here)
{
    const uintptr_t margin = 256 << 10;
    stack_limit = here > 4 * margin ? here - 4 * margin : margin;
#ifdef __linux__
    pthread_attr_t attributes;
    void *lowest;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        if (pthread_attr_getstack(&attributes, &lowest, &size) == 0
            && here - (uintptr_t)lowest < size)
            stack_limit = (uintptr_t)lowest + margin;
        pthread_attr_destroy(&attributes);
    }
#endif
}

/* To be called at the beginning of each call from outside. */
static inline void enter_library(void)
{
    static bool is_open;
    static _Thread_local uintptr_t highest;
    char here;
    if (UNLIKELY((uintptr_t)&here < stack_limit || (uintptr_t)&here > highest)) {
        open_stack((uintptr_t)&here);
        highest = (uintptr_t)&here + (1 << 20);
    }
    if (UNLIKELY(!is_open)) {
        is_open = true;
        open_host(0, NULL);
        open_program();
    }
}

/* And at the end: what the program has written is there before what its caller writes. */
static inline void leave_library(void)
{
    if (output.length > 0)
        flush_output();
}
