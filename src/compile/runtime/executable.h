/* The beginning and end of a program that runs by itself. */

#include <signal.h>
#include <sys/resource.h>

static NORETURN void end(int status)
{
    flush_output();
    exit(status);
}

/* Lets the stack grow as far as the system allows without starting again, and notes where it ends. */
static void open_stack(void)
{
    const rlim_t wanted = 112 << 20, margin = 256 << 10;
    char here;
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit))
        return;
    if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < wanted) {
        struct rlimit larger = limit;
        larger.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > wanted ? wanted : limit.rlim_max;
        if (setrlimit(RLIMIT_STACK, &larger) == 0)
            limit = larger;
    }
    rlim_t size = limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > wanted ? wanted : limit.rlim_cur;
    stack_limit = (uintptr_t)&here - size + margin;
}

int main(int argc, char **argv)
{
    open_host(argc, argv);
    /* A pipe that nobody reads any more is no reason to crash. */
    signal(SIGPIPE, SIG_IGN);
    open_stack();
    open_program();
    run_program();
    halt();
}
