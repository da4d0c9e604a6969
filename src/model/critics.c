/* critics.c - the game of the adversarial autoencoder: critics tell codes from draws of the prior, and the
 * encoder deceives them.
 */
#include "model/aae.h"

#include <stdio.h>
#include <string.h>

/* The critic's logit of each code: above 0 it takes it for a draw of the prior. */
static ph_node *judge(const ph_aae_net *n, const char *name, ph_node *a)
{
    ph_stack stack = { .activation = n->o->net.activation, .init = n->o->net.init,
                       .dropout = n->o->critic_dropout, .bias = true };
    ph_scope *scope = ph_scope_of(n->graph, name);
    ph_node *touched, *noisy = ph_corrupt(a, n->o->critic_noise, &touched);
    a = noisy == a ? a : ph_when_training(noisy, a);
    ph_node *h = ph_stack_over(scope, a, NULL, &n->judge, &stack);
    ph_node *logit = ph_linear_with(scope, h, 1, "linear", n->o->net.init, true, NULL);
    ph_scope_again(scope);
    return ph_flatten(logit);
}

/* ---- The game -------------------------------------------------------------------------------- */

/* Both sides' losses, over all critics; the logits of the critic on z and of that on y, [2] a row: of a
 * draw and of a code. */
typedef struct game {
    ph_node *critic, *generator, *logits[2];
    char names[64];
} game;

static ph_node *sum_of(ph_node *sum, ph_node *term)
{
    term = ph_mean_rows(term);
    return sum ? ph_add(sum, term) : term;
}

/* Numbers beside draw and code, in that order. */
static ph_node *pair(const ph_aae_net *n, const char *name, double first, double second)
{
    return ph_constants(n->graph, name, 1, (size_t[]){ 2 }, (double[]){ first, second });
}

/* A critic on draws, codes as they are in use, and codes as the encoder learns them. which: the place of
 * its figures, 2 for none. Draw and code go through the critic side by side, as two lines of one value, so
 * that each of its weights has one gradient. */
static void play(const ph_aae_net *n, game *g, const char *name, int which, ph_node *draw, ph_node *still,
                 ph_node *moving)
{
    ph_node *both = ph_reshape(ph_concatenate(draw, still), 2, (size_t[]){ 2, ph_width(draw) });
    ph_node *logits = judge(n, name, both), *sign = pair(n, "sign", -1, 1);
    g->critic = sum_of(g->critic, ph_sum_last(ph_softplus(ph_mul(logits, sign))));
    g->generator = sum_of(g->generator, ph_softplus(ph_neg(judge(n, name, moving))));
    if (which > 1)
        return;
    g->logits[which] = logits;
    size_t used = strlen(g->names);
    snprintf(g->names + used, sizeof g->names - used, "%s%s", used ? " " : "", name);
}

/* A whole row of zeros with a one at `place`, for each row of `like`. */
ph_node *ph_aae_one_at(ph_node *like, size_t count, size_t place)
{
    double *values = ph_arena_take(&like->graph->arena, count * sizeof *values);
    char name[32];
    if (values == NULL)
        return ph_out_of_memory(like->graph);
    values[place] = 1;
    snprintf(name, sizeof name, "one%zu", place);
    ph_shape shape = { like->shape.set, 1, { count } };
    return ph_broadcast_to(ph_constants(like->graph, name, 1, &count, values), &shape);
}

/* The critic is told the class, or that there is no label: one more class. */
static void play_by_class(ph_aae_net *n, game *g, const ph_aae_code *still, const ph_aae_code *moving)
{
    size_t classes = (size_t)n->o->classes;
    ph_node *none = ph_aae_one_at(n->row, classes + 1, classes);
    ph_node *any = ph_prior_draw(&n->prior, still->z, NULL, n->table);
    play(n, g, "critic", 0, ph_concatenate(any, none), ph_concatenate(still->z, none),
         ph_concatenate(moving->z, none));
    ph_node *rows = ph_flatten(n->second);
    ph_aae_code quiet = ph_aae_encode(n, rows, false), loud = ph_aae_encode(n, rows, true);
    ph_node *own = ph_prior_draw(&n->prior, quiet.z, n->labels, n->table);
    ph_node *zero = ph_broadcast_to(ph_constant(n->graph, 0), &(ph_shape){ rows->shape.set, 1, { 1 } });
    ph_node *told = ph_concatenate(n->labels, zero);
    play(n, g, "critic", 2, ph_concatenate(own, told), ph_concatenate(quiet.z, told),
         ph_concatenate(loud.z, told));
}

