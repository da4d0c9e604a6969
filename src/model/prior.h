/* prior.h - distributions that codes are to follow, as draws in a graph. */
#ifndef PH_MODEL_PRIOR_H
#define PH_MODEL_PRIOR_H

#include "nn/nn.h"

/* What --prior says. normal:S, deviation S; uniform:A, from -A to A; mixture:K, K petals of a flower in the
 * plane; mixture:KxL, a grid of normals there, K across and L down; swissroll, a spiral in the plane; the rows of
 * a .npy file. Before it, categorical:K: one of K clusters, beside the style. */
typedef enum ph_prior_kind {
    PH_PRIOR_NORMAL, PH_PRIOR_UNIFORM, PH_PRIOR_MIXTURE, PH_PRIOR_SWISSROLL, PH_PRIOR_ROWS
} ph_prior_kind;

typedef struct ph_prior {
    ph_prior_kind kind;
    double scale;              /* S or A */
    size_t parts, across;      /* petals, or those of a grid with so many across; 0: none */
    size_t clusters;           /* 0: none */
    const char *path;          /* of the rows: a part of the text */
} ph_prior;

static inline bool ph_prior_has_parts(const ph_prior *p)
{
    return p->kind == PH_PRIOR_MIXTURE || p->kind == PH_PRIOR_SWISSROLL;
}

/* PH_USAGE where the text is none of these. */
ph_status ph_prior_read(const char *text, ph_prior *);

/* A draw for each row of `like`, in its width. part: per row zeros with a one, that names the petal, the
 * normal of the grid or the piece of the roll to draw from; NULL: from all. table: the rows of the file. */
ph_node *ph_prior_draw(const ph_prior *, ph_node *like, ph_node *part, ph_node *table);
/* Settles the option prior-rows of a new model by the file that `prior` names, if it names one; reads its
 * rows into the table that the model keeps them in, of prior-rows rows. */
ph_status ph_prior_settle(ph_settings *);
ph_status ph_prior_fill(const ph_prior *, ph_variable *table);
/* A row of `count` zeros with a one anywhere, for each row of `like`. */
ph_node *ph_prior_category(ph_node *like, size_t count);

#endif
