/* Instructions that take more than an operator of C. All integers are unsigned, so that they wrap. */

static inline double bits_to_f64(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint64_t f64_to_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline uint64_t rotate_left(uint64_t a, uint64_t b)
{
    return a << (b & 63) | a >> (-b & 63);
}

static inline uint64_t leading_zeros(uint64_t a)
{
    return a ? (uint64_t)__builtin_clzll(a) : 64;
}

static inline uint64_t trailing_zeros(uint64_t a)
{
    return a ? (uint64_t)__builtin_ctzll(a) : 64;
}

static inline void check_divisor(uint64_t b, unsigned at)
{
    if (UNLIKELY(b == 0))
        trap("E0501", "division by zero", at);
}

static inline uint64_t divide(uint64_t a, uint64_t b, unsigned at)
{
    check_divisor(b, at);
    if (UNLIKELY((int64_t)a == INT64_MIN && (int64_t)b == -1))
        trap("E0502", "integer overflow", at);
    return (uint64_t)((int64_t)a / (int64_t)b);
}

static inline uint64_t remainder_of(uint64_t a, uint64_t b, unsigned at)
{
    check_divisor(b, at);
    return (int64_t)b == -1 ? 0 : (uint64_t)((int64_t)a % (int64_t)b);
}

static inline uint64_t divide_unsigned(uint64_t a, uint64_t b, unsigned at)
{
    check_divisor(b, at);
    return a / b;
}

static inline uint64_t remainder_unsigned(uint64_t a, uint64_t b, unsigned at)
{
    check_divisor(b, at);
    return a % b;
}

/* The smaller, where -0 is less than +0 and a NaN wins. */
static inline double least(double a, double b)
{
    if (isnan(a) || isnan(b))
        return a + b;
    if (a == b)
        return bits_to_f64(f64_to_bits(a) | f64_to_bits(b));
    return a < b ? a : b;
}

static inline double greatest(double a, double b)
{
    return -least(-a, -b);
}

#define TWO_63 9223372036854775808.0
#define TWO_64 18446744073709551616.0

static NORETURN void not_an_integer(double value, unsigned at)
{
    if (isnan(value))
        trap("E0503", "NaN has no integer", at);
    trap("E0502", "integer overflow: the float is out of range", at);
}

static inline uint64_t to_signed(double value, unsigned at)
{
    if (UNLIKELY(!(value >= -TWO_63 && value < TWO_63)))
        not_an_integer(value, at);
    return (uint64_t)(int64_t)value;
}

static inline uint64_t to_unsigned(double value, unsigned at)
{
    if (UNLIKELY(!(value > -1.0 && value < TWO_64)))
        not_an_integer(value, at);
    return (uint64_t)value;
}

static inline uint64_t to_nearest_signed(double value)
{
    if (value >= TWO_63)
        return INT64_MAX;
    return value >= -TWO_63 ? (uint64_t)(int64_t)value : isnan(value) ? 0 : (uint64_t)INT64_MIN;
}

static inline uint64_t to_nearest_unsigned(double value)
{
    if (value >= TWO_64)
        return UINT64_MAX;
    return value > -1.0 ? (uint64_t)value : 0;
}

/* Nested calls stop here, before the system's stack does. */
static _Thread_local uintptr_t stack_limit;

static NORETURN void stack_exhausted(unsigned at)
{
    trap("E0505", "calls are nested too deep", at);
}

static inline void check_stack(unsigned at)
{
    char here;
    if (UNLIKELY((uintptr_t)&here < stack_limit))
        stack_exhausted(at);
}

static void print_i64(uint64_t value, unsigned at)
{
    char text[NUMBER_SIZE];
    int length = snprintf(text, sizeof text, "%" PRId64 "\n", (int64_t)value);
    check_written(write_output(text, (size_t)length), at);
}

static void print_f64(double value, unsigned at)
{
    char text[NUMBER_SIZE];
    int length = format_f64(text, value);
    text[length] = '\n';
    check_written(write_output(text, (size_t)length + 1), at);
}

static void write_text(const char *bytes, size_t length, unsigned at)
{
    check_written(write_output(bytes, length), at);
}

static void write_memory(uint64_t address, uint64_t length, unsigned at)
{
    check_written(write_output(bytes_at(address, length, at), length), at);
}

static void write_character(uint64_t number, unsigned at)
{
    char bytes[4];
    size_t length = encode_character(number, bytes);
    if (length == 0) {
        char message[64];
        snprintf(message, sizeof message, "%" PRId64 " is not the number of a character", (int64_t)number);
        trap("E0510", message, at);
    }
    check_written(write_output(bytes, length), at);
}

static uint64_t read_line(uint64_t address, uint64_t capacity, unsigned at)
{
    int64_t length;
    check_written(read_input(bytes_at(address, capacity, at), capacity, &length), at);
    return (uint64_t)length;
}

static uint64_t read_argument(uint64_t number, uint64_t address, uint64_t capacity, unsigned at)
{
    uint8_t *room = bytes_at(address, capacity, at);
    /* The first is the program's name. */
    if (argument_count < 1 || number >= (uint64_t)argument_count - 1)
        return UINT64_MAX;
    const char *argument = arguments[number + 1];
    size_t length = strlen(argument);
    memcpy(room, argument, length < capacity ? length : capacity);
    return length;
}

static NORETURN void halt(void)
{
    end(flush_output() == FAILED ? 3 : 0);
}

static NORETURN void exit_with(uint64_t status, unsigned at)
{
    if (status > 255) {
        char message[64];
        snprintf(message, sizeof message, "%" PRId64 " is not an exit status", (int64_t)status);
        trap("E0509", message, at);
    }
    check_written(flush_output(), at);
    end((int)status);
}
