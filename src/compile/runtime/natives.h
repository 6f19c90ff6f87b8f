/* Native functions: their arguments are checked as hotvm does it. */

#include <dlfcn.h>

/* What stands before a name of C in the linker's view. */
#ifdef __APPLE__
#define LINKED "_"
#else
#define LINKED ""
#endif

static NORETURN void argument_trap(const char *function, unsigned parameter, const char *why, unsigned at)
{
    char message[256];
    snprintf(message, sizeof message, "argument %u of `%s` %s", parameter, function, why);
    trap("E0506", message, at);
}

/* Whether an integer fits its C type, which is given by its limits. */
static inline uint64_t check_range(uint64_t value, int64_t smallest, int64_t largest, const char *type,
                                   const char *function, unsigned parameter, unsigned at)
{
    if (UNLIKELY((int64_t)value < smallest || (int64_t)value > largest)) {
        char why[96];
        snprintf(why, sizeof why, "is %" PRId64 ", which does not fit %s", (int64_t)value, type);
        argument_trap(function, parameter, why, at);
    }
    return value;
}

static inline float check_f32(double value, const char *function, unsigned parameter, unsigned at)
{
    float narrow = (float)value;
    if (UNLIKELY(isinf(narrow) && !isinf(value)))
        argument_trap(function, parameter, "does not fit f32", at);
    return narrow;
}

static const char *check_text(uint64_t address, const char *function, unsigned parameter, unsigned at)
{
    if (address >= memory_size)
        argument_trap(function, parameter, "is a text outside of memory", at);
    if (!memchr(memory + address, 0, memory_size - address))
        argument_trap(function, parameter, "is a text without an end", at);
    return (const char *)memory + address;
}

static void *check_bytes(uint64_t address, uint64_t length, const char *function, unsigned parameter, unsigned at)
{
    if (length > memory_size || address > memory_size - length)
        argument_trap(function, parameter, "is not inside memory", at);
    return memory + address;
}

/* The host pointers that native functions have returned, in a table of open addressing. */
static struct {
    uint64_t *slots;
    size_t capacity, count;
} pointers;

static uint64_t *find_pointer(uint64_t pointer)
{
    size_t mask = pointers.capacity - 1;
    size_t i = (pointer >> 4) * 0x9e3779b97f4a7c15 >> 16 & mask;
    while (pointers.slots[i] && pointers.slots[i] != pointer)
        i = (i + 1) & mask;
    return &pointers.slots[i];
}

static uint64_t note_pointer(const void *returned)
{
    uint64_t pointer = (uintptr_t)returned;
    if (!pointer || (pointers.capacity && *find_pointer(pointer)))
        return pointer;
    if (pointers.count * 2 >= pointers.capacity) {
        uint64_t *old = pointers.slots;
        size_t old_capacity = pointers.capacity;
        pointers.capacity = old_capacity ? 2 * old_capacity : 64;
        pointers.slots = calloc(pointers.capacity, sizeof *pointers.slots);
        if (!pointers.slots)
            abort();
        for (size_t i = 0; i < old_capacity; i++)
            if (old[i])
                *find_pointer(old[i]) = old[i];
        free(old);
    }
    *find_pointer(pointer) = pointer;
    pointers.count++;
    return pointer;
}

static void *check_pointer(uint64_t pointer, const char *function, unsigned parameter, unsigned at)
{
    if (pointer && (!pointers.capacity || !*find_pointer(pointer)))
        argument_trap(function, parameter, "is a host pointer that no native function returned", at);
    return (void *)(uintptr_t)pointer;
}

/* A function of a library that lies beside the program. */
static void *bind_slot(unsigned slot, const char *library, const char *symbol, bool lazy)
{
    static char folder[4096];
    if (!folder[0]) {
        Dl_info self;
        snprintf(folder, sizeof folder, "%s", dladdr((void *)bind_slot, &self) ? self.dli_fname : "");
        char *slash = strrchr(folder, '/');
        strcpy(slash ? slash : folder, slash ? "" : ".");
    }
    char path[8192];
    snprintf(path, sizeof path, "%s/%s", folder, library);
    void *handle = dlopen(library[0] == '/' ? library : path, RTLD_NOW | RTLD_LOCAL);
    void *function = handle ? dlsym(handle, symbol) : NULL;
    if (!function && !lazy) {
        fprintf(stderr, "[E0604] Error: slot %u cannot be bound: %s\n", slot, dlerror());
        end(4);
    }
    return function;
}

/* The version that a library reports by a variable or a function; 0 when it reports none. */
static __attribute__((unused)) uint64_t version_told(const uint32_t *variable, int (*function)(void))
{
    if (variable)
        return *variable;
    return function ? (uint32_t)function() : 0;
}

/* That of the library that a function is from. */
static __attribute__((unused)) uint64_t version_of(void *function)
{
    Dl_info info;
    void *handle = function && dladdr(function, &info) ? dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    if (!handle)
        return 0;
    return version_told(dlsym(handle, "hotvm_version"), (int (*)(void))dlsym(handle, "get_version"));
}

/* That of the source that was compiled in. */
extern const uint32_t linked_version __asm__(LINKED "hotvm_version") __attribute__((weak));
extern int linked_get_version(void) __asm__(LINKED "get_version") __attribute__((weak));
