/* report.c - pinhole report: one page about a model on a set, in one file that needs no other.
 *
 * Everything is measured first, so a set that does not fit or a value that is missing is said before a
 * file is begun; then the sections are written in their order, each where it applies.
 */
#include "report/report.h"

#include "report/page.h"

#include <string.h>

static const ph_section *const sections[] = {
    &ph_section_summary, &ph_section_curves, &ph_section_rows, &ph_section_worst, &ph_section_columns,
    &ph_section_filters, &ph_section_map, &ph_section_lattice, &ph_section_samples,
    &ph_section_activity, &ph_section_units, &ph_section_posterior, &ph_section_words,
    &ph_section_times,
};
enum { SECTIONS = sizeof sections / sizeof sections[0] };

static bool applies(const ph_page *r, const ph_section *s)
{
    return s->applies == NULL || s->applies(r);
}

static void put_title(ph_page *r)
{
    if (r->title && *r->title) {
        ph_put_text(r, r->title);
        return;
    }
    ph_put_text(r, r->info.family);
    ph_put(r, " on ");
    ph_put_text(r, r->set.name);
}

static ph_status write(ph_page *r)
{
    ph_put(r, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
              "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    put_title(r);
    ph_put(r, "</title>\n<style>\n");
    ph_file_write(r->page, ph_page_style, strlen(ph_page_style));
    ph_put(r, "</style>\n</head>\n<body>\n<header><h1>");
    put_title(r);
    ph_put(r, "</h1>\n<nav aria-label=\"sections\">");
    for (int i = 0; i < SECTIONS; i++)
        if (applies(r, sections[i]))
            ph_put(r, "<a href=\"#%s\">%s</a> ", sections[i]->id, sections[i]->heading);
    ph_put(r, "</nav></header>\n<main>\n");
    for (int i = 0; i < SECTIONS; i++)
        if (applies(r, sections[i])) {
            ph_put(r, "<section id=\"%s\"><h2>%s</h2>\n", sections[i]->id, sections[i]->heading);
            PH_TRY(sections[i]->write(r));
            ph_put(r, "\n</section>\n");
        }
    ph_put(r, "</main>\n<footer>Made by pinhole " PH_VERSION ".</footer>\n<script>\n");
    ph_file_write(r->page, ph_page_script, strlen(ph_page_script));
    ph_put(r, "</script>\n</body>\n</html>\n");
    return PH_OK;
}

static ph_status measure_both(ph_page *r)
{
    PH_TRY(ph_page_measure(r));
    if (r->beside == NULL)
        return PH_OK;
    PH_TRY(ph_page_measure(r->beside));
    if (r->code == 0 || r->beside->code == 0)
        return ph_fail(PH_USAGE, "beside: a model of family %s has no codes to show on a map",
                       r->code ? r->beside->info.family : r->info.family);
    return PH_OK;
}

ph_status ph_report_save(ph_model *model, const ph_data *data, const ph_report_desc *given,
                         const char *path)
{
    const ph_report_desc d = given ? *given : (ph_report_desc){ 0 };
    ph_page beside = { .model = d.beside, .data = data, .train = d.train, .name = d.beside_name };
    ph_page r = { .model = model, .data = data, .train = d.train, .title = d.title, .name = d.name,
                  .times = d.times, .beside = d.beside ? &beside : NULL };
    ph_status status = ph_page_check_times(&r);
    if (status == PH_OK)
        status = measure_both(&r);
    if (status == PH_OK) {
        r.page = ph_file_create(path);
        status = r.page ? write(&r) : ph_last_status();
    }
    if (r.page && status == PH_OK)
        status = ph_file_commit(r.page);
    else if (r.page)
        ph_file_discard(r.page);
    if (d.figures)
        *d.figures = r.figures;
    if (d.beside_figures)
        *d.beside_figures = beside.figures;
    ph_page_release(&r);
    ph_page_release(&beside);
    return status;
}
