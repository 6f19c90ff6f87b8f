/* Binary trees of many sizes up to depth n are grown, counted and given back: how many nodes there were
 * in all. Nodes come from a list of free ones, or else from the end of what is in use. */
#include <stddef.h>
#include <stdint.h>

#define NODES (1 << 20)

struct node {
    struct node *left, *right;
};

static struct node nodes[NODES];
static struct node *fresh = nodes, *freed;

static struct node *allocate(void)
{
    if (freed == NULL)
        return fresh++;
    struct node *node = freed;
    freed = node->left;
    return node;
}

static struct node *grow(int depth)
{
    struct node *node = allocate();
    node->left = depth > 0 ? grow(depth - 1) : NULL;
    node->right = depth > 0 ? grow(depth - 1) : NULL;
    return node;
}

static int count(const struct node *node)
{
    return node->left == NULL ? 1 : 1 + count(node->left) + count(node->right);
}

static void give_back(struct node *node)
{
    if (node->left != NULL) {
        give_back(node->left);
        give_back(node->right);
    }
    node->left = freed;
    freed = node;
}

int64_t run(int64_t n)
{
    struct node *lasting = grow(n);
    int64_t sum = 0;
    for (int depth = 4; depth <= n; depth += 2)
        for (int trees = 1 << (n - depth + 4); trees > 0; trees--) {
            struct node *tree = grow(depth);
            sum += count(tree);
            give_back(tree);
        }
    return sum + count(lasting);
}
