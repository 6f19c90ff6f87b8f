/* Pointers and what depends on them. Three files in one: PART says which. */
#include <stdlib.h>
#include <string.h>

#if PART == 1 /* A pointer of the file that is set. */

static int ready;
static char *buffer;
static long calls = 100;

long one(int n)
{
    static int rounds;
    if (!ready) {
        buffer = malloc(16);
        strcpy(buffer, "one");
        ready = 1;
    }
    calls += n;
    rounds += n;
    return strlen(buffer) + 10 * calls + 10000 * rounds;
}

#elif PART == 2 /* A pointer of one function only. */

static long calls = 100;

static __attribute__((noinline)) long cached(int n)
{
    static char *text;
    static int size;
    if (size < n) {
        text = realloc(text, n + 1);
        memset(text, 'x', n);
        text[n] = 0;
        size = n;
    }
    return strlen(text);
}

long two(int n)
{
    static int rounds;
    calls += n;
    rounds += n;
    return cached(n) + 10 * calls + 10000 * rounds;
}

#else /* Pointers that are as they began: within the library, outside of it, and null. */

static const char *title = "three";
static char *(*copy)(char *, const char *) = strcpy;
static const char *(*volatile kept)(const char *, int) = (const char *(*)(const char *, int))strchr;
static char *unused;
static long calls = 100;

long three(int n)
{
    static int rounds;
    char text[8] = "";
    if (n > 1000) {
        title = unused = "more";
        copy = 0;
    }
    copy(text, title);
    calls += n;
    rounds += n;
    return (kept(text, 'e') - text) + 10 * calls + 10000 * rounds;
}

#endif
