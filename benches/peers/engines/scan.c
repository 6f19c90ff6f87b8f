/* Scans a text of random words, numbers, blanks and lines: a sum of the hashes of its words, of its
 * numbers and of its lines. */
#include <stdint.h>

#define LENGTH 65536

static const char alphabet[] = "etaoin shrdlu cmfwyp\n vbgkqjxz 0123456789 ";
static uint8_t text[LENGTH];

/* Ends with a newline, so that no word or number goes past the end. */
static void write_text(void)
{
    int random = 42;
    for (int i = 0; i < LENGTH - 1; i++) {
        random = (random * 3877 + 29573) % 139968;
        text[i] = alphabet[random % (int)(sizeof alphabet - 1)];
    }
    text[LENGTH - 1] = '\n';
}

static int64_t scan(int64_t seed)
{
    int64_t sum = 0;
    int at = 0;
    while (at < LENGTH) {
        uint8_t c = text[at];
        if (c >= 'a' && c <= 'z') {
            int64_t hash = seed;
            do {
                hash = (hash * 31 + c) & 0xffffff;
                c = text[++at];
            } while (c >= 'a' && c <= 'z');
            sum += hash;
        } else if (c >= '0' && c <= '9') {
            int64_t number = 0;
            do {
                number = number * 10 + c - '0';
                c = text[++at];
            } while (c >= '0' && c <= '9');
            sum += number;
        } else {
            if (c == '\n')
                sum++;
            at++;
        }
    }
    return sum;
}

int64_t run(int64_t rounds)
{
    int64_t sum = 0;
    write_text();
    for (int64_t round = 0; round < rounds; round++)
        sum += scan(round);
    return sum;
}
