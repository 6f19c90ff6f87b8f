/* Functions of all kinds. Behind each stands its name, and the signature that programs should use or a
 * part of the reason why there is none. */
#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>
struct point { double x, y; };
enum colour { RED, GREEN };
typedef int number;
union either { int i; float f; };

int add(int a, int b) { return a + b; } /* add (i32, i32) -> i32 */
void nothing(void) { } /* nothing () */
int constant(void) { return 7; } /* constant () -> i32 */
signed char small(signed char a, short b) { return a + b; } /* small (i8, i16) -> i8 */
uint8_t bytes_of(uint8_t a, uint16_t b, uint32_t c, uint64_t d) { return a + b + c + d; } /* bytes_of (u8, u16, u32, u64) -> u8 */
long wide(long a, long long b, unsigned long c) { return a + b + c; } /* wide (i64, i64, u64) -> i64 */
char letter(char c) { return c; } /* letter (i8) -> i8 */
bool negate(bool b) { return !b; } /* negate (bool) -> bool */
float half(float x) { return x / 2; } /* half (f32) -> f32 */
double mixed(int a, double b, float c, int64_t d) { return a + b + c + d; } /* mixed (i32, f64, f32, i64) -> f64 */
enum colour next(enum colour c) { return c + 1; } /* next (i32) -> i32 */
number named(const number n, volatile number m) { return n + m; } /* named (i32, i32) -> i32 */
size_t length(const char *text) { return text[0]; } /* length (cstr) -> u64 */
void upper(char *text, size_t size) { if (size) text[0] = 'A'; } /* upper (bytes) */
double mean(const void *values, size_t size) { return values ? size : 0; } /* mean (bytes) -> f64 */
uint32_t crc(const uint8_t *data, size_t size, uint32_t seed) { return data[size] + seed; } /* crc (bytes, u32) -> u32 */
int count_of(const void *base, size_t count, size_t size) { return base ? count / size : 0; } /* count_of (ptr, u64, u64) -> i32 */
struct point *make(void) { return 0; } /* make () -> ptr */
double norm(const struct point *p, const double *weights) { return p->x * *weights; } /* norm (ptr, ptr) -> f64 */
char *name_of(int n) { return n ? "a" : 0; } /* name_of (i32) -> ptr */
int apply(int (*f)(int, void *), void *data) { return f(1, data); } /* apply (ptr, ptr) -> i32 */
int first(int values[], int (*rows)[4]) { return values[0] + rows[0][0]; } /* first (ptr, ptr) -> i32 */
int many(int a, int b, int c, int d, int e, int f, int g, int h, int i) { return a+b+c+d+e+f+g+h+i; } /* many (i32, i32, i32, i32, i32, i32, i32, i32, i32) -> i32 */
int format(const char *text, ...) { return text[0]; } /* format variable number */
double by_value(struct point p) { return p.x; } /* by_value argument 1 is `struct point p` */
struct point origin(void) { return (struct point){0, 0}; } /* origin returns `struct point` */
long double precise(long double x) { return x; } /* precise `long double x` */
int of_union(int a, union either e) { return a + e.i; } /* of_union argument 2 is `union either e` */
_Complex double turn(_Complex double z) { return z; } /* turn z`, passed by value */
