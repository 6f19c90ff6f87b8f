/* What remains of a reload when nothing is done: a file is renamed into place,
 * one thread hears of it and wakes a second, which tells a third that has been
 * looking all the time. The third prints what a program of the benchmark does, a
 * number and a time. It also does some work then, for about as long as a program
 * stands still, and writes into a file how long that took: so one sees what the
 * machine adds to the pauses by itself.
 *
 *     floor FOLDER FILE PAUSES
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const char *folder, *file;
static atomic_int heard, told;

static long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void *hear(void *unused)
{
    char buffer[4096] __attribute__((aligned(8)));
    int events = inotify_init1(IN_CLOEXEC);
    inotify_add_watch(events, folder, IN_MOVED_TO);
    for (;;) {
        long size = read(events, buffer, sizeof buffer);
        for (long at = 0; at < size;) {
            struct inotify_event *event = (void *)(buffer + at);
            at += (long)(sizeof *event + event->len);
            if (event->len && !strcmp(event->name, file)) {
                atomic_fetch_add(&heard, 1);
                syscall(SYS_futex, &heard, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
            }
        }
    }
    return unused;
}

static void *pass_on(void *unused)
{
    for (int seen = 0;;) {
        while (atomic_load(&heard) == seen)
            syscall(SYS_futex, &heard, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
        atomic_store(&told, seen = atomic_load(&heard));
    }
    return unused;
}

int main(int count, char **argv)
{
    if (count != 4)
        return 2;
    folder = argv[1], file = argv[2];
    FILE *pauses = fopen(argv[3], "a");
    pthread_t thread;
    if (!pauses || pthread_create(&thread, 0, hear, 0) || pthread_create(&thread, 0, pass_on, 0))
        return 1;
    setvbuf(pauses, 0, _IOLBF, 0);
    /* Once both are likely to wait. */
    usleep(200000);
    for (int last = -1;;) {
        int number = atomic_load(&told);
        if (number == last)
            continue;
        long called = now();
        for (volatile int i = 0; i < 5000; i++)
            ;
        fprintf(pauses, "%ld\n", now() - called);
        printf("%d\n%ld\n", last = number, called);
        fflush(stdout);
    }
}