/* Draw and codes beside the class that the decoder is told. */
static void play_told(const ph_aae_net *n, game *g, const ph_aae_code *still, const ph_aae_code *moving)
{
    ph_node *draw = ph_prior_draw(&n->prior, still->z, NULL, n->table);
    play(n, g, "critic", 0, ph_concatenate(draw, n->labels), ph_concatenate(still->z, n->labels),
         ph_concatenate(moving->z, n->labels));
}

static game play_all(ph_aae_net *n, const ph_aae_code *still, const ph_aae_code *moving)
{
    game g = { .critic = NULL };
    if (n->use == PH_AAE_FOR_PRIOR)
        play_by_class(n, &g, still, moving);
    else if (n->o->critic_label)
        play_told(n, &g, still, moving);
    else
        play(n, &g, "critic", 0, ph_prior_draw(&n->prior, still->z, NULL, n->table), still->z, moving->z);
    if (n->kinds)
        play(n, &g, "critic-y", 1, ph_prior_category(still->y, n->kinds), still->y, moving->y);
    return g;
}

/* What the critic on z and that on y are right about: draws, codes. */
static const char *const names[2][2] = { { "critic_real", "critic_fake" },
                                         { "critic_y_real", "critic_y_fake" } };

static void report_critics(const ph_aae_net *n, const game *g, int phase)
{
    ph_node *zero = ph_constant(n->graph, 0);
    for (int i = 0; i < 2; i++) {
        ph_node *a = g->logits[i];
        if (a == NULL)
            continue;
        ph_report_in(n->graph, phase, names[i][0],
                     i ? "share of one-hot draws that the critic on y takes for such"
                       : "share of the prior's draws that the critic takes for such",
                     ph_mul(ph_less(zero, a), pair(n, "draws", 1, 0)));
        ph_report_in(n->graph, phase, names[i][1],
                     i ? "share of the rows' y that the critic on y takes for such"
                       : "share of codes that the critic takes for such",
                     ph_mul(ph_less(a, zero), pair(n, "codes", 0, 1)));
    }
}

void ph_aae_compete(ph_aae_net *n, const ph_aae_code *still, const ph_aae_code *moving)
{
    game match = play_all(n, still, moving);
    int critics = ph_aae_phase(n, "critic", match.names, match.critic, &n->o->critic);
    ph_aae_phase(n, "generator", "encoder", match.generator, &n->o->generator);
    report_critics(n, &match, critics);
    if (still->y) {
        ph_node *mean = ph_mean_rows(still->y);
        ph_report_in(n->graph, critics, "largest_class", "largest share of a class or cluster in the mean y of a "
                     "batch; 1: all rows are of one", ph_sum_last(ph_mul(mean, ph_largest(mean, 1))));
    }
}

/* ---- What is odd ----------------------------------------------------------------------------- */

/* About what normal codes have whose every mean is half a deviation away from that of the prior. */
static const double FAR = 0.05;

const char *ph_aae_remark(const ph_figures *f)
{
    static const char *const says[2][3] = {
        { "the critic wins: it tells nearly all codes from draws of the prior, and the encoder learns "
          "little from it (a lower --lr-critic, --critic-dropout or --critic-noise may help)",
          "the critic is dead: it takes everything for a code (a lower --lr-critic may help)",
          "the critic is dead: it takes everything for a draw of the prior (a lower --lr-critic may "
          "help)" },
        { "the critic on y wins: it tells nearly all y from one-hot draws, and the encoder learns little "
          "from it (a lower --lr-critic, --critic-dropout or --critic-noise may help)",
          "the critic on y is dead: it takes everything for a code (a lower --lr-critic may help)",
          "the critic on y is dead: it takes everything for a draw (a lower --lr-critic may help)" },
    };
    for (int i = 0; i < 2; i++) {
        double draws = ph_figure_get(f, names[i][0]), codes = ph_figure_get(f, names[i][1]);
        if (draws > 0.98 && codes > 0.98)
            return says[i][0];
        if (draws < 0.002 && codes > 0.998)
            return says[i][1];
        if (draws > 0.998 && codes < 0.002)
            return says[i][2];
    }
    if (ph_figure_get(f, "largest_class") > 0.9)
        return "y has collapsed: nearly all rows are of one class or cluster (a higher --lr-classify, a "
               "lower --lr-reconstruction, more --noise or another --seed may help)";
    return ph_figure_get(f, "prior_mmd") > FAR
               ? "codes do not follow the prior, and rows sampled from it may be like none (a lower "
                 "--lr-reconstruction, a higher --lr-critic or --lr-generator, or more epochs may help)"
               : NULL;
}
