/* The Sun and its four giants for n steps of a hundredth of a day: their energy, in units of 10^-9. */
#include <stdint.h>

#define BODIES 5
#define PI 3.141592653589793
#define SUN (4 * PI * PI)
#define YEAR 365.24
#define STEP 0.01

struct body {
    double x, y, z, vx, vy, vz, mass;
};

static struct body bodies[BODIES] = {
    {0, 0, 0, 0, 0, 0, SUN},
    {4.84143144246472090e+00, -1.16032004402742839e+00, -1.03622044471123109e-01,
     1.66007664274403694e-03 * YEAR, 7.69901118419740425e-03 * YEAR, -6.90460016972063023e-05 * YEAR,
     9.54791938424326609e-04 * SUN},
    {8.34336671824457987e+00, 4.12479856412430479e+00, -4.03523417114321381e-01,
     -2.76742510726411899e-03 * YEAR, 4.99852801234917238e-03 * YEAR, 2.30417297573763929e-05 * YEAR,
     2.85885980666130812e-04 * SUN},
    {1.28943695621391310e+01, -1.51111514016986312e+01, -2.23307578892655734e-01,
     2.96460137564761618e-03 * YEAR, 2.37847173959480950e-03 * YEAR, -2.96589568540237556e-05 * YEAR,
     4.36624404335156298e-05 * SUN},
    {1.53796971148509165e+01, -2.59193146099879641e+01, 1.79258772950371181e-01,
     2.68067772490389322e-03 * YEAR, 1.62824170038242295e-03 * YEAR, -9.51592254519715870e-05 * YEAR,
     5.15138902046611451e-05 * SUN},
};

/* Gives the Sun the momentum that holds the whole system still. */
static void hold_still(void)
{
    struct body *sun = bodies;
    for (struct body *b = bodies + 1; b < bodies + BODIES; b++) {
        sun->vx -= b->vx * b->mass / SUN;
        sun->vy -= b->vy * b->mass / SUN;
        sun->vz -= b->vz * b->mass / SUN;
    }
}

static void advance(void)
{
    for (struct body *a = bodies; a < bodies + BODIES; a++)
        for (struct body *b = a + 1; b < bodies + BODIES; b++) {
            double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            double square = dx * dx + dy * dy + dz * dz;
            double pull = STEP / (square * __builtin_sqrt(square));
            double to_a = b->mass * pull, to_b = a->mass * pull;
            a->vx -= dx * to_a;
            a->vy -= dy * to_a;
            a->vz -= dz * to_a;
            b->vx += dx * to_b;
            b->vy += dy * to_b;
            b->vz += dz * to_b;
        }
    for (struct body *b = bodies; b < bodies + BODIES; b++) {
        b->x += STEP * b->vx;
        b->y += STEP * b->vy;
        b->z += STEP * b->vz;
    }
}

static double energy(void)
{
    double sum = 0;
    for (struct body *a = bodies; a < bodies + BODIES; a++) {
        sum += 0.5 * a->mass * (a->vx * a->vx + a->vy * a->vy + a->vz * a->vz);
        for (struct body *b = a + 1; b < bodies + BODIES; b++) {
            double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            sum -= a->mass * b->mass / __builtin_sqrt(dx * dx + dy * dy + dz * dz);
        }
    }
    return sum;
}

int64_t run(int64_t n)
{
    hold_still();
    while (n-- > 0)
        advance();
    return energy() * 1e9;
}
