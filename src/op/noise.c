/* noise.c - random numbers as a function of their place (Philox 4x32-10, Salmon et al. 2011).
 *
 * The value at (row, column) depends on seed, step, phase, node, row and column alone: it is the
 * same for any number of threads and any tiling, and a resumed run draws what the uninterrupted one
 * would have drawn. Columns are served in blocks: one call of the generator gives four numbers to
 * columns sixteen apart (normal, uniform), or eight 16-bit ones (Bernoulli), so that sixteen
 * generators run side by side in vector lanes. Sixteen bits make probabilities exact to 1/65536;
 * eight would round a dropout of 0.2 to 0.1992.
 */
#include "op/op_nodes.h"

#include "base/vmath.h"
#include "graph/program.h"

enum { LANES = 16 };

/* Sixteen generators at once. word[k] are the k-th outputs. `first` counts blocks within the row. */
PH_INLINE void draw(uint32_t word[4][LANES], const ph_noise_at *at, size_t row, uint32_t first)
{
    uint32_t key0 = (uint32_t)at->seed, key1 = (uint32_t)(at->seed >> 32) ^ at->phase << 24;
    for (uint32_t l = 0; l < LANES; l++) {
        word[0][l] = first + l;
        word[1][l] = (uint32_t)row;
        word[2][l] = at->step;
        word[3][l] = at->node | 0x80000000u; /* apart from the starts of parameters */
    }
    for (int round = 0; round < 10; round++) {
        for (int l = 0; l < LANES; l++) {
            uint64_t p0 = (uint64_t)word[0][l] * 0xD2511F53u, p1 = (uint64_t)word[2][l] * 0xCD9E8D57u;
            uint32_t w0 = (uint32_t)(p1 >> 32) ^ word[1][l] ^ key0;
            uint32_t w2 = (uint32_t)(p0 >> 32) ^ word[3][l] ^ key1;
            word[1][l] = (uint32_t)p1;
            word[3][l] = (uint32_t)p0;
            word[0][l] = w0;
            word[2][l] = w2;
        }
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
}

/* In (0, 1): the middle of one of 2^23 equal cells, which a float holds exactly. */
PH_INLINE real unit(uint32_t word)
{
    return ((real)(word >> 9) + (real)0.5) * (real)(1.0 / 8388608.0);
}

PH_KERNEL static void uniform(const ph_tile *t, const ph_noise_at *at)
{
    uint32_t word[4][LANES];
    real value[4 * LANES];
    for (size_t r = 0; r < t->rows; r++)
        for (size_t c = 0; c < t->columns; c += 4 * LANES) {
            draw(word, at, at->row + r, (uint32_t)((at->column + c) / 4));
            for (int i = 0; i < 4; i++)
                for (int l = 0; l < LANES; l++)
                    value[i * LANES + l] = unit(word[i][l]);
            size_t left = t->columns - c;
            for (size_t k = 0; k < 4 * LANES && k < left; k++)
                t->out[r * t->out_stride + c + k] = value[k];
        }
}

/* Box and Muller (1958): words 0 and 1 give two normals, words 2 and 3 two more. */
PH_KERNEL static void normal(const ph_tile *t, const ph_noise_at *at)
{
    uint32_t word[4][LANES];
    real value[4 * LANES];
    for (size_t r = 0; r < t->rows; r++)
        for (size_t c = 0; c < t->columns; c += 4 * LANES) {
            draw(word, at, at->row + r, (uint32_t)((at->column + c) / 4));
            for (int i = 0; i < 4; i += 2)
                for (int l = 0; l < LANES; l++) {
                    real twice = -2 * ph_v_log(unit(word[i][l]));
                    real angle = (real)6.283185307179586 * (unit(word[i + 1][l]) - (real)0.5);
#ifdef PH_DOUBLE
                    real radius = sqrt(twice);
#else
                    real radius = sqrtf(twice);
#endif
                    value[i * LANES + l] = radius * ph_v_cos(angle);
                    value[(i + 1) * LANES + l] = radius * ph_v_sin(angle);
                }
            size_t left = t->columns - c;
            for (size_t k = 0; k < 4 * LANES && k < left; k++)
                t->out[r * t->out_stride + c + k] = value[k];
        }
}

PH_KERNEL static void bernoulli(const ph_tile *t, const ph_noise_at *at)
{
    uint32_t word[4][LANES];
    real value[8 * LANES];
    uint32_t limit = (uint32_t)(t->attribute[0] * 65536 + (real)0.5);
    for (size_t r = 0; r < t->rows; r++)
        /* A draw covers 128 columns; one that begins in the middle of a tile's 64 starts there. */
        for (size_t done = 0; done < t->columns;) {
            size_t column = at->column + done, inside = column % (8 * LANES);
            draw(word, at, at->row + r, (uint32_t)(column / (8 * LANES) * LANES));
            for (int i = 0; i < 4; i++)
                for (int l = 0; l < LANES; l++) {
                    value[2 * i * LANES + l] = (word[i][l] & 0xffff) < limit;
                    value[(2 * i + 1) * LANES + l] = (word[i][l] >> 16) < limit;
                }
            size_t count = 8 * LANES - inside, left = t->columns - done;
            count = count < left ? count : left;
            for (size_t k = 0; k < count; k++)
                t->out[r * t->out_stride + done + k] = value[inside + k];
            done += count;
        }
}

const ph_op ph_op_normal = { .name = "normal", .formula = "normal()", .flags = PH_OP_NOISE,
                                 .noise = normal };
const ph_op ph_op_uniform = { .name = "uniform", .formula = "uniform()", .flags = PH_OP_NOISE,
                                  .noise = uniform };
const ph_op ph_op_bernoulli = { .name = "bernoulli", .formula = "bernoulli(p)",
                                    .flags = PH_OP_NOISE, .noise = bernoulli };

ph_node *ph_normal_like(ph_node *like)
{
    return ph_is_dead(like) ? like : ph_node_new(&ph_op_normal, like->shape, &like, 0, NULL, NULL, false);
}

ph_node *ph_uniform_like(ph_node *like)
{
    return ph_is_dead(like) ? like : ph_node_new(&ph_op_uniform, like->shape, &like, 0, NULL, NULL, false);
}

ph_node *ph_bernoulli_like(ph_node *like, double p)
{
    if (ph_is_dead(like))
        return like;
    if (!(p >= 0 && p <= 1))
        return ph_mistake(like->graph, "bernoulli: a probability lies in [0, 1], not %g", p);
    return ph_node_new(&ph_op_bernoulli, like->shape, &like, 0, (double[3]){ p }, NULL, false);
}
