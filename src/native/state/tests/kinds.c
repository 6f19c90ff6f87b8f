/* Static variables of every kind, each changed by change() and read by probe().
 * With NEW it is the next version: some types and initial values are others. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

#ifdef NEW
#define FORMER(old, new) new
#else
#define FORMER(old, new) old
#endif

typedef int number;
enum color { RED, GREEN = 5, BLUE = -3 };
struct point { int x, y; };
struct nested { char tag; struct point at; short list[3]; };

/* The same type in both versions. */
static int counter = 5;
static number named = 6;
static volatile int changing = 7;
static _Atomic long atomic = 8;
static bool truth;
static enum color color = RED;
static float single = 1.5f;
static double fraction = 2.5;
static long double precise = 3.5L;
static __int128 wide = 1;
static unsigned char byte = 200;
static char text[16] = "abc";
static int table[4] = { 1, 2, 3, 4 };
static int grid[2][3];
static struct point where = { 1, 2 };
static struct nested nested = { 'x', { 1, 2 }, { 3, 4, 5 } };
static struct point path[3];
static struct { unsigned a : 3; unsigned b : 7; signed c : 5; int d; } bits = { 1, 2, 3, 4 };
static union { int whole; unsigned char parts[4]; } either;
static struct { int kind; union { int i; float f; }; struct { short p, q; }; } mixed;
static int two_valued = 7;
static int from_zero;
static struct { int on; int mode; long hits; } switches = { 0, 5, 1 };
int exported = 11;
int hidden_too = 12;

/* Other types, and no value lost. */
static FORMER(int, long) wider = 13;
static FORMER(long, int) narrower = 14;
static FORMER(long, int) too_narrow = 15;
static FORMER(float, double) doubled = 1.25f;
static FORMER(unsigned, long long) unsigned_once = 16;
static int longer[FORMER(3, 5)] = { 1, 2, 3 };
static int shorter[FORMER(5, 3)] = { 1, 2, 3 };
static int cut[FORMER(5, 3)] = { 1, 2, 3 };
#ifdef NEW
static struct { short added; int x; long y; } grown = { 9, 1, 2 };
static struct { int x; short added; } particles[3] = { { 0, 4 }, { 0, 5 }, { 0, 6 } };
static struct { int limit; int seen; } config = { 200, 0 };
static enum level { NONE, LOW, MIDDLE, HIGH } level;
#else
static struct { int x; int removed; int y; } grown = { 1, 0, 2 };
static struct { int x; } particles[3];
static struct { int limit; int seen; } config = { 100, 0 };
static enum level { NONE, LOW, HIGH } level;
#endif
static FORMER(int, float) retyped[4];

/* A constant that is edited, and one that was changed before it was edited. */
static volatile int edited = FORMER(20, 30);
static volatile int edited_late = FORMER(20, 30);

/* What stays behind. */
static int *pointer;
static int (*function)(const char *);
static struct { int count; struct point *first; } list;
static union { long number; void *address; } mixed_union;
static uintptr_t address = (uintptr_t)&counter;
static __thread int threaded = 1;

/* What is none of a program's state. */
static const int constant[3] = { 1, 2, 3 };
static const char *const names[] = { "a", "b" };
static int never_changed = FORMER(40, 41);

int other_change(int n);
long other_probe(void);

/* Two functions and two blocks, each with its own. */
static int first(int n)
{
    static int calls;
    return calls += n;
}

static int second(int n)
{
    static int calls = 1;
    int sum = calls += n;
    if (n >= 0) {
        static int inner = 100;
        sum += 10 * (inner += n);
    }
    {
        static int inner = 200;
        sum += 10000 * (inner += 2 * n);
    }
    return sum;
}

