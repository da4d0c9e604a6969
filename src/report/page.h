/* page.h - the style and the script of the page, as texts. */
#ifndef PH_REPORT_PAGE_H
#define PH_REPORT_PAGE_H

extern const char ph_page_style[], ph_page_script[];

#endif
