/* A second source file, with a variable of the same name as the first. */
static int counter = 50;
static volatile int own = 60;

int other_change(int n)
{
    own -= n;
    return counter += 3 * n;
}

long other_probe(void)
{
    return counter + 1000L * own;
}