EXPORT void change(int n)
{
    counter += n; named += n; changing += n; atomic += n; truth = n > 2;
    color = n > 100 ? RED : n > 2 ? BLUE : GREEN;
    single *= n; fraction *= n; precise *= n; wide = (wide << 70) + n; byte += n;
    memcpy(text, "changed", 8);
    table[n & 3] += n; grid[1][n % 3] += n; where.x += n; where.y *= n;
    nested.tag = 'y'; nested.at.y += n; nested.list[n % 3] *= n;
    path[1].x += n; path[n % 3].y += n;
    bits.a += n; bits.b += n; bits.c -= n; bits.d += n;
    either.whole += n * 0x01020304; mixed.kind = n; mixed.f += n; mixed.q -= n;
    if (n == 3) two_valued = 8, from_zero = 1;
    if (n == 3) switches.on = 1, switches.mode = 6;
    switches.hits += n; exported += n; hidden_too *= n;
    wider += n; narrower += n; too_narrow += (long)n << 32; doubled *= n;
    unsigned_once += n;
    longer[n % 3] += n; shorter[n % 3] += n; cut[4] += n;
    grown.x += n; grown.y *= n;
#ifndef NEW
    grown.removed += n;
#endif
    particles[n % 3].x += n; config.seen += n; level = n == 3 ? HIGH : LOW; retyped[n & 3] += n;
    if (n == 1000) edited++, config.limit++;
    edited_late += n;
    pointer = realloc(pointer, (size_t)n); function = n ? atoi : 0;
    list.count += n; list.first = &path[n % 3]; mixed_union.number += n; address += n;
    threaded += n;
    first(n); second(n); other_change(n);
}

EXPORT long probe(int what)
{
    switch (what) {
    case 0: return counter;
    case 1: return named;
    case 2: return changing;
    case 3: return atomic;
    case 4: return truth;
    case 5: return color;
    case 6: return (long)(single * 100);
    case 7: return (long)(fraction * 100);
    case 8: return (long)(precise * 100);
    case 9: return (long)(wide >> 64) + (long)wide;
    case 10: return byte;
    case 11: return text[0] + 256 * text[6] + 65536 * (long)strlen(text);
    case 12: return table[0] + 100 * table[1] + 10000 * table[2] + 1000000 * table[3];
    case 13: return grid[1][0] + 100 * grid[1][1] + 10000 * grid[1][2];
    case 14: return where.x + 1000 * where.y;
    case 15: return nested.tag + 256 * nested.at.y + 65536 * (nested.list[0] + nested.list[1]);
    case 16: return path[0].y + 100 * path[1].x + 10000 * path[1].y;
    case 17: return bits.a + 10 * bits.b + 10000 * bits.c + 1000000 * bits.d;
    case 18: return either.parts[1] + 256 * either.parts[2];
    case 19: return mixed.kind + 100L * mixed.i + mixed.q;
    case 20: return two_valued;
    case 21: return from_zero;
    case 22: return switches.on + 10 * switches.mode + 100 * switches.hits;
    case 23: return exported;
    case 24: return hidden_too;
    case 25: return wider;
    case 26: return narrower;
    case 27: return (long)(doubled * 100);
    case 28: return (long)unsigned_once;
    case 29: return longer[0] + 100 * longer[1] + 10000 * longer[2];
    case 30: return shorter[0] + 100 * shorter[1] + 10000 * shorter[2];
    case 31: return grown.x + 1000 * (long)grown.y;
    case 32: return particles[0].x + 100 * particles[1].x + 10000 * particles[2].x;
    case 33: return config.seen;
    case 34: return level == HIGH;
    case 35: return first(0);
    case 36: return second(0);
    case 37: return other_probe();
    case 38: return edited_late;

    /* From here on both versions have values of their own. */
    case 100: return too_narrow;
    case 101: return cut[0] + cut[2];
    case 102: return (long)retyped[3];
    case 103: return edited;
    case 104: return config.limit;
    case 105: return pointer != 0;
    case 106: return function != 0;
    case 107: return list.count + (list.first != 0);
    case 108: return mixed_union.number;
    case 109: return address == (uintptr_t)&counter;
    case 110: return threaded;
    case 111: return constant[what & 1] + names[what & 1][0] + never_changed;
#ifdef NEW
    case 112: return grown.added;
    case 113: return particles[2].added + 10 * particles[0].added;
    case 114: return longer[3] + longer[4];
#endif
    default: return -1;
    }
}
