/* Traps, and linear memory. */

#include <sys/mman.h>

#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define COLD __attribute__((cold, noinline))
#define NORETURN __attribute__((cold, noinline, noreturn))

/* Ends the program with a status, or in a library the process of whoever has called it. */
static NORETURN void end(int status);

static NORETURN void trap(const char *code, const char *message, unsigned at)
{
    flush_output();
    const struct place *place = &places[at];
    fprintf(stderr, "[%s] Error: %s\n", code, message);
    if (place->line)
        fprintf(stderr, "   at %s:%u:%u, in `%s`\n", place->file, place->line, place->column, place->function);
    else
        fprintf(stderr, "   in `%s`\n", place->function);
    end(3);
}

/* Ends the program quietly when nobody reads its output any more. */
static COLD void not_written(enum outcome outcome, unsigned at)
{
    if (outcome == CLOSED)
        end(0);
    char message[128];
    snprintf(message, sizeof message, "input or output failed: %s", strerror(errno));
    trap("E0511", message, at);
}

static void check_written(enum outcome outcome, unsigned at)
{
    if (UNLIKELY(outcome != OK))
        not_written(outcome, at);
}

#ifdef MEMORY_GROWS
static uint8_t *memory;
static uint64_t memory_size = MEMORY_MIN;

static void open_memory(void)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#ifdef MAP_NORESERVE
    flags |= MAP_NORESERVE;
#endif
    /* All that it may grow to, so that it never moves; the system hands out pages as they are used. */
    void *reserved = mmap(NULL, MEMORY_MAX ? MEMORY_MAX : 1, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (reserved == MAP_FAILED) {
        fprintf(stderr, "[E0407] Error: the system does not have the program's memory\n");
        end(1);
    }
    memory = reserved;
}

static uint64_t memory_grow(uint64_t by)
{
    const uint64_t page = 65536;
    uint64_t old = memory_size;
    if (by > MEMORY_MAX)
        return UINT64_MAX;
    by = (by + page - 1) / page * page;
    if (by > MEMORY_MAX - old)
        return UINT64_MAX;
    memory_size += by;
    return old;
}
#else
#define memory_size ((uint64_t)MEMORY_MIN)
#endif

static NORETURN void out_of_bounds(uint64_t address, uint64_t length, unsigned at)
{
    char message[160], lengths[64] = "", addresses[64] = "";
    if (length > INT64_MAX)
        snprintf(lengths, sizeof lengths, " (%" PRId64 ")", (int64_t)length);
    if (address > INT64_MAX)
        snprintf(addresses, sizeof addresses, " (%" PRId64 ")", (int64_t)address);
    snprintf(message, sizeof message,
             "%" PRIu64 "%s %s at address %" PRIu64 "%s %s not inside memory of %" PRIu64 " bytes",
             length, lengths, length == 1 ? "byte" : "bytes", address, addresses,
             length == 1 ? "is" : "are", memory_size);
    trap("E0504", message, at);
}

/* The bytes at an address, which are inside. */
static inline uint8_t *bytes_at(uint64_t address, uint64_t length, unsigned at)
{
    if (UNLIKELY(length > memory_size || address > memory_size - length))
        out_of_bounds(address, length, at);
    return memory + address;
}

#define LOAD(name, type, result)                                     \
    static inline result load_##name(uint64_t address, unsigned at)  \
    {                                                                \
        type value;                                                  \
        memcpy(&value, bytes_at(address, sizeof value, at), sizeof value); \
        return (result)value;                                        \
    }
LOAD(8s, int8_t, uint64_t)
LOAD(8u, uint8_t, uint64_t)
LOAD(16s, int16_t, uint64_t)
LOAD(16u, uint16_t, uint64_t)
LOAD(32s, int32_t, uint64_t)
LOAD(32u, uint32_t, uint64_t)
LOAD(64, uint64_t, uint64_t)
LOAD(f32, float, double)
LOAD(f64, double, double)

#define STORE(name, type, source)                                               \
    static inline void store_##name(uint64_t address, source value, unsigned at) \
    {                                                                           \
        type stored = (type)value;                                              \
        memcpy(bytes_at(address, sizeof stored, at), &stored, sizeof stored);   \
    }
STORE(8, uint8_t, uint64_t)
STORE(16, uint16_t, uint64_t)
STORE(32, uint32_t, uint64_t)
STORE(64, uint64_t, uint64_t)
STORE(f32, float, double)
STORE(f64, double, double)

static void memory_copy(uint64_t to, uint64_t from, uint64_t length, unsigned at)
{
    uint8_t *target = bytes_at(to, length, at);
    memmove(target, bytes_at(from, length, at), length);
}

static void memory_fill(uint64_t address, uint64_t value, uint64_t length, unsigned at)
{
    memset(bytes_at(address, length, at), (uint8_t)value, length);
}
