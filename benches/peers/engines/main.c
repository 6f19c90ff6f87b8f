/* The face of a benchmark as a native program: prints what it gives for the size in the first argument. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int64_t run(int64_t size);

int main(int argc, char **argv)
{
    (void)argc;
    printf("%lld\n", (long long)run(atoll(argv[1])));
}
