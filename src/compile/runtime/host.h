/* A program's ways to the outside: standard input and output, arguments, the clock. */

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What came of writing or reading. */
enum outcome { OK, CLOSED, FAILED };

/* How many bytes are collected before they are written. */
enum { OUTPUT_CAPACITY = 32 * 1024 };

static struct {
    char bytes[OUTPUT_CAPACITY];
    size_t length;
    /* Whether a person reads along. */
    bool by_line;
} output;

static struct {
    char *line;
    size_t capacity;
    /* What is left of the line, with its newline. */
    char *rest;
    size_t length;
} input;

static struct timespec start;
static int argument_count;
static char **arguments;

static void open_host(int argc, char **argv)
{
    argument_count = argc;
    arguments = argv;
    output.by_line = isatty(STDOUT_FILENO);
    clock_gettime(CLOCK_MONOTONIC, &start);
}

static enum outcome flush_output(void)
{
    const char *next = output.bytes;
    size_t left = output.length;
    output.length = 0;
    while (left > 0) {
        ssize_t written = write(STDOUT_FILENO, next, left);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno == EPIPE ? CLOSED : FAILED;
        next += written;
        left -= (size_t)written;
    }
    return OK;
}

static enum outcome write_output(const void *bytes, size_t length)
{
    const char *next = bytes;
    while (length > 0) {
        size_t room = OUTPUT_CAPACITY - output.length, part = length < room ? length : room;
        memcpy(output.bytes + output.length, next, part);
        output.length += part;
        next += part;
        length -= part;
        enum outcome outcome = output.length == OUTPUT_CAPACITY ? flush_output() : OK;
        if (outcome != OK)
            return outcome;
    }
    bool line = output.by_line && memchr(output.bytes, '\n', output.length);
    return line ? flush_output() : OK;
}

/* The next line of input without its newline, cut to what there is room for; the rest stays for the
   next call. The length is -1 at the end of input. */
static enum outcome read_input(void *into, size_t room, int64_t *length)
{
    if (input.length == 0) {
        enum outcome outcome = flush_output();
        if (outcome != OK)
            return outcome;
        errno = 0;
        ssize_t got = getline(&input.line, &input.capacity, stdin);
        if (got < 0) {
            *length = -1;
            return ferror(stdin) ? FAILED : OK;
        }
        input.rest = input.line;
        input.length = (size_t)got;
    }
    /* The newline stays as long as the line is not used up, to tell an empty line from none. */
    bool ends = input.rest[input.length - 1] == '\n';
    size_t line = input.length - ends, part = line < room ? line : room;
    memcpy(into, input.rest, part);
    input.rest += part;
    input.length = part == line ? 0 : input.length - part;
    *length = (int64_t)part;
    return OK;
}

static uint64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)(now.tv_sec - start.tv_sec) * 1000000000 + (uint64_t)now.tv_nsec
        - (uint64_t)start.tv_nsec;
}

/* A character in UTF-8; 0 bytes where the number is not that of one. */
static size_t encode_character(uint64_t number, char *out)
{
    if (number < 0x80) {
        out[0] = (char)number;
        return 1;
    }
    if (number < 0x800) {
        out[0] = (char)(0xc0 | number >> 6);
        out[1] = (char)(0x80 | (number & 0x3f));
        return 2;
    }
    if (number < 0x10000) {
        if (number >= 0xd800 && number < 0xe000)
            return 0;
        out[0] = (char)(0xe0 | number >> 12);
        out[1] = (char)(0x80 | (number >> 6 & 0x3f));
        out[2] = (char)(0x80 | (number & 0x3f));
        return 3;
    }
    if (number < 0x110000) {
        out[0] = (char)(0xf0 | number >> 18);
        out[1] = (char)(0x80 | (number >> 12 & 0x3f));
        out[2] = (char)(0x80 | (number >> 6 & 0x3f));
        out[3] = (char)(0x80 | (number & 0x3f));
        return 4;
    }
    return 0;
}
