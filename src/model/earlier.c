/* earlier.c - a new model that starts with an earlier one: a net that was pretrained, the net whose words a
 * prior learns.
 */
#include "model/model.h"

#include <string.h>

/* The file's path, or NULL where the new model starts with none. */
static const char *path_of(const ph_model *m)
{
    const char *option = m->family->earlier.option;
    const char *path = option ? ph_settings_get(m->settings, option) : NULL;
    return path && *path ? path : NULL;
}

ph_status ph_model_load_earlier(const ph_model *m, ph_model **earlier)
{
    const char *path = path_of(m);
    *earlier = path ? ph_model_load(path) : NULL;
    if (path == NULL || *earlier == NULL)
        return path ? ph_last_status() : PH_OK;
    const char *family = (*earlier)->family->face.name;
    if (strcmp(family, m->family->earlier.family) == 0)
        return PH_OK;
    ph_status status = ph_fail(PH_USAGE, "%s %s: a model of family %s, where one of %s is needed",
                               m->family->earlier.option, path, family, m->family->earlier.family);
    ph_model_free(*earlier);
    *earlier = NULL;
    return status;
}

/* Whether a name is one of a blank-separated list. */
static bool is_listed(const char *list, const char *name, size_t length)
{
    for (const char *at = list; (at = strstr(at, name)) != NULL; at += length) {
        bool begins = at == list || at[-1] == ' ', ends = at[length] == ' ' || at[length] == '\0';
        if (begins && ends)
            return true;
    }
    return false;
}

/* An option that was given, and not as the earlier model has it, would be another net. */
static ph_status take_option(ph_model *m, const ph_model *earlier, const char *name, const char *usual)
{
    const char *now = ph_settings_get(m->settings, name), *own = ph_settings_get(earlier->settings, name);
    if (now && own && strcmp(now, own) != 0 && strcmp(now, usual) != 0)
        return ph_fail(PH_USAGE, "--%s %s: %s was made with %s", name, now, path_of(m), own);
    return own ? ph_settings_set(m->settings, name, own) : PH_OK;
}

ph_status ph_model_take_over(ph_model *m, const ph_model *earlier, const ph_data *data)
{
    const ph_family *face = &earlier->family->face;
    const char *list = m->family->earlier.options;
    const ph_scaling *scaling = &earlier->scaling;
    size_t width = ph_shape_size(&m->row), wide = scaling->fill ? scaling->columns : scaling->width;
    if (wide != 1 && wide != width && wide != ph_data_scales(data))
        return ph_fail(PH_USAGE, "%s: it scales rows of %zu numbers, but those of %s have %zu", path_of(m),
                       wide, m->data_name, width);
    if (ph_data_column(data, 0) || list == NULL) /* where not all is taken over, pictures may have another size */
        PH_TRY(ph_model_check_data(earlier, "encode", data));
    for (size_t i = 0; i < face->option_count; i++) {
        const ph_option *o = &face->options[i];
        if (list == NULL || is_listed(list, o->name, strlen(o->name)))
            PH_TRY(take_option(m, earlier, o->name, o->value ? o->value : ""));
    }
    PH_TRY(take_option(m, earlier, "scaling", "auto"));
    return ph_scaling_copy(&m->scaling, scaling);
}

/* Whether a variable is of one of the scopes. */
static bool is_in(const ph_model *m, const ph_variable *v)
{
    char scope[64];
    size_t length = strcspn(v->name, "/");
    bool kept = v->kind == PH_VARIABLE_PARAMETER || v->kind == PH_VARIABLE_STATE;
    if (!kept || length >= sizeof scope)
        return false;
    memcpy(scope, v->name, length);
    scope[length] = '\0';
    return is_listed(m->family->earlier.scopes, scope, length);
}

ph_status ph_model_copy_weights(ph_model *m, const ph_model *earlier)
{
    for (ph_variable *v = m->graph->variable; v; v = v->next) {
        if (!is_in(m, v))
            continue;
        const ph_variable *own = ph_variable_find(earlier->graph, v->name);
        if (own == NULL || !ph_shape_equal(&own->shape, &v->shape))
            return ph_fail(PH_MODEL, "%s: it has no %s of that shape", path_of(m), v->name);
        memcpy(v->data, own->used ? own->used : own->data, v->size * sizeof v->data[0]);
    }
    return PH_OK;
}
