/* Every permutation of n things: the first tells how many of them to turn over, until it is the
 * smallest. Gives the sum of the turns with alternating signs, times 100, and the most turns. */
#include <stdint.h>

#define MAX 16

int64_t run(int64_t n)
{
    int permutation[MAX], turned[MAX], left[MAX];
    int most = 0, r = n;
    int64_t sum = 0, sign = 1;
    for (int i = 0; i < n; i++)
        permutation[i] = i;
    for (;;) {
        for (; r > 1; r--)
            left[r - 1] = r;

        for (int i = 0; i < n; i++)
            turned[i] = permutation[i];
        int turns = 0;
        for (int first = turned[0]; first != 0; first = turned[0]) {
            for (int low = 0, high = first; low < high; low++, high--) {
                int other = turned[low];
                turned[low] = turned[high];
                turned[high] = other;
            }
            turns++;
        }
        if (turns > most)
            most = turns;
        sum += sign * turns;
        sign = -sign;

        /* The next one: rotate the first two, or three when those two have come around, and so on. */
        for (;; r++) {
            if (r == n)
                return sum * 100 + most;
            int first = permutation[0];
            for (int i = 0; i < r; i++)
                permutation[i] = permutation[i + 1];
            permutation[r] = first;
            if (--left[r] > 0)
                break;
        }
    }
}
